// Going from page to page without loading the frame anew: the same addresses, the same HTML, fetched and put in place. Pages that
// were left are kept as they were, so that whoever comes back is where they had been.

import { el, say, send, text } from "./said.js";

const KEPT = 12; // pages that are kept as they were left
const PATIENCE = 400; // milliseconds after which a page that does not come is shown as one that is to come

const kept = new Map(); // by the number of an entry of the history: what stood there
let entry = 0; // the number of the present one
let running = null; // the request of the page that is on its way
let mounted = []; // what the scripts of the present page take down

/** The main parts of the present page and of those that are kept. */
export const everywhere = () => [document, ...[...kept.values()].map((page) => page.main)];

/** Fetches a page. None when another was asked for meanwhile. */
function fetched(url, { method = "GET", body = null } = {}) {
  running?.abort();
  return new Promise((done, failed) => {
    const request = new XMLHttpRequest();
    running = request;
    request.open(method, url);
    // Not a string that is made HTML: the browser reads the answer as the document it is, and runs nothing of it.
    request.responseType = "document";
    request.setRequestHeader("accept", "text/html");
    request.onload = () => done(running === request ? { page: request.responseXML, url: request.responseURL || url, status: request.status } : null);
    request.onabort = () => done(null);
    request.onerror = () => failed(new Error(text(navigator.onLine ? "unreachable" : "offline")));
    request.send(body);
  });
}

/** Shows the page at an address. `replace` takes the place of this one in the history, `still` leaves focus and scrolling alone. */
export async function visit(url, { replace = false, still = false, method = "GET", body = null } = {}) {
  const main = document.getElementById("main");
  main.ariaBusy = "true";
  const slow = still ? 0 : setTimeout(() => waiting(url), PATIENCE);
  try {
    const got = await fetched(url, { method, body });
    if (!got) return;
    // A service that is busy, and has not even time to say so in a page, is asked again.
    if (!got.page && (got.status === 503 || got.status === 429)) {
      waiting();
      await new Promise((done) => setTimeout(done, 2000));
      return void visit(url, { replace, still, method, body });
    }
    // Whoever has to sign in first is led there by the service; what is no page of ours is shown by the browser.
    if (!got.page?.getElementById("main") || got.status === 401) return void location.assign(got.url);
    const hash = new URL(url, location.href).hash;
    keep();
    const address = got.url + hash;
    if (replace) history.replaceState({ entry }, "", address);
    else history.pushState({ entry: ++entry }, "", address);
    put(got.page, { still });
    if (!still) {
      const aim = hash && document.getElementById(decodeURIComponent(hash.slice(1)));
      if (aim) aim.scrollIntoView();
      else scrollTo(0, 0);
    }
  } catch (e) {
    say(e.message, { wrong: true, button: { text: text("try_again"), press: () => visit(url, { replace, still, method, body }) } });
  } finally {
    clearTimeout(slow);
    document.getElementById("main").ariaBusy = "false";
  }
}

/** Shows this page anew, and leaves the reader where they are. */
export const again = () => visit(location.href, { replace: true, still: true });

/** What stands where a page is to come that takes long. */
function waiting() {
  const main = document.getElementById("main");
  if (main.ariaBusy !== "true" || main.querySelector(".skeleton")) return;
  keep();
  const line = () => el("li", { className: "paper" }, el("p"), el("p"), el("p"));
  const blank = el("main", { id: "main", ariaBusy: "true", tabIndex: -1 }, el("ol", { className: "papers skeleton", ariaHidden: "true" }, line(), line(), line(), line(), line(), line()));
  main.replaceWith(blank);
  scrollTo(0, 0);
}

/** Keeps the present page as it is. */
function keep() {
  const main = document.getElementById("main");
  if (main.querySelector(".skeleton")) return;
  main.ariaBusy = "false";
  const parts = [".brand", ".places", ".foot", "#opinion"].map((name) => document.querySelector(name));
  const focus = main.contains(document.activeElement) ? document.activeElement : null;
  kept.set(entry, { main, parts, focus, title: document.title, y: scrollY, root: document.body.dataset.root, action: document.querySelector(".find").getAttribute("action"), q: document.getElementById("q").value, url: location.href });
  if (kept.size > KEPT) kept.delete(kept.keys().next().value);
}

/** Puts a page that was fetched in the place of this one. */
function put(page, { still }) {
  take();
  const held = still ? nameOf(document.activeElement) : null;
  const main = document.adoptNode(page.getElementById("main"));
  document.getElementById("main").replaceWith(main);
  for (const name of [".brand", ".places", ".foot", "#opinion"]) {
    const part = page.querySelector(name);
    if (part) document.querySelector(name).replaceWith(document.adoptNode(part));
  }
  document.title = page.title;
  document.body.dataset.root = page.body.dataset.root;
  if (page.body.dataset.reader) document.body.dataset.reader = page.body.dataset.reader;
  else delete document.body.dataset.reader;
  document.querySelector(".find").setAttribute("action", page.querySelector(".find").getAttribute("action"));
  const box = document.getElementById("q");
  if (document.activeElement !== box) box.value = page.getElementById("q").value;
  if (!still && document.activeElement !== box) main.focus({ preventScroll: true });
  // What had the focus is gone; whoever moves by keyboard goes on at its successor.
  if (held) main.querySelector(held)?.focus({ preventScroll: true });
  settle();
}

/** By what an element of the page is found again on the next; nothing for one that is outside of it. */
function nameOf(node) {
  if (!node?.closest("#main") || node.id === "main") return null;
  if (node.id) return `#${CSS.escape(node.id)}`;
  const own = ["name", "value", "href", "data-api"].filter((name) => node.hasAttribute(name));
  return own.length ? node.tagName.toLowerCase() + own.map((name) => `[${name}=${JSON.stringify(node.getAttribute(name))}]`).join("") : null;
}

/** Whether the reader is in the middle of something that a page made anew would take away. */
const isBusy = () => document.querySelector("dialog[open], #main details.menu[open], #main details.lib-pop[open], #main :is(input, textarea, select):focus");

/** Has the scripts of the page that is shown begin. */
function settle() {
  const main = document.getElementById("main");
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
  if (!link || link.target || link.hasAttribute("download") || link.dataset.plain !== undefined) return;
  const url = new URL(link.href);
  if (!isOurs(url)) return;
  // A place on this very page.
  if (url.hash && url.pathname === location.pathname && url.search === location.search) return;
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

function wentBack({ state }) {
  running?.abort();
  keep();
  entry = state?.entry ?? 0;
  const page = kept.get(entry);
  if (!page || page.url !== location.href) return void visit(location.href, { replace: true });
  take();
  document.getElementById("main").replaceWith(page.main);
  for (const part of page.parts) if (part) document.querySelector(part.id ? `#${part.id}` : `.${part.classList[0]}`)?.replaceWith(part);
  document.title = page.title;
  document.body.dataset.root = page.root;
  document.querySelector(".find").setAttribute("action", page.action);
  document.getElementById("q").value = page.q;
  page.focus?.focus({ preventScroll: true });
  scrollTo(0, page.y);
  settle();
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

let typed = 0;

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
  entry = history.state?.entry ?? 0;
  history.replaceState({ entry }, "");
  document.addEventListener("click", switched);
  document.addEventListener("click", clicked);
  document.addEventListener("submit", submitted);
  document.addEventListener("change", ({ target }) => target.form?.dataset.auto !== undefined && target.validity.valid && target.form.requestSubmit());
  document.addEventListener("input", typing);
  addEventListener("popstate", wentBack);
  addEventListener("hashchange", moved);
  moved();
  settle();
}
