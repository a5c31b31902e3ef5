// The reader: their name, what they did with papers, and how they say so.
//
// Where nobody signs in, the service knows a reader by name alone. The name is kept in this browser, everything else by the
// service. Where people sign in, the service says who reads.

import { button, call, el, part, say, signIn } from "./base.js";

const MOST_EVENTS = 10_000; // of a history, newest first: what buttons know of
const MOST_OPENED = 500; // papers of a visit, of which it is known that they were opened

/** A value in this browser's storage, which may be forbidden. */
export const store = {
  get(key) {
    try {
      return JSON.parse(localStorage.getItem(`paperkin.${key}`));
    } catch {
      return null;
    }
  },
  set(key, value) {
    try {
      if (value === null) localStorage.removeItem(`paperkin.${key}`);
      else localStorage.setItem(`paperkin.${key}`, JSON.stringify(value));
    } catch {
      // The name is asked for again next time.
    }
  },
};

let histories = new Map(); // by paper: events, oldest first
let loading = null;
let queue = Promise.resolve();

// What was opened in this visit, as long as the tab lives: a reload is not another look.
const opened = {
  key: () => `paperkin.opened.${reader.name}`,
  all() {
    try {
      return JSON.parse(sessionStorage.getItem(this.key())) ?? [];
    } catch {
      return this.kept ?? [];
    }
  },
  put(papers) {
    this.kept = papers.slice(-MOST_OPENED);
    try {
      sessionStorage.setItem(this.key(), JSON.stringify(this.kept));
    } catch {
      // Storage may be forbidden; then it holds until the page is left.
    }
  },
  has(paper) {
    return this.all().includes(paper);
  },
  add(paper) {
    this.put([...this.all(), paper]);
  },
  delete(paper) {
    this.put(this.all().filter((other) => other !== paper));
  },
};

/** What the service takes this browser for (`GET /v1/me`); `open` where nobody signs in. */
export const me = { mode: "open", reader: null, scopes: [], session: null };

let asked = null;

/** Asks the service who reads, once. */
export function recognised() {
  asked ??= call("GET", "v1/me").then((told) => {
    Object.assign(me, told);
    if (me.mode === "open") return;
    // A name that was chosen here counts for whoever may act for any reader.
    if (!maySayWho()) reader.name = me.reader ?? "";
    const links = [me.session && el("a", { href: "sessions" }, "Sessions"), me.session && el("a", { href: "sign-out" }, "Sign out")];
    part("service").append(...links.filter(Boolean).flatMap((link) => [" ", link]));
    showName();
  }, (e) => {
    asked = null;
    throw e;
  });
  return asked;
}

/** Whether whoever sits here may say as whom they read. */
export const maySayWho = () => me.mode === "open" || (!me.reader && me.scopes.includes("users"));

/** Who reads; whether the service does not know them; how many events it has, how many verdicts came since the page was loaded. */
export const reader = { name: store.get("reader") ?? "", isNew: false, events: 0, verdicts: 0 };

export const userPath = (rest = "") => `v1/users/${encodeURIComponent(reader.name)}${rest}`;

export function setName(text) {
  reader.name = text;
  store.set("reader", text || null);
  histories = new Map();
  loading = null;
  Object.assign(reader, { isNew: false, events: 0, verdicts: 0 });
  showName();
}

/** The name in the header. */
export function showName() {
  const { name } = reader;
  const face = name && el("span", { className: "face", ariaHidden: "true" }, [...name][0].toUpperCase());
  part("who").replaceChildren(...(name ? [el("span", { className: "unseen" }, "You: "), face, el("span", {}, name)] : [maySayWho() ? "Choose a name" : "You"]));
}

// Another tab has changed who reads.
addEventListener("storage", (event) => event.key === "paperkin.reader" && location.reload());

/** Fetches what the reader has done, once, or `anew`. */
export function load(anew = false) {
  if (!reader.name) return Promise.resolve();
  if (anew) loading = null;
  loading ??= history().catch((e) => {
    if (e.status === 404) {
      reader.isNew = true;
      return;
    }
    loading = null;
    throw e;
  });
  return loading;
}

/** Makes the reader, if nobody has the name yet: else their first event does that, and the service asks only whom it knows. */
export async function introduce() {
  await load();
  if (reader.isNew) await call("PUT", userPath());
  reader.isNew = false;
}

async function history() {
  const events = [];
  let cursor = "";
  do {
    const page = await call("GET", userPath("/events"), { params: { limit: 500, cursor } });
    events.push(...page.events);
    reader.events = page.meta.total;
    cursor = page.meta.next;
  } while (cursor && events.length < MOST_EVENTS);
  histories = new Map();
  for (const { paper, kind, weight, at } of events.reverse()) of(paper).push({ kind, weight, at });
}

function of(paper) {
  if (!histories.has(paper)) histories.set(paper, []);
  return histories.get(paper);
}

/** What the events on a paper come to, by the rules of the service: of the verdicts the last counts, `unsave` takes back a save and `clear` all. */
export function stateOf(paper) {
  let verdicts = [];
  for (const event of histories.get(paper) ?? []) {
    if (event.kind === "unsave") verdicts = verdicts.filter((v) => v.kind !== "save");
    else if (event.kind === "clear") verdicts = [];
    else if (event.kind !== "view" && event.kind !== "click") verdicts.push(event);
  }
  const last = verdicts.at(-1);
  const against = last && /^dis/.test(last.kind) ? last.kind : "";
  const kept = verdicts.some((v) => v.kind === "save");
  const liked = !against && verdicts.findLast((v) => v.kind !== "save")?.kind === "like";
  return { liked, saved: kept && !against, against, kept };
}

/** Whether the reader has done anything with a paper; the feed shows none of those again. */
export const isSeen = (paper) => histories.has(paper);

/** The papers with a like or a save, the last liked or saved first. That one is opened does not move it. */
export function papersWith(what) {
  const kind = { liked: "like", saved: "save" }[what];
  const since = (events) => events.findLast((event) => event.kind === kind)?.at ?? "9";
  const all = [...histories].filter(([paper]) => stateOf(paper)[what]).map(([paper, events]) => [paper, since(events)]);
  return all.sort(([, a], [, b]) => b.localeCompare(a)).map(([paper]) => paper);
}

/** The papers of the reader's lists that are not in the corpus, by id. */
export async function fromElsewhere() {
  const ids = new Set();
  let cursor;
  do {
    const { papers, meta } = await call("GET", userPath("/outside"), { params: { limit: 500, cursor } }).catch((e) => {
      if (e.status !== 404) throw e;
      return { papers: [], meta: {} };
    });
    for (const { id } of papers) ids.add(id);
    cursor = meta.next;
  } while (cursor);
  return ids;
}

/** The events that lead from one state to another. */
function steps(from, to) {
  if (to.against) return [{ kind: to.against, weight: 1 }];
  const blank = from.against || (from.liked && !to.liked);
  const kinds = [
    blank ? "clear" : "",
    to.liked && (blank || !from.liked) ? "like" : "",
    to.saved && (blank || !from.saved) ? "save" : "",
    !blank && from.kept && !to.saved ? "unsave" : "",
  ];
  return kinds.filter(Boolean).map((kind) => ({ kind, weight: 1 }));
}

/** Brings a paper into a state. It shows at once, and is taken back when the service refuses. False where it did. */
export async function judge(paper, to) {
  if (!reader.name) {
    if (!(await askName())) return false;
    await load().catch(() => {}); // then it is as if nothing had been said of any paper yet
    tell(null);
  }
  const events = steps(stateOf(paper), to).map((event) => ({ ...event }));
  const own = of(paper);
  own.push(...events);
  reader.verdicts += 1;
  tell(paper);
  try {
    // One after the other: at the same moment a dislike would win whatever came last.
    for (const event of events) await send(paper, event);
    return true;
  } catch (e) {
    histories.set(paper, own.filter((event) => !events.includes(event)));
    if (!histories.get(paper).length) histories.delete(paper);
    reader.verdicts -= 1;
    tell(paper);
    say(`That was not kept. ${e.message}`, true);
    return false;
  }
}

/** Writes down that a paper was opened; once a visit is enough. */
export function open(paper) {
  if (!reader.name || opened.has(paper)) return;
  opened.add(paper);
  const event = { kind: "click", weight: 1 };
  send(paper, event).then(() => of(paper).push(event), () => opened.delete(paper));
}

/** Posts an event after those that wait. A service that is busy is asked again twice. */
function send(paper, { kind, weight }) {
  const user = userPath("/events");
  const post = async (left) => {
    try {
      // All or nothing, so that a paper that is gone is said to be.
      await call("POST", user, { params: { strict: true }, body: { events: [{ paper, kind, weight }] }, keepalive: true });
      reader.events += 1;
      reader.isNew = false;
    } catch (e) {
      if (!e.soon || !left) throw e;
      await new Promise((done) => setTimeout(done, 1000));
      await post(left - 1);
    }
  };
  const sent = queue.then(() => post(2));
  queue = sent.catch(() => {});
  return sent;
}

/** Has a paper drawn anew, or all of them. */
const tell = (paper) => document.dispatchEvent(new CustomEvent("judged", { detail: paper }));

/** The service and this browser forget the reader. */
export async function forget() {
  await queue;
  await call("DELETE", userPath()).catch((e) => {
    if (e.status !== 404) throw e;
  });
  store.set(`visit.${reader.name}`, null);
  setName("");
  // With the reader their sessions went.
  if (me.reader && me.session) await signIn();
}

// ---- The name. ----

/** A form for a name; `done` is called with it. */
export function nameForm(done, ...further) {
  const field = el("input", { id: "reader-name", className: "field", required: true, maxLength: 80, autocomplete: "nickname", value: reader.name, placeholder: "ada" });
  const form = el("form", { className: "ask-name" },
    el("label", { htmlFor: "reader-name" }, "Your name"), field,
    el("div", { className: "controls" }, el("button", { className: "primary" }, "Continue"), ...further),
    el("p", { className: "small" },
      me.mode === "open"
        ? "There is no password: everybody who can open this page can read under any name, and see what was liked under it. "
        : "With the key that you signed in with you can read under any name, as this reader. ",
      "The name is kept in this browser, what you like by the service."));
  form.onsubmit = (event) => {
    event.preventDefault();
    const text = field.value.trim();
    // These two are steps in an address, and the service could not be asked for them.
    field.setCustomValidity(!text || text === "." || text === ".." ? "Please give another name." : "");
    if (!form.reportValidity()) return;
    if (text !== reader.name) setName(text);
    done(text);
  };
  field.oninput = () => field.setCustomValidity("");
  return form;
}

/** Asks for a name in a dialog; whether one was given. */
function askName() {
  if (!maySayWho()) {
    say("You are signed in with a key that reads papers and is of no reader. Sign in as a reader to like and save.", true);
    return Promise.resolve(false);
  }
  return new Promise((answer) => {
    const dialog = el("dialog", { className: "dialog", ariaLabel: "Choose a name" });
    dialog.append(el("h2", {}, "Who is reading?"), nameForm(() => dialog.close("yes"), button("Not now", () => dialog.close())));
    dialog.onclose = () => {
      dialog.remove();
      answer(dialog.returnValue === "yes");
    };
    document.body.append(dialog);
    dialog.showModal();
  });
}
