// The first steps of a reader: where to begin, ten questions from there, or a reading list from elsewhere.

import { button, el, part, picture, plural, say } from "./base.js";
import { importer } from "./lists.js";
import { address, ask, go } from "./page.js";
import { byLine, readLink } from "./paper.js";
import { introduce, judge, reader, userPath } from "./reader.js";

const QUESTIONS = 10;
const THEMES = 24; // offered to begin with
const skipped = new Set(); // until the page is left; the service is told, and stores nothing of it

// What the reader begins with, until the page is left: themes by id with their names, topics and authors as they were typed.
const begun = { reader: "", theme: new Map(), topic: new Map(), author: new Map() };

/** The view with the questions, and the other ways to begin. */
export async function start() {
  if (begun.reader !== reader.name) {
    Object.assign(begun, { reader: reader.name, theme: new Map(), topic: new Map(), author: new Map() });
    skipped.clear();
  }
  const box = el("section", { className: "question", ariaLabel: "Questions" });
  const beginning = await begin(() => askNext(box, { asked: 0, liked: 0 }).catch((e) => say(e.message, true)));
  await askNext(box, { asked: 0, liked: 0 });
  return {
    name: "Welcome",
    head: [
      el("div", { className: "headline" },
        el("h1", { tabIndex: -1 },
          el("span", { className: "kicker" }, reader.events ? `For ${reader.name}` : `Welcome, ${reader.name}`),
          "Which of these would you read?")),
      beginning,
      box,
      el("details", { className: "panel" },
        el("summary", {}, el("strong", {}, "Or bring a reading list"), el("span", { className: "small" }, "BibTeX, RIS, Zotero, a list of ids")), importer()),
      reader.events ? "" : el("p", { className: "filter" }, "Or ", el("a", { href: address("foryou", "", { anyway: "yes" }) }, "look at what others read"), ", and press the heart under what you like."),
    ],
    first: { papers: [], next: null, total: 0 },
  };
}

/** Where to begin: themes to choose from, topics and authors to type. Whatever is chosen changes the question at once. */
async function begin(after) {
  // Without themes (none yet, or the first are being made) there are still words.
  const themes = await ask("v1/themes", { about: THEMES }).then((got) => got.themes, () => []);
  const chosen = el("div", { className: "row", role: "status" });
  const row = el("div", { className: "row" }, ...themes.map((theme) => {
    const chip = el("button", { type: "button", className: "chip", ariaPressed: String(begun.theme.has(theme.id)) }, theme.name);
    chip.onclick = () => {
      if (!begun.theme.delete(theme.id)) begun.theme.set(theme.id, theme.name);
      chip.ariaPressed = String(begun.theme.has(theme.id));
      after();
    };
    return chip;
  }));
  const typed = (kind, name) => {
    const chip = el("button", { type: "button", className: "chip", ariaPressed: "true", title: "Take it away" }, `${name} ×`);
    chip.onclick = () => {
      begun[kind].delete(name);
      list();
      after();
    };
    return chip;
  };
  const list = () => chosen.replaceChildren(...["topic", "author"].flatMap((kind) => [...begun[kind].keys()].map((name) => typed(kind, name))));
  const field = (kind, label, placeholder) => {
    const input = el("input", { id: `begin-${kind}`, className: "field", placeholder, maxLength: 300, autocomplete: "off" });
    const form = el("form", { className: "controls" }, el("label", { htmlFor: input.id }, label), input, el("button", { className: "quiet" }, "Add"));
    form.onsubmit = async (event) => {
      event.preventDefault();
      const name = input.value.trim();
      if (!name) return;
      begun[kind].set(name, name);
      try {
        // Asked for once by itself, so that an author whom nobody knows does not stay among the chosen.
        await ask(userPath("/questions"), { [kind]: name, limit: 1 });
        input.value = "";
      } catch (e) {
        begun[kind].delete(name);
        say(e.message, true);
        return;
      }
      list();
      after();
    };
    return form;
  };
  list();
  const open = !reader.events;
  return el("details", { className: "panel", open },
    el("summary", {}, el("strong", {}, "Where shall we begin?"), el("span", { className: "small" }, "as many as you like, or none")),
    row, field("topic", "A topic in your words", "robots that fold laundry"), field("author", "An author", "full name, as on the papers"), chosen);
}

/** The next question. */
async function next() {
  await introduce();
  const from = Object.fromEntries(["theme", "topic", "author"].map((kind) => [kind, [...begun[kind].keys()]]));
  // Of what was passed over the latest say enough, and an address has an end.
  const passed = [...skipped].slice(-50);
  const { papers } = await ask(userPath("/questions"), { ...from, passed, limit: Math.min(500, 5 + skipped.size) });
  return papers.find((p) => !skipped.has(p.id)) ?? null;
}

let turn = 0; // of the questions that are on their way only the last is shown

async function askNext(box, so) {
  if (so.asked >= QUESTIONS) return finish(box, so);
  const mine = ++turn;
  const paper = await next();
  if (mine !== turn) return;
  if (!paper) return finish(box, so);

  const answer = async (kind) => {
    box.ariaBusy = "true";
    const held = document.activeElement.id;
    try {
      if (kind === "skip") skipped.add(paper.id);
      else if (!(await judge(paper.id, kind === "like" ? { liked: true, saved: false } : { against: "dislike" }))) return;
      const answered = { asked: so.asked + 1, liked: so.liked + (kind === "like") };
      await askNext(box, answered);
      if (box.isConnected) (part(held) ?? part("answer-like"))?.focus({ preventScroll: true });
    } catch (e) {
      say(e.message, true);
    } finally {
      box.ariaBusy = "false";
    }
  };
  const choice = (kind, text, image, className) => {
    const node = el("button", { id: `answer-${kind}`, type: "button", className, onclick: () => answer(kind) }, image && picture(image), text);
    return node;
  };
  // Two or three lines of an abstract do not say enough for an answer; all of it would push the buttons away.
  const text = el("p", { className: "abstract cut long", dir: "auto" }, paper.abstract ?? "");
  text.onclick = () => text.classList.remove("cut");
  box.replaceChildren(
    el("div", { className: "steps" },
      el("progress", { max: QUESTIONS, value: so.asked, ariaLabel: "Questions answered" }),
      el("span", { className: "small", role: "status" }, `Question ${so.asked + 1} of ${QUESTIONS}`)),
    el("article", {}, el("h2", { className: "title", dir: "auto" }, paper.title), byLine(paper), text,
      el("div", { className: "row" }, ...(paper.categories ?? []).map((c) => el("span", { className: "chip" }, c)),
        paper.organization ? el("span", {}, paper.organization) : null, readLink(paper))),
    el("div", { className: "answers" },
      choice("like", "Interested", "heart", "primary"), choice("dislike", "Not for me", "down", "quiet"), choice("skip", "Skip", null, "quiet")),
    so.liked ? button("Enough: show me my feed", () => go(address("foryou")), "plain") : "");
}

function finish(box, { asked, liked }) {
  const feed = el("button", { type: "button", id: "answer-like", className: "primary", onclick: () => go(address("foryou")) }, "Show me my feed");
  const more = button("Ten more questions", () => askNext(box, { asked: 0, liked: 0 }).catch((e) => say(e.message, true)));
  const title = asked ? (liked ? `${plural(liked, "paper")} you would read: that is a beginning.` : "Nothing of interest among these.") : "There is nothing left to ask about.";
  box.replaceChildren(
    el("progress", { max: QUESTIONS, value: asked, ariaLabel: "Questions answered" }),
    el("h2", {}, title),
    el("p", { className: "small" }, liked ? "The feed learns with every like, save and “not for me” from now on." : "Ten more may find it; or search for something you like, and press the heart under it."),
    el("div", { className: "answers" }, ...(liked || reader.events ? [feed] : []), ...(asked ? [more] : [])));
}
