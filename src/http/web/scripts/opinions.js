// What the reader thinks of a paper: it shows at once, wherever the paper stands, and is taken back when the service refuses.

import { everywhere } from "./navigation.js";
import { ask, copy, say, send, text } from "./said.js";

const OPENED = "paperkin.opened"; // papers that were opened in this visit: a reload is not another look
const NO = { like: "unlike", save: "unsave", dislike: "clear", dismiss: "clear" }; // what takes a word back

const waiting = new Map(); // by paper: how many presses have no answer yet, and what the service last confirmed
let queue = Promise.resolve();

/** What a paper's buttons say now. */
function stateOf(item) {
  const is = (name) => item.querySelector(`.v.${name}`)?.ariaPressed === "true";
  return { like: is("like"), save: is("save"), dislike: is("dislike"), dismiss: is("dismiss") };
}

/** What they will most likely say after a press; the service has the last word. */
function guessed(state, word, on) {
  const none = { ...state, dislike: false, dismiss: false };
  if (word === "clear") return none;
  if (on && (word === "dislike" || word === "dismiss")) return { like: false, save: false, dislike: false, dismiss: false, [word]: true };
  return { ...none, [word]: on };
}

function draw(id, state) {
  for (const page of everywhere()) {
    for (const item of page.querySelectorAll(".paper[data-paper]")) {
      if (item.dataset.paper !== id) continue;
      for (const [name, on] of Object.entries(state)) {
        const button = item.querySelector(`.v.${name}`);
        if (button) button.ariaPressed = String(on);
      }
      // Only what has a way back may fold.
      const why = item.querySelector(".fold .fold-why");
      if (!why) continue;
      const fold = state.dislike || state.dismiss;
      if (fold) why.textContent = text(state.dislike ? "disliked_line" : "dismissed_line");
      if (fold === item.classList.contains("folded")) continue;
      const focused = item.contains(document.activeElement);
      item.classList.toggle("folded", fold);
      if (focused) item.querySelector(fold ? ".fold button" : ".v")?.focus({ preventScroll: true });
    }
  }
}

const told = (word, on) => text({ like: on ? "liked" : "unliked", save: on ? "saved" : "unsaved", dislike: on ? "disliked" : "cleared", dismiss: on ? "dismissed" : "cleared", clear: "cleared" }[word]);

/** Says to the service what is wanted, not that something was pressed: whoever presses twice, or from two windows, gets what they see. */
async function press(button) {
  const id = button.value;
  const word = Object.keys(NO).find((name) => button.classList.contains(name)) ?? "clear";
  const on = word !== "clear" && button.ariaPressed !== "true";
  const seen = stateOf(button.closest(".paper[data-paper]"));
  const paper = waiting.get(id) ?? { presses: 0, confirmed: seen };
  paper.presses += 1;
  waiting.set(id, paper);
  draw(id, guessed(seen, word, on));
  const sent = queue.then(() => send("opinion", { [on ? word : NO[word] ?? word]: id }, { keepalive: true }));
  queue = sent.catch(() => {});
  try {
    const said = await (await sent).json();
    paper.confirmed = { like: said.liked, save: said.saved, dislike: said.disliked, dismiss: said.dismissed };
    say(told(word, paper.confirmed[word]));
    document.dispatchEvent(new CustomEvent("judged", { detail: { paper: id, state: paper.confirmed } }));
  } catch (e) {
    say(`${text("not_kept")} ${e.message}`, { wrong: true });
  }
  // What is pressed meanwhile shows until it is answered as well.
  paper.presses -= 1;
  if (paper.presses) return;
  waiting.delete(id);
  draw(id, paper.confirmed);
}

/** Writes down that a paper was opened; once a visit is enough. */
function opened(id) {
  if (!document.body.dataset.reader) return;
  let known = [];
  try {
    known = JSON.parse(sessionStorage.getItem(OPENED)) ?? [];
    if (known.includes(id)) return;
    sessionStorage.setItem(OPENED, JSON.stringify([...known, id].slice(-500)));
  } catch {
    // Storage may be forbidden: then another look is told again.
  }
  send("opinion", { open: id }, { keepalive: true }).catch(() => {});
}

/** The text of the file that a link leads to. */
async function reference(path) {
  return (await ask("GET", path, { headers: { accept: "*/*" } })).text();
}

export function start() {
  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("button[form='opinion']");
    // Who reads is asked on a page of its own: then the form goes its way.
    if (button && document.body.dataset.reader && button.closest(".paper[data-paper]")) {
      event.preventDefault();
      press(button);
      return;
    }
    const link = event.target.closest?.("a[data-copy]");
    if (link) {
      event.preventDefault();
      copy(reference(link.dataset.copy), () => location.assign(link.href));
    }
  });
  for (const kind of ["click", "auxclick"]) {
    document.addEventListener(kind, (event) => {
      const link = event.target.closest?.("a[data-open]");
      if (link) opened(link.dataset.open);
    });
  }
  document.addEventListener("shown", () => {
    const sheet = document.querySelector(".sheet[data-paper]");
    if (sheet) opened(sheet.dataset.paper);
  });
}
