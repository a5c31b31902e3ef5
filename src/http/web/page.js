// The start page: the daily list, a search, papers like a paper.
//
// Titles, names and abstracts come from anywhere. They only ever become text nodes; nothing here reads HTML from a string.

import * as themeViews from "./themes.js";

const STEP = { day: 100, search: 10, similar: 12, themes: 1, theme: 20 }; // papers a page, by view
const MOST = 500; // what the service gives at once
const LONG = 400; // characters from which on a query travels in a body: proxies refuse long addresses
const GAP = 31; // days without papers that the arrows pass over

const MODES = { hybrid: "Words and meaning", dense: "Meaning only", lexical: "Words only" }; // how texts are compared

const part = (id) => document.getElementById(id);
const box = part("q");

/** An element with properties (or attributes, where there is no such property) and children; null children are left out. */
export function el(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (name in node) node[name] = value;
    else node.setAttribute(name, value);
  }
  node.append(...children.filter((c) => c !== null && c !== undefined));
  return node;
}

export const button = (text, onclick, className = "quiet") => el("button", { type: "button", className, onclick }, text);

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
  };
}

/** The address of the same view with something changed. */
export function changed(at, change) {
  const { view, name, q, category, mode: asked, sort } = { ...at, ...change };
  const mode = asked === "hybrid" ? "" : asked;
  if (view === "search") return address(view, "", { q, category, mode });
  if (view === "similar") return address(view, name, { category, mode });
  return address(view, name, { category, sort: (view === "day" && sort !== "upvotes") || view === "theme" ? sort : "" });
}

export function go(hash) {
  if (location.hash === hash) show();
  else location.hash = hash;
}

// ---- The service. ----

let running = new AbortController(); // of what is on its way to the page

/** An answer, or an Error whose message is meant for the person in front of the page. */
export async function ask(path, params = {}, post = false) {
  const { signal } = running;
  const given = Object.fromEntries(Object.entries(params).filter(([, v]) => v !== "" && v !== undefined && v !== null));
  let response;
  try {
    response = post
      ? await fetch(path, { method: "POST", signal, headers: { "content-type": "application/json" }, body: JSON.stringify(given) })
      : await fetch(`${path}?${new URLSearchParams(given)}`, { signal });
  } catch (e) {
    if (signal.aborted) throw e;
    throw new Error("The service cannot be reached. Is it still running, and is this machine connected to it?");
  }
  const body = await response.json().catch(() => null);
  if (response.ok && body) return body;
  const unread = response.ok ? "the answer broke off; please try again" : `the service answered ${response.status} ${response.statusText}`;
  const message = body?.error?.message ?? unread;
  throw Object.assign(new Error(message.charAt(0).toUpperCase() + message.slice(1)), { soon: response.status === 503 });
}

/** A page of a ranked answer. */
async function ranked(path, params, post) {
  const offset = params.offset ?? 0;
  const { papers, meta } = await ask(path, params, post);
  const seen = offset + papers.length;
  // The total counts what the filter allows; a page that is not full is the last one all the same.
  const next = papers.length === params.limit && seen < meta.total ? seen : null;
  return { papers, next, total: meta.total, took: meta.took_ms };
}

const dayOf = (paper) => paper?.listed ?? paper?.date ?? "";

async function newestDay() {
  const { papers } = await ask("v1/papers", { limit: 1 });
  return { day: dayOf(papers[0]), none: papers.length === 0 };
}

// ---- The views. Each says how to get a page, and what stands above and instead of the list. ----

const VIEWS = {
  themes: () => themeViews.themes(),
  theme: (at, limit) => themeViews.theme(at, limit, STEP.theme),

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
      ? [el("p", {}, el("strong", {}, "There are no papers here yet.")), el("p", {}, "Send some to PUT /v1/papers; the ", el("a", { href: "docs/" }, "API"), " says how.")]
      : [
          el("p", {}, el("strong", {}, `No papers ${at.category ? `in ${at.category} ` : ""}were listed ${day.length === 10 ? "on" : "in"} ${longDate(day)}.`)),
          el("div", { className: "controls" },
            at.category ? button("All categories", () => go(changed(at, { category: "" }))) : null,
            day.length === 10 && !at.category ? button(`All of ${longDate(day.slice(0, 7))}`, () => go(changed(at, { name: day.slice(0, 7) }))) : null,
            newest.day && newest.day !== day ? button("The newest day", () => go(changed(at, { name: "" }))) : null),
        ];
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
      head: [el("div", { className: "headline" }, heading, modePicker(at))],
      first,
      more: (offset) => page(offset, STEP.search),
      empty: [
        el("p", {}, el("strong", {}, `No paper${at.category ? ` in ${at.category}` : ""} fits this search.`)),
        el("p", {}, at.category ? "Take the filter away, or choose another category." : "Try fewer conditions, other words, or search by meaning too."),
      ],
    };
  },

  async similar(at, limit) {
    const path = `v1/papers/${encodeURIComponent(at.name)}`;
    const page = (offset, limit) => ranked(`${path}/similar`, { category: at.category, mode: at.mode, explain: true, offset, limit });
    const [paper, first] = await Promise.all([ask(path), page(0, limit)]);
    return {
      name: `Papers like ${paper.title}`,
      head: [
        el("section", { className: "source" }, el("span", { className: "kicker" }, "Papers like this one"), card(paper, at, true)),
        ...versionsLine(paper),
        el("div", { className: "headline" }, el("h2", { className: "below" }, "Closest to it"), modePicker(at)),
      ],
      first,
      more: (offset) => page(offset, STEP.similar),
      empty: [el("p", {}, el("strong", {}, at.category ? `Nothing like it in ${at.category}.` : "There is no other paper to compare it with."))],
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

/** The other records of a paper's work. */
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

// ---- Dates: YYYY, YYYY-MM or YYYY-MM-DD, and always the day that is written, in any time zone. ----

const isDate = (text) => /^\d{4}(-\d\d){0,2}$/.test(text);

function parsed(day) {
  const [year, month = 1, date = 1] = day.split("-").map(Number);
  return new Date(Date.UTC(year, month - 1, date));
}

function shifted(day, by) {
  const date = parsed(day);
  if (day.length === 4) date.setUTCFullYear(date.getUTCFullYear() + by);
  else if (day.length === 7) date.setUTCMonth(date.getUTCMonth() + by);
  else date.setUTCDate(date.getUTCDate() + by);
  return date.toISOString().slice(0, day.length);
}

function written(day, options) {
  if (!isDate(day)) return day;
  const fields = { year: "numeric", ...(day.length > 4 && { month: options.month }), ...(day.length > 7 && options) };
  return new Intl.DateTimeFormat("en-GB", { ...fields, timeZone: "UTC" }).format(parsed(day));
}

const longDate = (day) => written(day, { weekday: "long", day: "numeric", month: "long" });
const shortDate = (day) => written(day, { day: "numeric", month: "short" });

// ---- A paper. ----

/** The address of a paper elsewhere: only of the web, since `javascript:` would be an address too. */
function webAddress(text) {
  try {
    const url = new URL(text);
    return /^https?:$/.test(url.protocol) ? url : null;
  } catch {
    return null; // none, or not a whole address
  }
}

/** A card; `source` makes it the one that others are compared with: all of it open, the title a heading. */
function card(paper, at, source = false) {
  const similar = address("similar", paper.id);
  const url = webAddress(paper.url);
  const names = paper.authors ?? [];
  const day = dayOf(paper);
  const shown = paper.date ?? day;
  const text = paper.abstract ?? "";

  const votes = Number.isInteger(paper.upvotes)
    ? el("div", { className: "votes" }, count(paper.upvotes), el("span", { className: "unseen" }, paper.upvotes === 1 ? " upvote" : " upvotes"))
    : null;
  const title = source
    ? el("h1", { className: "title", dir: "auto", tabIndex: -1 }, paper.title)
    : el("h2", { className: "title", dir: "auto" }, el("a", { href: similar }, paper.title));
  const few = names.slice(0, 3).join(", ") + (names.length > 3 ? `, +${names.length - 3}` : "");
  const by = el("p", { className: "by" },
    few ? el("span", { title: names.length > 3 ? names.join(", ") : "" }, source ? names.join(", ") : few) : null,
    shown ? el("time", { dateTime: shown }, shortDate(shown)) : null,
    paper.submitted_by ? el("span", {}, `submitted by ${paper.submitted_by}`) : null);

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

  return el("article", { className: "card" }, votes, el("div", { className: "body" },
    title, by, summary, wordsLine(paper),
    chips.length || from ? el("div", { className: "row" }, ...chips, from ? el("span", { className: "from" }, from) : null) : null,
    el("div", { className: "row actions" },
      source ? null : button("More like this", () => go(similar), "more"),
      opener,
      url ? el("a", { className: "plain", href: url.href, rel: "noreferrer" }, `Read at ${url.hostname}`) : null,
      typeof paper.score === "number" ? score(paper) : null)));
}

function score({ score, why }) {
  const value = score.toFixed(2);
  // A <progress>, because a bar drawn by a style attribute would break the page's own policy.
  return el("span", { className: "score end", title: (why?.parts ?? []).map(reason).join("\n") },
    el("progress", { max: 1, value: Math.min(1, Math.max(0, score)), ariaHidden: "true" }),
    el("span", { className: "unseen" }, "Score "), value);
}

/** A part of a score in words. */
function reason(part) {
  const what = {
    term: () => `the word “${part.term}”`,
    text: () => "what the search means",
    paper: () => `the meaning of “${part.title}”`,
    feedback: () => "what the best papers for it have in common",
    exact: () => "being what was asked for",
    recency: () => "its age",
    vector: () => "the vector given",
    background: () => "being unlike other papers",
  }[part.kind] ?? (() => part.kind);
  return `${part.value.toFixed(2)} for ${what()}`;
}

/** The words that brought a paper, most telling first; none when it was found by meaning alone. */
function wordsLine({ why }) {
  const words = (why?.parts ?? []).filter((p) => p.kind === "term" && p.term !== "…").map((p) => p.term);
  if (!words.length) return null;
  return el("p", { className: "from", dir: "auto" }, `Words in common: ${words.slice(0, 6).join(", ")}`);
}

export const count = (n) => new Intl.NumberFormat("en-GB", { notation: n > 9999 ? "compact" : "standard" }).format(n);

// ---- Putting it on the page. ----

/** Marks the page as busy; what was still being fetched is no longer wanted. */
function begin(text) {
  running.abort();
  running = new AbortController();
  part("main").ariaBusy = "true";
  part("status").textContent = text;
  return running.signal;
}

async function show() {
  const at = readAddress();
  // How far the reader had come in this entry of the history.
  const { y = 0, shown = STEP[at.view] } = history.state ?? {};
  const signal = begin(at.view === "day" ? "Loading…" : "Searching…");
  try {
    const view = await VIEWS[at.view](at, Math.min(shown, MOST));
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
  } catch (e) {
    if (!signal.aborted) fail(e);
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
  const cards = page.papers.map((paper) => el("li", {}, card(paper, at)));
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
  part("notice").replaceChildren(el("div", { className: "notice wrong", role: "alert" },
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

document.addEventListener("keydown", (event) => {
  const typing = event.target.closest?.("input, textarea, select");
  if (event.key !== "/" || typing || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  box.focus();
  box.select();
});

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
arrive();
