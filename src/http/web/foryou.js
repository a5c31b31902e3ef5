// For you: the personal feed, and what was saved. `page.js` shows what these views give it.

import { button, el, longDate, notice, part, plural, shortDate } from "./base.js";
import { panel } from "./interests.js";
import { address, ask, changed, go, newestDay, show } from "./page.js";
import { fromElsewhere, introduce, isSeen, load, maySayWho, nameForm, papersWith, reader, store, userPath } from "./reader.js";
import { start } from "./welcome.js";

export const SCOPES = { all: "All papers", today: "Today", since: "Since last visit" };
const VISIT = 2 * 3600e3; // milliseconds without the feed after which coming back is another visit

// The feed as it was last shown. Whoever comes back from a paper finds it unchanged, although what was opened or liked is in
// no feed any more.
let kept = null;

const again = () => {
  kept = null;
  show();
};

/** When the visit before this one ended; none at the first. */
function lastVisit() {
  const key = `visit.${reader.name}`, now = Date.now();
  const { last = null, seen = null } = store.get(key) ?? {};
  const visit = seen !== null && now - seen > VISIT ? { last: seen, seen: now } : { last, seen: now };
  store.set(key, visit);
  return visit.last === null ? null : new Date(visit.last).toISOString();
}

/** Asks who reads, in place of a page that depends on it. */
export function stranger(title) {
  return {
    name: title,
    head: [
      el("div", { className: "headline" }, el("h1", { tabIndex: -1 }, el("span", { className: "kicker" }, "Papers that matter to you"), title)),
      el("section", { className: "panel" },
        el("p", {}, "Say what you like and what you do not; paperkin finds more of it, sorts it by your interests, and says why."),
        maySayWho() ? nameForm(show) : el("p", { className: "small" },
          "You are signed in with a key that reads papers and is of no reader. ", el("a", { href: "sign-in" }, "Sign in as a reader"), " with a key or a link of theirs.")),
    ],
    first: { papers: [], next: null, total: 0 },
  };
}

export async function forYou(at, limit, step) {
  if (!reader.name) return stranger("For you");
  await introduce();
  if (!reader.events && !at.anyway) return start();

  const [newest, { interests }] = await Promise.all([newestDay(), ask(userPath("/interests"))]);
  const before = lastVisit();
  const span = { today: { date: newest.day }, since: { since: before } }[at.scope] ?? {};
  const page = async (offset, limit) => {
    const answer = await ask(userPath("/feed"), { ...span, category: at.category, offset, limit, explain: true });
    // Where nothing has had attention of late, the votes of all times say what others read.
    if (!answer.papers.length && !interests.length && at.scope === "all" && !at.category) {
      const { papers, meta } = await ask("v1/papers", { sort: "upvotes", limit: 50 });
      return { papers: papers.filter((p) => !isSeen(p.id)), meta, next: null };
    }
    return { ...answer, next: answer.papers.length === limit ? true : null };
  };

  const key = JSON.stringify([reader.name, at.scope, at.category, span.date]);
  if (!(at.back && kept?.key === key)) {
    const none = at.scope === "since" && !before;
    const { papers, meta, next } = none ? { papers: [], meta: { total: 0 }, next: null } : await page(0, limit);
    kept = { key, papers, next, total: meta.total, took: meta.took_ms, verdicts: reader.verdicts };
  }
  const list = kept;
  const more = async () => {
    // What was liked or opened meanwhile has left the feed, so the next page begins earlier.
    const { papers, meta, next } = await page(list.papers.filter((p) => !isSeen(p.id)).length, step);
    const known = new Set(list.papers.map((p) => p.id));
    const fresh = papers.filter((p) => !known.has(p.id));
    list.papers.push(...fresh);
    return { papers: fresh, next: fresh.length ? next : null, total: meta.total, took: meta.took_ms };
  };
  return {
    name: "For you",
    head: [headline(at, newest, before), ...panel(interests, again), ...guidance(interests)],
    first: { papers: [...list.papers], next: list.next, total: list.total, took: list.took },
    more,
    empty: nothing(at, newest, before, interests),
  };
}

function headline(at, newest, before) {
  const tabs = Object.entries(SCOPES).map(([scope, text]) => {
    const tab = el("a", { id: `scope-${scope}`, href: changed(at, { scope }) }, text);
    if (scope === at.scope) tab.setAttribute("aria-current", "page");
    return tab;
  });
  const kicker = { today: newest.day ? `The list of ${longDate(newest.day)}` : "", since: before ? `Since ${shortDate(before.slice(0, 10))}` : "" }[at.scope];
  return el("div", { id: "foryou", className: "headline" },
    el("h1", { tabIndex: -1 }, el("span", { className: "kicker" }, kicker || `Chosen for ${reader.name}`), "For you"),
    el("nav", { className: "tabs", ariaLabel: "Which papers" }, ...tabs));
}

/** What to do while little is known of the reader. */
function guidance(interests) {
  const liked = interests.reduce((sum, i) => sum + i.papers.length, 0);
  if (liked >= 5) return [];
  const text = liked
    ? `This rests on ${plural(liked, "paper")} that you liked or opened. With a few more it gets much better.`
    : "You have liked nothing yet, so this is what others read.";
  return [el("p", { className: "filter guidance" }, text, " ", el("a", { href: "#/start" }, "Answer ten questions"), " or ", el("a", { href: "#/you" }, "bring a reading list"), ".")];
}

/** Says when the list is older than the last verdict. It is not drawn anew by itself: nothing should move under the hand. */
function drawFreshness() {
  const given = kept && part("foryou") ? reader.verdicts - kept.verdicts : 0;
  part("fresh").replaceChildren(...(given > 0 ? [button(`${plural(given, "new answer")} · Update the feed`, () => {
    scrollTo(0, 0);
    again();
  }, "primary")] : []));
}

document.addEventListener("judged", drawFreshness);
document.addEventListener("shown", drawFreshness);

/** Why there is nothing, and what to do. */
function nothing(at, newest, before, interests) {
  const all = button("All papers", () => go(changed(at, { scope: "all", category: "" })));
  const daily = button("Daily papers", () => go("#/"));
  if (!newest.day) return notice("There are no papers here yet.", "Once some are sent in, those that matter to you stand here.");
  if (interests.length && interests.every((i) => i.muted)) return notice("All your interests are muted.", "Let one of them speak again, in the panel above.");
  if (at.category) return notice(`Nothing new for you in ${at.category}.`, "", button("Every category", () => go(changed(at, { category: "" }))));
  if (at.scope === "today") return notice(`Nothing is left of ${longDate(newest.day)} that you have not seen.`, "", all, daily);
  if (at.scope === "since" && !before) return notice("This is your first visit.", "From the next one on, what was listed in between stands here.", all);
  if (at.scope === "since") return notice(`Nothing has been listed since ${longDate(before.slice(0, 10))}.`, `The newest list is of ${longDate(newest.day)}.`, all, daily);
  return notice("You have seen everything.", "New papers come here as they are listed.", daily);
}

/** What was saved, the last first. */
export async function saved(at, limit, step) {
  if (!reader.name) return stranger("Saved papers");
  await load();
  const elsewhere = await fromElsewhere();
  const all = papersWith("saved");
  const ids = all.filter((id) => !elsewhere.has(id));
  const unseen = all.length - ids.length;
  const page = async (offset, limit) => {
    const some = ids.slice(offset, offset + limit);
    // A paper may have left the corpus.
    const get = (id) => ask(`v1/papers/${encodeURIComponent(id)}`).catch((e) => {
      if (e.status !== 404) throw e;
      return null;
    });
    const papers = (await Promise.all(some.map(get))).filter(Boolean);
    const next = offset + limit < ids.length ? offset + limit : null;
    return { papers, next, total: ids.length };
  };
  return {
    name: "Saved papers",
    head: [el("div", { className: "headline" }, el("h1", { tabIndex: -1 }, el("span", { className: "kicker" }, `Kept by ${reader.name}`), "Saved papers")),
      unseen ? el("p", { className: "filter" }, `${plural(unseen, "saved paper")} of your reading lists ${unseen === 1 ? "is" : "are"} not in this corpus: see `, el("a", { href: "#/you" }, "Papers from outside"), ".") : ""],
    first: await page(0, limit),
    more: (offset) => page(offset, step),
    empty: notice("Nothing is saved yet.", "The bookmark under a paper keeps it here.", button("Daily papers", () => go("#/")), button("For you", () => go(address("foryou")))),
  };
}
