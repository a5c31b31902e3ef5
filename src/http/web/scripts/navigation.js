// Going from page to page without loading the frame anew: the same addresses, the same HTML, fetched and put in place. Pages that
// were left are kept as they were, so that whoever comes back is where they had been.

import { el, say, send, signIn, text } from "./said.js";

const KEPT = 12; // pages that are kept as they were left
const PATIENCE = 400; // milliseconds after which a page that does not come is shown as one that is to come
const BUSY = 2_000; // milliseconds after which a service that has no time for a page is asked again
const PARTS = [".brand", ".places", ".foot", "#opinion"]; // of the frame, which know where the page lies

const kept = new Map(); // by the number of an entry of the history: what stood there
let shown = { entry: 0, url: location.href, q: "" }; // where the page that is shown belongs, and its words; the address may lead elsewhere already
let last = 0; // the number of the newest entry
let going = null; // the visit that is on its way
let typed = 0; // waits for more to be typed
let mounted = []; // what the scripts of the present page take down

/** The main parts of the present page and of those that are kept. */
export const everywhere = () => [document, ...[...kept.values()].map((page) => page.main)];

const mainOf = (page) => page.getElementById("main");
const bare = (url) => url.replace(/#.*/, "");

/** Fetches a page for a visit; nothing when it was called off. */
function fetched(own, url, method, body) {
  return new Promise((done, failed) => {
    const request = new XMLHttpRequest();
    own.request = request;
    request.open(method, url);
    // Not a string that is made HTML: the browser reads the answer as the document it is, and runs nothing of it.
    request.responseType = "document";
    request.setRequestHeader("accept", "text/html");
    request.onload = () => done({ page: request.responseXML, url: request.responseURL || url, status: request.status });
    request.onabort = () => done(null);
    request.onerror = () => failed(new Error(text(navigator.onLine ? "unreachable" : "offline")));
    request.send(body);
  });
}

/** Calls off the visit that is on its way. */
function stop() {
  const { request } = going ?? {};
  going = null;
  request?.abort();
}

/** Shows the page at an address. `replace` takes the place of this one in the history, `still` leaves focus and scrolling alone,
    `anew` says that it is this very page. */
export async function visit(url, { replace = false, still = false, anew = false, method = "GET", body = null } = {}) {
  // Whoever goes somewhere else wants no more to see what they typed; what only comes anew takes nothing from them.
  if (!anew) clearTimeout(typed);
  stop();
  const own = (going = { anew, request: null });
  // Looked at after every wait: another visit may have begun meanwhile.
  const isOff = () => going !== own;
  mainOf(document).ariaBusy = "true";
  const slow = still ? 0 : setTimeout(() => isOff() || waiting(), PATIENCE);
  try {
    let got = await fetched(own, url, method, body);
    // A service that is busy, and has not even time to say so in a page, is asked again.
    while (!isOff() && !got.page && (got.status === 503 || got.status === 429)) {
      if (!still) waiting();
      await new Promise((done) => setTimeout(done, BUSY));
      if (!isOff()) got = await fetched(own, url, method, body);
    }
    if (isOff()) return;
    if (got.status === 401 && method !== "GET") return void signIn();
    // Whoever has to sign in first is led there by the service; what is no page of ours is shown by the browser.
    if (got.status === 401 || !got.page || !mainOf(got.page)) return void location.assign(got.url);
    const hash = new URL(url, location.href).hash;
    const entry = replace ? (history.state?.entry ?? shown.entry) : (last += 1);
    if (entry === shown.entry) kept.delete(entry);
    else keep();
    history[replace ? "replaceState" : "pushState"]({ entry }, "", got.url + hash);
    shown = { entry, url: location.href, q: got.page.getElementById("q").value };
    put(got.page, { still });
    if (!still) aim(hash) || scrollTo(0, 0);
  } catch (e) {
    if (isOff()) return;
    failed(e, { still, anew, method, again: () => visit(url, { replace, still, anew, method, body }) });
  } finally {
    clearTimeout(slow);
    if (!isOff()) {
      going = null;
      mainOf(document).ariaBusy = "false";
    }
  }
}

/** Says that a page did not come, and leaves the reader with one that they can use. */
function failed(e, { still, anew, method, again }) {
  const what = `${text(anew ? "not_anew" : method === "GET" ? "not_shown" : "not_kept")} ${e.message}`;
  const there = history.state?.entry === shown.entry;
  const page = kept.get(shown.entry);
  if (there && page && mainOf(document).querySelector(".skeleton")) restore(page);
  if (there || still) return say(what, { wrong: true, button: { text: text("try_again"), press: again } });
  // The address leads to a page that is not there: what stood here before would be taken for it.
  keep();
  take();
  const button = el("button", { type: "button", className: "button", onclick: again }, text("try_again"));
  mainOf(document).replaceWith(instead(el("div", { className: "notice wrong", role: "alert" }, el("p", {}, what), el("p", { className: "controls" }, button))));
  shown = { entry: history.state?.entry ?? shown.entry, url: location.href, q: document.getElementById("q").value };
}

/** Shows this page anew, and leaves the reader where they are; nothing while they are on their way to another. */
export const again = async () => (going && !going.anew ? undefined : visit(location.href, { replace: true, still: true, anew: true }));

/** What stands in the place of a page. */
const instead = (...children) => el("main", { id: "main", tabIndex: -1 }, ...children);

/** What stands where a page is to come that takes long. */
function waiting() {
  const main = mainOf(document);
  if (main.querySelector(".skeleton")) return;
  keep();
  const line = () => el("li", { className: "paper" }, el("p"), el("p"), el("p"));
  const blank = instead(el("ol", { className: "papers skeleton", ariaHidden: "true" }, line(), line(), line(), line(), line(), line()));
  blank.ariaBusy = "true";
  main.replaceWith(blank);
  scrollTo(0, 0);
}

/** To a place of the page, by what an address says behind its #; whether there is one. */
function aim(hash) {
  let place = null;
  try {
    place = hash && document.getElementById(decodeURIComponent(hash.slice(1)));
  } catch {
    // Whoever types an address types what they like.
  }
  if (place) place.scrollIntoView();
  return Boolean(place);
}

/** Keeps the present page as it is, under the entry that it belongs to. */
function keep() {
  const main = mainOf(document);
  if (main.querySelector(".skeleton")) return;
  main.ariaBusy = "false";
  const focus = main.contains(document.activeElement) ? document.activeElement : null;
  const parts = PARTS.map((name) => document.querySelector(name));
  kept.delete(shown.entry);
  kept.set(shown.entry, { ...shown, main, parts, focus, title: document.title, y: scrollY });
  if (kept.size > KEPT) kept.delete(kept.keys().next().value);
}

/** Shows a page again that was kept, as it was left. */
function restore(page) {
  take();
  mainOf(document).replaceWith(page.main);
  PARTS.forEach((name, k) => page.parts[k] && document.querySelector(name).replaceWith(page.parts[k]));
  document.title = page.title;
  document.getElementById("q").value = page.q;
  shown = { entry: page.entry, url: page.url, q: page.q };
  page.focus?.focus({ preventScroll: true });
  scrollTo(0, page.y);
  settle();
}

/** Puts a page that was fetched in the place of this one. */
function put(page, { still }) {
  take();
  const focus = still && mainOf(document).contains(document.activeElement) ? document.activeElement : null;
  const main = document.adoptNode(mainOf(page));
  mainOf(document).replaceWith(main);
  for (const name of PARTS) {
    const part = page.querySelector(name);
    if (part) document.querySelector(name).replaceWith(document.adoptNode(part));
  }
  document.title = page.title;
  if (page.body.dataset.reader) document.body.dataset.reader = page.body.dataset.reader;
  else delete document.body.dataset.reader;
  const box = document.getElementById("q");
  if (document.activeElement !== box) box.value = shown.q;
  if (!still && document.activeElement !== box) main.focus({ preventScroll: true });
  const held = nameOf(focus);
  // What had the focus is gone; whoever moves by keyboard goes on at its successor, or at the page where it has none.
  if (focus) ((held && main.querySelector(held)) || main).focus({ preventScroll: true });
  settle();
}

/** By what an element of the page is found again on the next; nothing where it has nothing of its own. */
function nameOf(node) {
  if (!node || node.id === "main") return null;
  if (node.id) return `#${CSS.escape(node.id)}`;
  // The name of such a button changes with what it says.
  if (node.matches(".v")) return `.${[...node.classList].join(".")}[value=${JSON.stringify(node.value)}]`;
  const own = ["name", "value", "href", "data-api"].filter((name) => node.hasAttribute(name));
  return own.length ? node.tagName.toLowerCase() + own.map((name) => `[${name}=${JSON.stringify(node.getAttribute(name))}]`).join("") : null;
}

/** Whether the reader is in the middle of something that a page made anew would take away. */
const isBusy = () => document.querySelector("dialog[open], #main details.menu[open], #main details.lib-pop[open], #main .bring-came > *, #main :is(input, textarea, select):focus");

/** Has the scripts of the page that is shown begin. */
function settle() {
  const main = mainOf(document);
  for (const node of main.querySelectorAll("[data-module]")) {
    import(`./${node.dataset.module}`).then(({ mount }) => {
      if (node.isConnected) mounted.push(mount(node));
    }, () => say(text("unreachable"), { wrong: true }));
  }
  const wait = main.querySelector("[data-again]")?.dataset.again;
  if (wait) {
    const timer = setInterval(() => isBusy() || again(), 1000 * Number(wait));
    mounted.push(() => clearInterval(timer));
  }
  document.dispatchEvent(new Event("shown"));
}

/** Has the scripts of the page that is left end. */
function take() {
  for (const down of mounted) down?.();
  mounted = [];
}

/** Whether the pages of this service lie at an address. */
function isOurs(url) {
  const root = new URL(document.body.dataset.root, location.href);
  return url.origin === location.origin && url.pathname.startsWith(root.pathname);
}

function clicked(event) {
  if (event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  const link = event.target.closest?.("a[href]");
  if (!link) return;
  clearTimeout(typed);
  if (link.target || link.hasAttribute("download") || link.dataset.plain !== undefined) return;
  const url = new URL(link.href);
  if (!isOurs(url)) return;
  // A place on this very page: the browser goes there, and comes back to where the reader was.
  if (url.hash && bare(url.href) === bare(location.href)) return void history.replaceState({ ...history.state, y: scrollY }, "");
  event.preventDefault();
  visit(url.href, { replace: url.href === location.href });
}

function submitted(event) {
  const form = event.target;
  if (event.defaultPrevented || form.dataset.plain !== undefined || form.method === "dialog") return;
  const url = new URL(form.getAttribute("action") ?? location.href, location.href);
  if (!isOurs(url)) return;
  event.preventDefault();
  const fields = new FormData(form, event.submitter);
  const list = new URLSearchParams([...fields].filter(([, value]) => typeof value === "string"));
  if (form.method === "post") {
    const body = form.enctype === "multipart/form-data" ? fields : list;
    visit(url.href, { method: "POST", body, still: form.dataset.still !== undefined, replace: form.dataset.still !== undefined });
    return;
  }
  // What was left empty says nothing.
  for (const [name, value] of [...list]) if (!value) list.delete(name, value);
  url.search = list;
  visit(url.href, { replace: url.href === location.href });
}

/** Back or forward, or to a place of this page by a link or an address that was typed. */
function moves({ state }) {
  // The same page, and another entry: it keeps the number, so that the page is found from both.
  if (!state) return void history.replaceState({ entry: shown.entry }, "");
  clearTimeout(typed);
  stop();
  last = Math.max(last, state.entry);
  const isSame = state.entry === shown.entry;
  if (!isSame) keep();
  const page = kept.get(state.entry);
  if (isSame) {
    if (mainOf(document).querySelector(".skeleton")) restore(page);
    mainOf(document).ariaBusy = "false";
    if (state.y !== undefined) scrollTo(0, state.y);
    else aim(location.hash);
  } else if (page && bare(page.url) === bare(location.href)) restore(page);
  else visit(location.href, { replace: true });
}

/** Light or dark shows at once, and is kept for this browser. */
function switched(event) {
  const button = event.target.closest?.("[data-theme-switch] button");
  if (!button) return;
  event.preventDefault();
  if (button.value) document.documentElement.dataset.theme = button.value;
  else delete document.documentElement.dataset.theme;
  for (const one of button.form.querySelectorAll("button")) one.ariaPressed = String(one === button);
  send("choices", { theme: button.value, to: "/" }).catch((e) => say(e.message, { wrong: true }));
}

/** Addresses of the pages of 0.1 stand in mails and bookmarks. */
function moved() {
  const [, view, rest = "", query = ""] = location.hash.match(/^#\/(\w*)\/?([^?]*)\??(.*)$/) ?? [];
  if (view === undefined) return;
  const where = { day: `?date=${rest}`, search: `search?${query}`, similar: `paper/${rest}`, foryou: "for-you", saved: "library", themes: "themes", theme: `theme/${rest}`, start: "begin", you: "reader" }[view];
  if (where) location.replace(new URL(document.body.dataset.root + where, location.href));
}

/** Searches while somebody types: the last of what was typed is shown, and takes one place in the history. */
function typing(event) {
  const box = event.target;
  if (box.id !== "q" || event.isComposing) return;
  clearTimeout(typed);
  const q = box.value.trim();
  if (q.length < 2) return;
  typed = setTimeout(() => {
    const url = new URL(box.form.getAttribute("action"), location.href);
    const here = url.pathname === location.pathname;
    url.search = new URLSearchParams({ q });
    if (url.href !== location.href) visit(url.href, { still: true, replace: here });
  }, 180);
}

export function start() {
  history.scrollRestoration = "manual";
  // Relative to the page that came first: the address changes, and they are not to.
  for (const link of document.head.querySelectorAll("link[href]")) link.href = link.href;
  // So are these, which are there for good.
  document.body.dataset.root = new URL(document.body.dataset.root, location.href).pathname;
  const { form, defaultValue } = document.getElementById("q");
  form.action = form.action;
  shown.q = defaultValue;
  shown.entry = last = history.state?.entry ?? 0;
  history.replaceState({ entry: last }, "");
  document.addEventListener("click", switched);
  document.addEventListener("click", clicked);
  document.addEventListener("submit", submitted);
  document.addEventListener("change", ({ target }) => target.form?.dataset.auto !== undefined && target.validity.valid && target.form.requestSubmit());
  document.addEventListener("input", typing);
  addEventListener("popstate", moves);
  addEventListener("hashchange", moved);
  moved();
  settle();
}
