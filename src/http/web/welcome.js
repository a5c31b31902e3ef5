// The first steps of a reader: ten questions, or a reading list from elsewhere.

import { button, el, part, picture, plural, say } from "./base.js";
import { importer } from "./lists.js";
import { address, ask, go } from "./page.js";
import { byLine, readLink } from "./paper.js";
import { introduce, judge, reader, userPath } from "./reader.js";

const QUESTIONS = 10;
const skipped = new Set(); // until the page is left; to skip says nothing of a paper

/** The view with the questions, and the other ways to begin. */
export async function start() {
  const box = el("section", { className: "question", ariaLabel: "Questions" });
  await askNext(box, { asked: 0, liked: 0 });
  return {
    name: "Welcome",
    head: [
      el("div", { className: "headline" },
        el("h1", { tabIndex: -1 },
          el("span", { className: "kicker" }, reader.events ? `For ${reader.name}` : `Welcome, ${reader.name}`),
          "Which of these would you read?")),
      box,
      el("details", { className: "panel" },
        el("summary", {}, el("strong", {}, "Or bring a reading list"), el("span", { className: "small" }, "BibTeX, RIS, Zotero, a list of ids")), importer()),
      reader.events ? "" : el("p", { className: "filter" }, "Or ", el("a", { href: address("foryou", "", { anyway: "yes" }) }, "look at what others read"), ", and press the heart under what you like."),
    ],
    first: { papers: [], next: null, total: 0 },
  };
}

/** The next question. */
async function next() {
  await introduce();
  const { papers } = await ask(userPath("/questions"), { limit: Math.min(500, 5 + skipped.size) });
  return papers.find((p) => !skipped.has(p.id)) ?? null;
}

async function askNext(box, so) {
  if (so.asked >= QUESTIONS) return finish(box, so);
  const paper = await next();
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
