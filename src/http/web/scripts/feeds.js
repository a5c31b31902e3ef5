// For you, the questions, and the reader's own page: what goes on there beside links, forms and calls of the API.

import { call, sure } from "./api.js";
import { again, visit } from "./navigation.js";
import { at, copy as copied, el, say } from "./said.js";

const SOON = 3_000; // milliseconds within which a page that comes is the one that was left, shown anew
const NARROW = matchMedia("(max-width: 62rem)");

let judged = 0; // verdicts given since the service was opened
const known = new WeakMap(); // how many of them a page that is shown has heard of
let left = null; // what stood open and what had the focus where a page was left
let open = false; // whether the interests stand open on a narrow screen

document.addEventListener("judged", () => {
  judged += 1;
  for (const button of document.querySelectorAll("[data-update]")) drawUpdate(button);
});

/** Says when a feed is older than the last verdict. It is not drawn anew by itself: nothing should move under the hand. */
const drawUpdate = (button) => (button.hidden = (known.get(button) ?? judged) === judged);

/** Whoever presses something finds the same place again when the page was shown anew. */
function holdsPlace(node) {
  const before = left && left.path === location.pathname && performance.now() - left.at < SOON ? left : null;
  left = null;
  for (const id of before?.open ?? []) {
    const details = document.getElementById(id);
    if (details) details.open = true;
  }
  if (before?.focus && (document.activeElement === document.body || document.activeElement?.id === "main")) {
    const same = document.getElementById(before.focus);
    (same && !same.disabled ? same : document.getElementById("main")).focus({ preventScroll: true });
  }
  return () => {
    const focused = node.contains(document.activeElement) ? document.activeElement.id || "main" : null;
    left = { path: location.pathname, at: performance.now(), focus: focused, open: [...node.querySelectorAll("details[id][open]")].map((d) => d.id) };
  };
}

/** A slider says what it stands at. */
function sliders(node, first) {
  if (!first) return;
  for (const slider of node.querySelectorAll("input[type='range']")) {
    slider.addEventListener("input", () => {
      const says = Number(slider.max) <= 1 ? `${Math.round(100 * slider.value)}%` : slider.value;
      slider.ariaValueText = says;
      slider.parentElement.querySelector("output").textContent = says;
    });
  }
}

function feed(node, first) {
  const own = node.querySelector("#interests");
  const update = node.querySelector("[data-update]");
  if (first) {
    if (NARROW.matches) own.open = open;
    own.classList.add("settled");
    own.addEventListener("toggle", () => NARROW.matches && own.isConnected && (open = own.open));
    tries(node.querySelector(".what-if form"));
    known.set(update, judged);
    update.addEventListener("click", async () => {
      await again();
      scrollTo(0, 0);
    });
  }
  drawUpdate(update);
  sliders(node, first);
  return holdsPlace(node);
}

/** What would be shows while a slider is moved, without leaving the place. */
function tries(form) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const url = new URL(form.getAttribute("action"), location.href);
    url.search = new URLSearchParams(new FormData(form));
    // One step back leads to where no slider was moved.
    visit(url.href, { still: true, replace: location.search.includes("exploration=") });
  });
}

/** Questions are answered with the keys that papers have elsewhere. */
function questions(node) {
  const form = node.querySelector("form");
  if (!form) return undefined;
  const keys = { l: "answer-like", d: "answer-dislike", x: "answer-skip" };
  const said = form.dataset.said; // the answer of somebody who came back to the question
  for (const button of form.querySelectorAll("button")) if (said) button.ariaPressed = String(button.name === said);
  let waits = false;
  const pressed = (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || event.target.closest?.("input, textarea, select, dialog")) return;
    if (Object.hasOwn(keys, event.key)) node.querySelector(`#${keys[event.key]}`)?.click();
  };
  const answered = (event) => {
    // One answer to a question, also of whoever presses twice.
    if (waits) return event.preventDefault();
    waits = true;
    setTimeout(() => (waits = false), SOON);
    form.dataset.said = event.submitter.name;
  };
  form.addEventListener("submit", answered);
  document.addEventListener("keydown", pressed);
  return () => {
    document.removeEventListener("keydown", pressed);
    form.removeEventListener("submit", answered);
  };
}

/** The addresses of the feed for a news reader, made when they are asked for. */
function addresses(node, first) {
  const box = node.querySelector(".addresses");
  if (!box || !first) return;
  const { path, copy, copyOf, replace, ask, replaced } = node.dataset;
  const line = (name, way) => {
    const url = at(way.replace(/^\//, ""));
    const field = el("input", { className: "field", type: "text", readOnly: true, value: url, ariaLabel: name, onfocus: () => field.select() });
    const button = el("button", { type: "button", className: "quiet", ariaLabel: copyOf + name }, copy);
    button.onclick = () => copied(url, () => field.focus()); // which selects it, to be copied by hand
    return el("div", { className: "address" }, el("span", { className: "small" }, name), el("div", { className: "field-row" }, field, button));
  };
  const made = async () => {
    try {
      const { atom, json } = await call("POST", path);
      const other = el("button", { type: "button", className: "plain danger" }, replace);
      other.onclick = async () => {
        if (!(await sure(ask, replace))) return;
        try {
          await call("DELETE", path);
          await made();
          say(replaced);
        } catch (e) {
          say(e.message, { wrong: true });
        }
      };
      box.replaceChildren(line("Atom", atom), line("JSON Feed", json), el("p", {}, other));
      box.querySelector("input").focus({ preventScroll: true });
    } catch (e) {
      say(e.message, { wrong: true });
    }
  };
  box.querySelector("[data-show]")?.addEventListener("click", made);
}

/** Behind being forgotten this browser forgets the name as well. */
function forget(node, first) {
  if (!first) return;
  const leave = node.dataset.leave !== undefined;
  node.addEventListener("called", () =>
    leave ? visit(at("reader"), { method: "POST", body: new URLSearchParams({ name: "", to: "/" }) }) : location.assign(at("")));
}

const PARTS = {
  feed, questions, addresses, forget,
  "turned-down": holdsPlace,
  sliders: (node, first) => {
    sliders(node, first);
    return holdsPlace(node);
  },
};

const begun = new WeakSet(); // a page that was left and is shown again has its listeners still

/** Begins what belongs to a part of a page. */
export function mount(node) {
  const first = !begun.has(node);
  begun.add(node);
  return PARTS[node.dataset.part]?.(node, first);
}
