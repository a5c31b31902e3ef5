// What scripts say to the reader, and what they send to the service.

const texts = JSON.parse(document.body.dataset.texts);

/** A text, by its name in `texts/en/script.toml`. */
export const text = (name) => texts[name] ?? name;

/** An element with properties (or attributes, where there is no such property) and children. Texts only ever become text nodes. */
export function el(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (name in node) node[name] = value;
    else node.setAttribute(name, value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

/** Says something at the edge of the page, for some seconds; with a button, where there is something to do about it. */
export function say(what, { wrong = false, button = null } = {}) {
  const line = el("p", { className: wrong ? "word wrong" : "word" }, what);
  if (button) {
    const press = el("button", { type: "button" }, button.text);
    press.onclick = () => {
      line.remove();
      button.press();
    };
    line.append(press);
  }
  document.getElementById("words").replaceChildren(line);
  setTimeout(() => line.remove(), wrong || button ? 8_000 : 4_000);
}

/** The way to an address of the service, from wherever the page lies. */
export const at = (path) => new URL(document.body.dataset.root + path, location.href).href;

/** Sends a form's fields; the answer, or an Error for the person in front of the page. */
export async function send(path, fields, { keepalive = false } = {}) {
  let answer;
  try {
    answer = await fetch(at(path), {
      method: "POST", keepalive, body: new URLSearchParams(fields), headers: { "x-paperkin-page": "1" }, redirect: "follow",
    });
  } catch {
    throw new Error(text(navigator.onLine ? "unreachable" : "offline"));
  }
  if (answer.ok) return answer;
  const told = await answer.json().catch(() => null);
  throw Object.assign(new Error(told?.error?.message ?? `${answer.status} ${answer.statusText}`), { status: answer.status });
}
