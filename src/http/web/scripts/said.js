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

/** Leads to where the reader says who they are (`sign-in`, or `reader` where nobody signs in), and from there back to this page. */
export function signIn(place = "sign-in") {
  const to = `/${location.pathname.slice(new URL(at("")).pathname.length)}${location.search}`;
  location.assign(at(`${place}?${new URLSearchParams({ to })}`));
}

/** Asks the service; its answer, or an Error for the person in front of the page. Who has to sign in first is led there. */
export async function ask(method, path, { body, headers, keepalive = false } = {}) {
  let answer;
  try {
    answer = await fetch(at(path), { method, body, keepalive, headers: { accept: "application/json", "x-paperkin-page": "1", ...headers } });
  } catch {
    throw new Error(text(navigator.onLine ? "unreachable" : "offline"));
  }
  if (answer.ok) return answer;
  const { message, detail } = (await answer.json().catch(() => null))?.error ?? {};
  if (answer.status === 401) signIn(detail?.needs === "reader" ? "reader" : undefined);
  throw wrong(message ?? fill(text("refused"), { n: answer.status }), answer.status);
}

/** What went wrong, as a sentence begins. */
export const wrong = (message, status) => Object.assign(new Error(message.charAt(0).toUpperCase() + message.slice(1)), { status });

/** Sends the fields of a form. */
export const send = (path, fields, { keepalive = false } = {}) => ask("POST", path, { body: new URLSearchParams(fields), keepalive });

/** Copies a text, or one that is to come; without a safe connection a browser lets nobody do so: then there is `way` out. */
export async function copy(what, way) {
  try {
    await navigator.clipboard.writeText(await what);
    say(text("copied"));
  } catch {
    way();
  }
}

/** Puts what is given into the places of a text, as the filter `fill` of the templates does; numbers as the language writes them. */
export const fill = (what, places = {}) => what.replace(/\{(\w+)(?::([^|}]*)\|([^}]*))?\}/g, (_, key, one, many) =>
  // The words of a choice may hold places themselves.
  one === undefined ? number(places[key]) : (places[key] === 1 ? one : many));

/** A number, or a text, as the language of the page writes it. */
export const number = (value, form) => (typeof value === "number" ? value.toLocaleString(document.documentElement.lang, form) : String(value ?? ""));
