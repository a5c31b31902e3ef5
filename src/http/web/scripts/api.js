// Forms, buttons and fields that call the API in place of a page: `data-api="PATCH v1/users/ada/interests/i3"`.
//
// A form sends its fields as JSON (`data-type="number"`, `"boolean"` or `"json"` where a field is no text; empty ones are left out, or
// null with `data-null`), a button or field its `data-body`, or its own name and value. `data-ask` is asked first. Behind it the page is
// shown anew (`data-then="again"`, the default), another (`data-then="go PATH"`), or nothing but `data-say` (`data-then=""`).

import { again, visit } from "./navigation.js";
import { ask, at, el, say, text, wrong } from "./said.js";

/** Asks the service for JSON; what it answers, or an Error for the person in front of the page. */
export async function call(method, path, body) {
  const json = body === undefined ? {} : { headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
  const answer = await ask(method, path, json);
  if (answer.status === 204) return null;
  const told = await answer.json().catch(() => null);
  if (told && !told.error) return told;
  throw wrong(told?.error?.message ?? text("unreadable"), answer.status);
}

/** Asks before something that is not taken back easily; whether it is wanted. */
export function sure(question, yes) {
  return new Promise((answer) => {
    const go = el("button", { type: "button", className: "primary" }, yes || text("yes"));
    const stay = el("button", { type: "button", className: "quiet" }, text("no"));
    const box = el("dialog", { ariaLabel: question }, el("p", {}, question), el("div", { className: "controls" }, go, stay));
    go.onclick = () => box.close("yes");
    stay.onclick = () => box.close();
    box.onclose = () => {
      box.remove();
      answer(box.returnValue === "yes");
    };
    document.body.append(box);
    box.showModal();
    stay.focus();
  });
}

function valueOf(field) {
  if (field.type === "checkbox") return field.dataset.type === "boolean" ? field.checked : field.checked ? field.value : undefined;
  const given = field.value.trim();
  if (!given) return field.dataset.null !== undefined ? null : undefined;
  if (field.dataset.type === "number") return Number(given);
  if (field.dataset.type === "boolean") return given === "true";
  if (field.dataset.type === "json") return JSON.parse(given);
  return given;
}

function bodyOf(node) {
  if (node.dataset.body) return JSON.parse(node.dataset.body);
  const fields = node.tagName === "FORM" ? [...node.elements].filter((f) => f.name && f.tagName !== "BUTTON") : node.name ? [node] : [];
  const body = {};
  for (const field of fields) {
    if (field.type === "radio" && !field.checked) continue;
    const value = valueOf(field);
    if (value !== undefined) body[field.name] = value;
  }
  return body;
}

async function act(node) {
  const { api, then = "again" } = node.dataset;
  if (node.dataset.ask && !(await sure(node.dataset.ask, node.dataset.yes))) return;
  const [method, path] = api.split(" ");
  const body = method === "GET" || method === "DELETE" ? undefined : bodyOf(node);
  node.ariaBusy = "true";
  try {
    const told = await call(method, path, body);
    node.dispatchEvent(new CustomEvent("called", { bubbles: true, detail: told }));
    if (node.dataset.say || told?.message) say(node.dataset.say || told.message);
    if (then === "again") await again();
    else if (then.startsWith("go ")) await visit(at(then.slice(3)));
  } catch (e) {
    say(`${text("not_kept")} ${e.message}`, { wrong: true });
    if (node.tagName !== "FORM" && node.type !== "button") await again();
  } finally {
    node.ariaBusy = "false";
  }
}

export function start() {
  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("button[data-api]");
    if (!button) return;
    event.preventDefault();
    act(button);
  });
  document.addEventListener("submit", (event) => {
    if (!event.target.dataset.api) return;
    event.preventDefault();
    act(event.target);
  }, true);
  document.addEventListener("change", ({ target }) => {
    if (target.dataset.api && target.tagName !== "FORM" && target.tagName !== "BUTTON") act(target);
  });
}
