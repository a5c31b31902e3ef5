// A paper: its card, the buttons that say what the reader thinks of it, and why it is shown.

import { button, count, dayOf, el, picture, shortDate, signed, percent } from "./base.js";
import { reveal, tint } from "./interests.js";
import { address, changed, go } from "./page.js";
import { judge, open, stateOf } from "./reader.js";

const HALF_WAY = 1.5; // standard deviations that fill half of the bar of a personal score
const SINGLE = 5; // papers and words that are shown one by one

/** The address of a paper elsewhere: only of the web, since `javascript:` would be an address too. */
function webAddress(text) {
  try {
    const url = new URL(text);
    return /^https?:$/.test(url.protocol) ? url : null;
  } catch {
    return null; // none, or not a whole address
  }
}

/** A way to where the paper can be read; that it was gone tells what the reader likes. */
export function readLink(paper) {
  const url = webAddress(paper.url);
  if (!url) return null;
  const link = el("a", { className: "plain", href: url.href, rel: "noreferrer", title: `Read at ${url.hostname}` },
    el("span", { className: "unseen" }, "Read at "), `${url.hostname.replace(/^www\./, "")} ↗`);
  link.onclick = link.onauxclick = () => open(paper.id);
  return link;
}

/** Who wrote it, and when. */
export function byLine(paper, all = false) {
  const names = paper.authors ?? [];
  const shown = paper.date ?? dayOf(paper);
  const few = names.slice(0, 3).join(", ") + (names.length > 3 ? `, +${names.length - 3}` : "");
  return el("p", { className: "by" },
    few ? el("span", { title: names.length > 3 ? names.join(", ") : "" }, all ? names.join(", ") : few) : null,
    shown ? el("time", { dateTime: shown }, shortDate(shown)) : null,
    paper.submitted_by ? el("span", {}, `submitted by ${paper.submitted_by}`) : null);
}

/** A card; `source` makes it the one that others are compared with: all of it open, the title a heading. */
export function card(paper, at, source = false) {
  const similar = address("similar", paper.id);
  const text = paper.abstract ?? "";

  const votes = Number.isInteger(paper.upvotes)
    ? el("div", { className: "votes" }, count(paper.upvotes), el("span", { className: "unseen" }, paper.upvotes === 1 ? " upvote" : " upvotes"))
    : null;
  const title = source
    ? el("h1", { className: "title", dir: "auto", tabIndex: -1 }, paper.title)
    : el("h2", { className: "title", dir: "auto" }, el("a", { href: similar }, paper.title));

  const summary = text ? el("p", { className: source ? "abstract" : "abstract cut", dir: "auto" }, text) : null;
  let opener = null;
  if (summary && !source && text.length > 60) {
    const toggle = () => {
      const cut = summary.classList.toggle("cut");
      opener.ariaExpanded = String(!cut);
      opener.textContent = cut ? "Whole abstract" : "Shorter";
    };
    opener = button("Whole abstract", toggle, "plain");
    opener.ariaExpanded = "false";
    // A click opens; it does not close again, so that text can be marked and copied.
    summary.onclick = () => summary.classList.contains("cut") && toggle();
  }

  const chips = (paper.categories ?? []).map((category) => {
    const on = category.toLowerCase() === at.category.toLowerCase();
    const chip = button(category, () => go(changed(at, { category: on ? "" : category })), "chip");
    chip.ariaPressed = String(on);
    chip.title = on ? "Show every category" : `Only ${category}`;
    return chip;
  });
  const from = [paper.organization, paper.venue, source && paper.id].filter(Boolean).join(" · ");
  const interest = interestChip(paper);
  const [score, drawer] = reasons(paper, at);
  const bar = verdicts(paper);

  const whole = [votes, el("div", { className: "body" },
    title, byLine(paper, source), summary, at.view === "foryou" ? null : wordsLine(paper),
    interest || chips.length || from
      ? el("div", { className: "row" }, interest, ...chips, from ? el("span", { className: "from" }, from) : null)
      : null,
    el("div", { className: "row actions" }, bar,
      source ? null : button("More like this", () => go(similar), "more"), opener, readLink(paper), score)), drawer].filter(Boolean);
  const article = el("article", { className: "card" }, ...whole);
  if (drawer) drawer.id = score.getAttribute("aria-controls");

  // What the reader wants no more of folds to a line, with the way back.
  let before = { liked: false, saved: false };
  article.draw = () => {
    const state = stateOf(paper.id);
    bar.draw(state);
    const fold = Boolean(state.against) && !source;
    if (!fold) before = { liked: state.liked, saved: state.saved };
    if (fold === article.classList.contains("folded")) return;
    const focused = article.contains(document.activeElement);
    article.classList.toggle("folded", fold);
    article.replaceChildren(...(fold ? folded(paper, state, () => judge(paper.id, before)) : whole));
    if (focused) (fold ? article.querySelector("button") : bar.firstChild).focus({ preventScroll: true });
  };
  article.paper = paper.id;
  article.draw();
  return article;
}

document.addEventListener("judged", ({ detail }) => {
  for (const article of document.querySelectorAll("article.card")) if (detail === null || article.paper === detail) article.draw();
});

function folded(paper, { against }, undo) {
  return [
    el("p", { dir: "auto" }, el("span", { className: "from" }, against === "dislike" ? "Not for you: " : "Hidden: "),
      el("a", { href: address("similar", paper.id) }, paper.title)),
    button("Undo", undo),
  ];
}

// ---- What the reader thinks of it. ----

const VERDICTS = [
  ["like", "Like", "heart", "More like this (l)"],
  ["save", "Save", "bookmark", "Keep for later (s)"],
  ["dislike", "Not for me", "down", "Not for me: less like this (d)"],
  ["dismiss", "Hide", "cross", "Hide: not this paper again (x)"],
];

/** The buttons, with a way to draw them anew. */
function verdicts(paper) {
  const isOn = (kind, s) => ({ like: s.liked, save: s.saved })[kind] ?? s.against === kind;
  const wanted = (kind, s) => ({
    like: { liked: !s.liked, saved: s.saved },
    save: { liked: s.liked, saved: !s.saved },
  })[kind] ?? (s.against === kind ? { liked: false, saved: false } : { against: kind });
  const buttons = VERDICTS.map(([kind, text, image, title]) => {
    const press = () => judge(paper.id, wanted(kind, stateOf(paper.id)));
    return el("button", { type: "button", className: `verdict ${kind}`, title, ariaLabel: text, onclick: press }, picture(image));
  });
  const bar = el("div", { className: "verdicts", ariaLabel: "What you think of it" }, ...buttons);
  bar.setAttribute("role", "group");
  bar.draw = (state) => VERDICTS.forEach(([kind], k) => (buttons[k].ariaPressed = String(isOn(kind, state))));
  return bar;
}

// ---- Why it is shown. ----

/** The interest that a paper of the feed belongs to, or that it lies outside of all. */
function interestChip({ explore, why }) {
  if (explore) {
    const title = "Outside your interests on purpose, so that they may widen";
    return el("span", { className: "chip exploring", title }, "exploring");
  }
  if (!why?.interest) return null;
  const chip = button(why.interest.name, () => reveal(why.interest.id), "chip interest");
  chip.title = "Your interest that brought it";
  return tint(chip, why.interest.id);
}

const GROUPS = {
  exact: ["What was asked for"],
  text: ["What the search means"],
  vector: ["The vector given"],
  paper: ["Papers of yours"],
  term: ["Words"],
  feedback: ["Like the best matches"],
  votes: ["Votes and comments"],
  others: ["What others read"],
  recency: ["Its age"],
  background: ["Off for every paper", "What a paper at large has of these words, taken off so that it has a score of 0"],
  rest: ["Further papers and words", "All that are not listed one by one"],
};

let drawers = 0;

/** The score, and what it is made of: a button and the drawer that it opens. */
function reasons({ score, why, chance }, at) {
  if (typeof score !== "number") return [null, null];
  const parts = why?.parts ?? [];
  const personal = at.view === "foryou";
  // Somebody of whom nothing is known is shown what others read; that score is attention a day.
  const byAttention = personal && !parts.some((p) => p.kind === "paper" || p.kind === "term");
  // A personal score has no greatest value: the bar comes ever closer to its end.
  const filled = personal ? 1 - 2 ** (-score / HALF_WAY) : score;
  const shown = [
    byAttention ? null : el("progress", { max: 1, value: Math.min(1, Math.max(0, filled)), ariaHidden: "true" }),
    el("span", { className: "unseen" }, "Score "), score.toFixed(2).replace("-", "−")];
  if (!parts.length) return [el("span", { className: "score end" }, ...shown.filter(Boolean)), null];
  const id = `why${++drawers}`;
  const drawer = el("div", { className: "why", hidden: true });
  const toggle = () => {
    drawer.hidden = !drawer.hidden;
    press.ariaExpanded = String(!drawer.hidden);
    if (!drawer.firstChild) drawer.append(...breakdown(parts, score, at, byAttention, chance));
  };
  const press = el("button", { type: "button", className: "score end whybutton", title: "Where the score comes from (w)", onclick: toggle },
    ...shown.filter(Boolean), el("span", { className: "word-why" }, "Why"));
  press.ariaExpanded = "false";
  press.setAttribute("aria-controls", id);
  return [press, drawer];
}

const total = (parts) => parts.reduce((sum, p) => sum + p.value, 0);

/** Every part as a bar from the common zero, to the right for more and to the left for less, and their sum. */
function breakdown(parts, score, at, byAttention, chance) {
  const kinds = [...Object.keys(GROUPS), ...parts.map((p) => p.kind).filter((kind) => !GROUPS[kind])];
  const rows = [...new Set(kinds)].flatMap((kind) => {
    const own = parts.filter((p) => p.kind === kind);
    if (!own.length) return [];
    const other = { paper: at.view !== "foryou" && "Its meaning", background: byAttention && "Drawn to the mean" }[kind];
    const [label, title = ""] = other ? [other] : GROUPS[kind] ?? [kind];
    const single = kind === "paper" || kind === "term" ? own.slice(0, SINGLE) : [];
    const further = single.length && own.length > SINGLE ? [{ label: `${own.length - SINGLE} more`, value: total(own.slice(SINGLE)), className: "single" }] : [];
    return [{ label, title, value: total(own), className: "group" },
      ...single.map((p) => ({ label: partLabel(p), value: p.value, className: "single" })), ...further];
  });
  const sum = { label: "Together: the score", value: total(parts), className: "sum" };
  const values = [...rows, sum].map((r) => r.value);
  const least = Math.min(0, ...values), span = Math.max(0, ...values) - least || 1;
  const row = ({ label, title = "", value, className }) => {
    const bar = el("i", { className: value < 0 ? "off" : "" });
    const begin = (Math.min(0, value) - least) / span;
    // Set one by one: a style attribute in text would break the page's own policy.
    bar.style.marginLeft = `${100 * begin}%`;
    bar.style.width = `${Math.max(0.4, (100 * Math.abs(value)) / span)}%`;
    const zero = el("td", { className: "bar", ariaHidden: "true" }, bar);
    zero.style.setProperty("--zero", `${(-100 * least) / span}%`);
    return el("tr", { className }, el("th", { scope: "row", title }, label), zero, el("td", { className: "value" }, signed(value)));
  };
  const says = [
    at.view !== "foryou" ? "" : byAttention ? "Votes, comments and reading a day." : "How far above a paper at large it stands for you, in standard deviations.",
    chance === undefined ? "" : `By your own verdicts, the chance that you like it is ${percent(chance)}.`,
    Math.abs(sum.value - score) > 1e-3 ? `The service says ${score.toFixed(2)}.` : "",
  ].filter(Boolean).join(" ");
  return [
    el("table", { ariaLabel: "What the score is made of" },
      el("tbody", {}, ...rows.map(row)), el("tfoot", {}, row(sum))),
    says ? el("p", { className: "small" }, says) : null,
  ].filter(Boolean);
}

function partLabel(part) {
  if (part.kind === "term") return part.term === "…" ? "further words" : `“${part.term}”`;
  // A paper of the reader's own list that is not in the corpus has no page here.
  if (part.id.startsWith("text:")) return el("span", { dir: "auto", title: "From your list; not in this corpus" }, part.title);
  return el("a", { href: address("similar", part.id), dir: "auto" }, part.title || part.id);
}

/** The words that brought a paper, most telling first; none when it was found by meaning alone. */
function wordsLine({ why }) {
  const words = (why?.parts ?? []).filter((p) => p.kind === "term" && p.term !== "…").map((p) => p.term);
  if (!words.length) return null;
  return el("p", { className: "common from", dir: "auto" }, `Words in common: ${words.slice(0, 6).join(", ")}`);
}
