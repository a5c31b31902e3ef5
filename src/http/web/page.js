// The page: its address, what stands under it, and the reader's hands. Each part of it has a file of its own.

import { button, call, count, dayOf, el, isDate, longDate, notice, part, shifted } from "./base.js";
import { SCOPES, forYou, saved, stranger } from "./foryou.js";
import { card } from "./paper.js";
import { load, open, reader, recognised, showName } from "./reader.js";
import * as themeViews from "./themes.js";
import { start } from "./welcome.js";
import { you } from "./you.js";

const STEP = { day: 100, search: 10, similar: 12, themes: 1, theme: 20, foryou: 20, saved: 20, start: 1, you: 1 }; // papers a page, by view
const MOST = 500; // what the service gives at once
const LONG = 400; // characters from which on a query travels in a body: proxies refuse long addresses
const GAP = 31; // days without papers that the arrows pass over

const MODES = { hybrid: "Words and meaning", dense: "Meaning only", lexical: "Words only" }; // how texts are compared

const box = part("q");

// ---- The address. It alone says what is shown, so that links, reload, back and forward work. ----

export function address(view, name, params = {}) {
  const query = new URLSearchParams(Object.entries(params).filter(([, v]) => v)).toString();
  return `#/${view}${name ? `/${encodeURIComponent(name)}` : ""}${query ? `?${query}` : ""}`;
}

function readAddress() {
  const [, view = "", rest = "", query = ""] = location.hash.match(/^#\/?(\w*)\/?([^?]*)\??(.*)$/) ?? [];
  const params = new URLSearchParams(query);
  let name = rest;
  try {
    name = decodeURIComponent(rest);
  } catch {
    // A hand-written address with a lone %: take it as it stands.
  }
  const q = params.get("q") ?? "";
  const known = Object.hasOwn(VIEWS, view) && (view !== "search" || q.trim());
  return {
    view: known ? view : "day",
    name,
    q,
    category: params.get("category") ?? "",
    mode: Object.hasOwn(MODES, params.get("mode") ?? "") ? params.get("mode") : "hybrid",
    sort: params.get("sort") ?? "upvotes",
    scope: Object.hasOwn(SCOPES, params.get("scope") ?? "") ? params.get("scope") : "all",
    anyway: params.get("anyway") ?? "",
  };
}

/** The address of the same view with something changed. */
export function changed(at, change) {
  const { view, name, q, category, mode: asked, sort, scope, anyway } = { ...at, ...change };
  const mode = asked === "hybrid" ? "" : asked;
  if (view === "search") return address(view, "", { q, category, mode });
  if (view === "similar") return address(view, name, { category, mode });
  if (view === "foryou") return address(view, "", { scope: scope === "all" ? "" : scope, category, anyway });
  return address(view, name, { category, sort: (view === "day" && sort !== "upvotes") || view === "theme" ? sort : "" });
}

export function go(hash) {
  if (location.hash === hash) show();
  else location.hash = hash;
}

// ---- The service. ----

let running = new AbortController(); // of what is on its way to the page

/** An answer for the page as it now is; one that comes too late is dropped. */
export function ask(path, params = {}, post = false) {
  const { signal } = running;
  if (!post) return call("GET", path, { params, signal });
  const body = Object.fromEntries(Object.entries(params).filter(([, v]) => v !== "" && v !== undefined && v !== null));
  return call("POST", path, { body, signal });
}

/** A page of a ranked answer. */
async function ranked(path, params, post) {
  const offset = params.offset ?? 0;
  const { papers, meta } = await ask(path, params, post);
  const seen = offset + papers.length;
  // The total counts what the filter allows; a page that is not full is the last one all the same.
  const next = papers.length === params.limit && seen < meta.total ? seen : null;
  return { papers, next, total: meta.total, took: meta.took_ms, corrected: meta.corrected ?? [] };
}

/** The newest day of the list that has come: papers dated ahead stand in front of it and are passed over. */
export async function newestDay() {
  const clock = new Date().toISOString().slice(0, 10);
  let { papers, meta } = await ask("v1/papers", { limit: 1 });
  const first = papers[0];
  while (papers.length && papers.every((p) => dayOf(p) > clock) && meta.next) {
    ({ papers, meta } = await ask("v1/papers", { limit: MOST, cursor: meta.next }));
  }
  const come = papers.find((p) => dayOf(p) && dayOf(p) <= clock);
  return { day: dayOf(come ?? first), none: !first };
}

// ---- The views. Each says how to get a page, and what stands above and instead of the list. ----

const VIEWS = {
  themes: () => themeViews.themes(),
  theme: (at, limit) => themeViews.theme(at, limit, STEP.theme),
  foryou: (at, limit) => forYou(at, limit, STEP.foryou),
  saved: (at, limit) => saved(at, limit, STEP.saved),
  start: async () => (reader.name ? start() : stranger("For you")),
  you: () => you(),

  async day(at, limit) {
    const page = async (day, cursor, limit) => {
      // The list knows no categories: a filtered day is fetched as a whole and filtered here.
      const params = { date: day, sort: at.sort, limit: at.category ? MOST : limit, cursor };
      const { papers, meta } = await ask("v1/papers", params);
      const wanted = at.category.toLowerCase();
      const fits = (p) => !wanted || (p.categories ?? []).some((c) => c.toLowerCase() === wanted);
      return { papers: papers.filter(fits), next: meta.next ?? null, total: meta.total };
    };
    const [newest, named] = await Promise.all([newestDay(), at.name ? page(at.name, undefined, limit) : null]);
    const day = at.name || newest.day;
    const first = named ?? (await page(day, undefined, limit));
    const empty = newest.none
      ? [...notice("There are no papers here yet."), el("p", {}, "Send some to POST /v1/papers; the ", el("a", { href: "docs/" }, "API"), " says how.")]
      : notice(`No papers ${at.category ? `in ${at.category} ` : ""}were listed ${day.length === 10 ? "on" : "in"} ${longDate(day)}.`, "", ...[
          at.category ? button("All categories", () => go(changed(at, { category: "" }))) : null,
          day.length === 10 && !at.category ? button(`All of ${longDate(day.slice(0, 7))}`, () => go(changed(at, { name: day.slice(0, 7) }))) : null,
          newest.day && newest.day !== day ? button("The newest day", () => go(changed(at, { name: "" }))) : null].filter(Boolean));
    return {
      name: day ? `Papers of ${longDate(day)}` : "Papers",
      head: newest.none ? [] : [dayHead(at, day, newest.day)],
      first,
      more: (cursor) => page(day, cursor, STEP.day),
      empty,
    };
  },

  async search(at, limit) {
    const page = (offset, limit) =>
      ranked("v1/search", { q: at.q, category: at.category, mode: at.mode, explain: true, offset, limit }, at.q.length > LONG);
    const heading = el("h1", { tabIndex: -1, dir: "auto" }, el("span", { className: "kicker" }, "Papers closest to"), at.q);
    const first = await page(0, limit);
    return {
      name: at.q.slice(0, 80),
      head: [
        el("div", { className: "headline" }, heading, modePicker(at)),
        ...first.corrected.map(({ from, to }) => el("p", { className: "filter" }, `No paper holds “${from}”; these are for “${to}”.`)),
      ],
      first,
      more: (offset) => page(offset, STEP.search),
      empty: notice(`No paper${at.category ? ` in ${at.category}` : ""} fits this search.`,
        at.category ? "Take the filter away, or choose another category." : "Try fewer conditions, other words, or search by meaning too."),
    };
  },

  async similar(at, limit) {
    const path = `v1/papers/${encodeURIComponent(at.name)}`;
    const page = (offset, limit) => ranked(`${path}/similar`, { category: at.category, mode: at.mode, explain: true, offset, limit });
    const [paper, first] = await Promise.all([ask(path), page(0, limit)]);
    open(paper.id);
    return {
      name: `Papers like ${paper.title}`,
      head: [
        el("section", { className: "source" }, el("span", { className: "kicker" }, "Papers like this one"), card(paper, at, true)),
        ...versionsLine(paper),
        el("div", { className: "headline" }, el("h2", { className: "below" }, "Closest to it"), modePicker(at)),
      ],
      first,
      more: (offset) => page(offset, STEP.similar),
      empty: notice(at.category ? `Nothing like it in ${at.category}.` : "There is no other paper to compare it with."),
    };
  },
};

/** How texts are compared, to choose. */
function modePicker(at) {
  const pick = el("select", { id: "mode", className: "field" },
    ...Object.entries(MODES).map(([value, text]) => el("option", { value }, text)));
  pick.value = at.mode;
  pick.onchange = () => go(changed(at, { mode: pick.value }));
  return el("div", { className: "controls" }, el("label", { className: "unseen", htmlFor: "mode" }, "Compare by"), pick);
}

/** The other versions of a paper's work. */
function versionsLine(paper) {
  if (!paper.versions?.length) return [];
  const links = paper.versions.flatMap((v, k) => [k ? ", " : "", el("a", { href: address("similar", v.id), title: v.title }, v.id)]);
  return [el("p", { className: "filter" }, "Also here as ", ...links)];
}

function dayHead(at, day, newest) {
  const picked = el("input", { id: "day", className: "field", type: "date", max: newest.length === 10 ? newest : "" });
  picked.value = day.length === 10 ? day : "";
  // "change" comes at every key while a year is typed: only a whole, plausible date leads on.
  picked.onchange = () => picked.value >= "1900" && go(changed(at, { name: picked.value }));
  const sort = el("select", { id: "sort", className: "field" },
    ...[["upvotes", "Most upvoted"], ["trending", "Trending"], ["date", "Newest"]].map(([value, text]) => el("option", { value }, text)));
  sort.value = at.sort;
  sort.onchange = () => go(changed(at, { sort: sort.value }));
  const arrow = (sign, text, by) => {
    const node = button(sign, () => step(at, day, by, newest));
    node.ariaLabel = node.title = text;
    node.id = text.toLowerCase();
    node.disabled = !isDate(day) || (by > 0 && day >= newest.slice(0, day.length));
    return node;
  };
  return el("div", { className: "headline" },
    el("h1", { tabIndex: -1 }, el("span", { className: "kicker" }, "Daily papers"), day ? longDate(day) : "Without a date"),
    el("div", { className: "controls" },
      arrow("‹", "Earlier", -1), el("label", { className: "unseen", htmlFor: "day" }, "Day"), picked, arrow("›", "Later", 1),
      el("label", { className: "unseen", htmlFor: "sort" }, "Sort by"), sort));
}

/** To the next day that has papers, so that nobody has to click through weekends. */
async function step(at, day, by, newest) {
  const signal = begin("Looking for the next day with papers…");
  try {
    for (let tried = 0; tried < GAP; tried++) {
      day = shifted(day, by);
      if (by > 0 && day >= newest.slice(0, day.length)) break;
      const { meta } = await ask("v1/papers", { date: day, limit: 1 });
      if (meta.total > 0) break;
    }
    go(changed(at, { name: day }));
  } catch (e) {
    if (!signal.aborted) fail(e);
  }
}

// ---- Putting it on the page. ----

/** Marks the page as busy; what was still being fetched is no longer wanted. */
function begin(text) {
  running.abort();
  running = new AbortController();
  part("main").ariaBusy = "true";
  part("status").textContent = text;
  return running.signal;
}

export async function show() {
  const at = readAddress();
  // How far the reader had come in this entry of the history; a new entry has no state.
  const { y = 0, shown = STEP[at.view] } = history.state ?? {};
  at.back = history.state !== null;
  const signal = begin(at.view === "search" || at.view === "similar" ? "Searching…" : "Loading…");
  markPlace(at.view);
  try {
    await recognised();
    if (signal.aborted) return;
    // Without what the reader did the papers are shown all the same, their buttons just know less.
    const [view] = await Promise.all([VIEWS[at.view](at, Math.min(shown, MOST)), load().catch(() => {})]);
    if (signal.aborted) return;
    document.title = `${view.name} · paperkin`;
    const held = document.activeElement;
    part("head").replaceChildren(...view.head, ...filterLine(at));
    part("papers").replaceChildren();
    part("notice").replaceChildren(...(view.first.papers.length || !view.empty ? [] : [el("div", { className: "notice" }, ...view.empty)]));
    add(at, view, view.first);
    // The button that was pressed is gone. Whoever moves by keyboard goes on at its successor, or at the new heading.
    if (!held.isConnected) (part(held.id) ?? part("head").querySelector("h1"))?.focus({ preventScroll: true });
    scrollTo(0, y);
    remember({});
    document.dispatchEvent(new Event("shown"));
  } catch (e) {
    if (!signal.aborted) fail(e);
  }
}

/** Marks in the header which page this is. */
function markPlace(view) {
  for (const link of document.querySelectorAll(".top [data-views]")) {
    if (link.dataset.views.split(" ").includes(view)) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
}

function filterLine(at) {
  if (!at.category) return [];
  const off = button("Show all", () => go(changed(at, { category: "" })), "plain");
  return [el("p", { className: "filter" }, "Only in ", el("strong", {}, at.category), " · ", off)];
}

/** Adds a page to the list, and the way to the next one. */
function add(at, view, page) {
  const list = part("papers");
  // A line is drawn above the first paper of a feed that is not for this reader.
  const cards = page.papers.map((paper) => el("li", { className: paper.for_you === false ? "rest" : "" }, card(paper, at)));
  list.append(...cards);
  const shown = list.children.length;
  const of = shown < page.total ? `${count(shown)} of ${count(page.total)} papers` : `${count(shown)} ${shown === 1 ? "paper" : "papers"}`;
  const took = page.took === undefined ? "" : `, ${page.took.toFixed(page.took < 10 ? 1 : 0)} ms`;
  part("status").textContent = shown ? of + took : "";
  part("main").ariaBusy = "false";
  const more = button("Show more", async () => {
    const signal = begin("Loading…");
    try {
      const next = await view.more(page.next);
      if (signal.aborted) return;
      add(at, view, next)[0]?.querySelector("a")?.focus({ preventScroll: true });
      remember({ shown: list.children.length });
    } catch (e) {
      if (!signal.aborted) fail(e);
    }
  });
  part("after").replaceChildren(...(page.next === null ? [] : [more]));
  return cards;
}

/** Says what went wrong where the answer would have been; old papers under a new heading would mislead. */
function fail(error) {
  for (const id of ["head", "papers", "after"]) part(id).replaceChildren();
  part("status").textContent = "";
  part("main").ariaBusy = "false";
  document.title = "paperkin";
  // A service that is only starting or busy says so; the page asks again by itself, unless it is asked for something else.
  const { signal } = running;
  if (error.soon) setTimeout(() => signal.aborted || show(), 2000);
  const calm = error.status === 202;
  part("notice").replaceChildren(el("div", { className: calm ? "notice" : "notice wrong", role: calm ? "status" : "alert" },
    el("p", {}, el("strong", {}, error.soon ? "One moment." : "That did not work.")), el("p", {}, error.message),
    el("div", { className: "controls" }, button("Try again", () => show()), button("Daily papers", () => go("#/")))));
}

// ---- The reader's hands. ----

/** Keeps something with this entry of the history, to be found again on the way back. */
const remember = (what) => history.replaceState({ ...history.state, ...what }, "");

/** As many lines as the text needs, up to six. */
function fit() {
  box.rows = 1;
  while (box.rows < 6 && box.scrollHeight > box.clientHeight + 2) box.rows += 1;
}

part("search").addEventListener("submit", (event) => {
  event.preventDefault();
  const q = box.value.trim();
  const at = readAddress();
  go(q ? address("search", "", { q, category: at.view === "search" ? at.category : "" }) : "#/");
});

box.addEventListener("input", fit);
box.addEventListener("keydown", (event) => {
  // Enter also ends the composition of a word in some scripts; there it must not search.
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  part("search").requestSubmit();
});

// Keys that press a button of the card that has the focus.
const KEYS = { l: ".like", s: ".save", d: ".dislike", x: ".dismiss", w: ".whybutton" };

document.addEventListener("keydown", (event) => {
  const { key } = event;
  const elsewhere = event.target.closest?.("input, textarea, select, dialog");
  if (elsewhere || event.ctrlKey || event.metaKey || event.altKey) return;
  if (key === "/") {
    event.preventDefault();
    box.focus();
    box.select();
  } else if (key === "j" || key === "k") {
    walk(key === "j" ? 1 : -1);
  } else if (Object.hasOwn(KEYS, key)) {
    event.target.closest?.(".card")?.querySelector(KEYS[key])?.click();
  }
});

/** To the next card or the one before, counted from the focus, else from the top of what is seen. */
function walk(by) {
  const cards = [...document.querySelectorAll("#papers .card")];
  const focused = cards.findIndex((c) => c.contains(document.activeElement));
  const seen = cards.findIndex((c) => c.getBoundingClientRect().bottom > 0);
  const card = cards[focused >= 0 ? focused + by : seen];
  card?.querySelector("a, button")?.focus({ preventScroll: true });
  card?.scrollIntoView({ block: "nearest" });
}

// The list comes after the browser has tried to go back to the old place, so the place is kept here.
let scrolled;
history.scrollRestoration = "manual";
addEventListener("scroll", () => {
  clearTimeout(scrolled);
  if (part("main").ariaBusy !== "true") scrolled = setTimeout(() => remember({ y: scrollY }), 100);
});

function arrive() {
  clearTimeout(scrolled);
  box.value = readAddress().q;
  fit();
  box.scrollTop = 0;
  show();
}

addEventListener("hashchange", arrive);
showName();
arrive();
