// What the reader thinks of a paper: it shows at once, wherever the paper stands, and is taken back when the service refuses.

import { everywhere } from "./navigation.js";
import { say, send, text } from "./said.js";

const OPENED = "paperkin.opened"; // papers that were opened in this visit: a reload is not another look
let queue = Promise.resolve();

/** What a paper's buttons say now. */
function stateOf(item) {
  const is = (name) => item.querySelector(`.v.${name}`)?.ariaPressed === "true";
  return { like: is("like"), save: is("save"), dislike: is("dislike"), dismiss: is("dismiss") };
}

/** What they will most likely say after a press; the service has the last word. */
function guessed(state, word) {
  if (word === "clear") return { ...state, dislike: false, dismiss: false };
  if (word === "dislike" || word === "dismiss") return { like: false, save: false, dislike: false, dismiss: false, [word]: !state[word] };
  return { ...state, dislike: false, dismiss: false, [word]: !state[word] };
}

function draw(id, state) {
  for (const page of everywhere()) {
    for (const item of page.querySelectorAll(".paper[data-paper]")) {
      if (item.dataset.paper !== id) continue;
      for (const [name, on] of Object.entries(state)) {
        const button = item.querySelector(`.v.${name}`);
        if (button) button.ariaPressed = String(on);
      }
      const fold = item.tagName === "LI" && (state.dislike || state.dismiss);
      const why = item.querySelector(".fold-why");
      if (fold && why) why.textContent = text(state.dislike ? "disliked_line" : "dismissed_line");
      if (fold === item.classList.contains("folded")) continue;
      const focused = item.contains(document.activeElement);
      item.classList.toggle("folded", fold);
      if (focused) item.querySelector(fold ? ".fold button" : ".v")?.focus({ preventScroll: true });
    }
  }
}

const told = (word, on) => text({ like: on ? "liked" : "unliked", save: on ? "saved" : "unsaved", dislike: on ? "disliked" : "cleared", dismiss: on ? "dismissed" : "cleared", clear: "cleared" }[word]);

async function press(button) {
  const [word, id] = [button.name, button.value];
  const item = button.closest(".paper[data-paper]");
  const before = stateOf(item);
  draw(id, guessed(before, word));
  const sent = queue.then(() => send("opinion", { [word]: id }, { keepalive: true }));
  queue = sent.catch(() => {});
  try {
    const said = await (await sent).json();
    const now = { like: said.liked, save: said.saved, dislike: said.disliked, dismiss: said.dismissed };
    draw(id, now);
    say(told(word, now[word]));
    document.dispatchEvent(new CustomEvent("judged", { detail: { paper: id, state: now } }));
  } catch (e) {
    draw(id, before);
    say(`${text("not_kept")} ${e.message}`, { wrong: true });
  }
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

/** Copies a reference that a link leads to. */
async function copy(link) {
  try {
    const answer = await fetch(link.href);
    if (!answer.ok) throw new Error(`${answer.status} ${answer.statusText}`);
    await navigator.clipboard.writeText(await answer.text());
    say(text("copied"));
  } catch {
    location.assign(link.href);
  }
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
      copy(link);
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
