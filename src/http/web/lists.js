// Reading lists: what would be understood of one, taking it in, and what was taken in before, with the way back.

import { button, call, count, el, picture, plural, say } from "./base.js";
import { sure } from "./dialog.js";
import { address, go } from "./page.js";
import { load, reader, userPath } from "./reader.js";

const FIRST = 8; // entries of a preview that are shown at once
const PAGE = 20; // papers from outside the corpus that are shown at once
const ASK_AGAIN = 2000; // milliseconds between two looks at a list that is being taken in

const FORMATS = {
  bibtex: "BibTeX", ris: "RIS", csl: "CSL-JSON", zotero: "Zotero", pubmed: "PubMed", endnote: "EndNote", wos: "Web of Science",
  csv: "A table", ids: "A list of ids and addresses", titles: "A list of titles",
};
const formatName = (format) => FORMATS[format] ?? (format ? format.toUpperCase() : "A list");

/** A form that takes a reading list in: it shows what would be understood, then saves it. `after` is called when it has. */
export function importer(after = () => {}) {
  const file = el("input", { id: "list-file", type: "file" });
  const text = el("textarea", { id: "list-text", className: "field", rows: 4, spellcheck: false, placeholder: "@article{…}   or   arxiv:2405.13729   or   10.1000/xyz   or a title a line" });
  const outside = el("input", { id: "list-outside", type: "checkbox", defaultChecked: true });
  const look = el("button", { id: "list-preview", className: "primary" }, "Preview");
  const came = el("div", { className: "came", role: "status" });
  const form = el("form", { className: "importer" },
    el("label", { htmlFor: "list-file" }, "A file from Zotero, EndNote, Mendeley, JabRef, PubMed…: BibTeX, RIS, CSL-JSON, or an id a line"), file,
    el("label", { htmlFor: "list-text" }, "or paste it"), text,
    el("label", { className: "check" }, outside, " Learn also from papers that are not in this corpus"),
    el("div", { className: "controls" }, look, el("span", { className: "small" }, "Nothing is saved before you say so.")), came);
  const wrong = (e) => came.replaceChildren(el("p", { className: "wrong", role: "alert" }, e.message));
  // A preview of something else than what is chosen by now would mislead.
  form.oninput = () => came.replaceChildren();

  const send = (params, body, line) => call("POST", userPath("/history"), {
    params: { ...params, embed_missing: String(outside.checked), name: file.files[0]?.name ?? "" },
    // As it is: the service finds out in which characters a file was written.
    body, type: "application/octet-stream", line,
  });

  const save = async (body, total) => {
    const bar = el("progress", { className: "wide", max: Math.max(1, total), value: 0, ariaLabel: "Entries taken in" });
    const says = el("p", { className: "small", ariaLive: "off" }, "Beginning…");
    came.replaceChildren(bar, says);
    look.disabled = true;
    const began = Date.now();
    try {
      const done = await send({ stream: "true" }, body, (so) => {
        if (so.done === undefined) return; // the answer
        bar.max = Math.max(1, so.total);
        bar.value = so.done;
        const rate = so.done / ((Date.now() - began) / 1000);
        const left = so.done > 0 ? ` · ${count(Math.round(rate))} a second · ${time((so.total - so.done) / rate)} left` : "";
        says.textContent = `${so.done.toLocaleString("en-GB")} of ${so.total.toLocaleString("en-GB")}${left}. It goes on if you leave this page.`;
      });
      await load(true);
      came.replaceChildren(...report(done));
      form.reset();
      after();
    } catch (e) {
      wrong(e);
      after();
    }
    look.disabled = false;
  };

  form.onsubmit = async (event) => {
    event.preventDefault();
    look.disabled = true;
    came.replaceChildren(el("p", {}, "Looking at the list…"));
    try {
      const body = file.files.length ? file.files[0] : new Blob([text.value]);
      if (!file.files.length && !text.value.trim()) throw new Error("Choose a file, or paste a list.");
      const seen = await send({ dry_run: "true" }, body);
      came.replaceChildren(...preview(seen, () => save(body, seen.total), () => came.replaceChildren()));
      came.querySelector("button")?.focus({ preventScroll: true });
    } catch (e) {
      wrong(e);
    }
    look.disabled = false;
  };
  return form;
}

const time = (seconds) => (seconds < 90 ? `${Math.max(1, Math.round(seconds))} s` : `${Math.round(seconds / 60)} min`);

const folded = (title, items) => (items.length ? el("details", { className: "small" }, el("summary", {}, title), el("ul", {}, ...items)) : null);

/** What was rejected, by the place where it stands. */
function broken({ rejected, rejected_total, rejected_unit }) {
  const lines = rejected.map((r) => el("li", { dir: "auto" }, `${rejected_unit} ${r.line}${r.id ? ` (${r.id})` : ""}: ${r.reason}`));
  if (rejected_total > lines.length) lines.push(el("li", {}, `and ${count(rejected_total - lines.length)} more`));
  return lines;
}

/** What would be understood of a list: nothing is saved before the reader says so. */
function preview(seen, save, cancel) {
  const { format, total, matched, missing, embedded, accepted, unchanged, rejected_total, entries } = seen;
  const fact = (n, text, className = "") => el("li", { className }, el("strong", {}, n.toLocaleString("en-GB")), ` ${text}`);
  const teach = embedded ? `not here; ${embedded === missing.length ? (embedded === 1 ? "it teaches" : "they teach") : `${embedded.toLocaleString("en-GB")} teach`} all the same` : "not here";
  const facts = [
    fact(matched.length, "found here"),
    missing.length ? fact(missing.length, teach) : null,
    rejected_total ? fact(rejected_total, "not understood", "wrong") : null,
    unchanged ? fact(unchanged, "in your history already, or named twice") : null,
  ];
  const row = (e) => el("li", { className: `entry ${e.status}`, dir: "auto" },
    el("span", { className: "mark", title: { matched: "Found here", missing: "Not here", rejected: "Not understood" }[e.status] },
      { matched: "✓", missing: e.teaches ? "+" : "–", rejected: "!" }[e.status]),
    el("span", { className: "what" },
      el("span", { className: "named" }, e.title ?? e.key ?? `${seen.rejected_unit} ${e.line}`),
      el("span", { className: "small" }, [
        e.status === "rejected" ? e.reason : "",
        (e.authors ?? []).slice(0, 2).join(", ") + ((e.authors ?? []).length > 2 ? " and others" : ""),
        e.date ?? "",
        e.status === "matched" ? `found by ${e.by === "doi" ? "DOI" : e.by}` : "",
        `${seen.rejected_unit} ${e.line}`,
      ].filter(Boolean).join(" · "))));
  const list = el("ul", { className: "entries" }, ...entries.slice(0, FIRST).map(row));
  const rest = entries.length > FIRST ? button(`Show all ${entries.length.toLocaleString("en-GB")}`, () => {
    list.append(...entries.slice(FIRST).map(row));
    rest.remove();
  }, "plain") : null;
  const yes = accepted
    ? button(`Save ${accepted === 1 ? "this paper" : `these ${accepted.toLocaleString("en-GB")} papers`}`, save, "primary")
    : null;
  const nothing = unchanged ? "Everything of it is in your history already." : "There is nothing in it to learn from.";
  return [
    el("p", {}, el("strong", {}, formatName(format)), ` · ${plural(total, "entry", "entries")}`),
    el("ul", { className: "facts" }, ...facts.filter(Boolean)),
    list, rest, folded(`Not understood (${count(rejected_total)})`, broken(seen)),
    yes ? null : el("p", {}, nothing),
    el("div", { className: "controls" }, yes, button("Cancel", cancel)),
  ].filter(Boolean);
}

/** What was found, what not. */
function report(done) {
  const { matched, missing, embedded, accepted, unchanged, rejected_total } = done;
  const found = matched.map((m) => el("li", { dir: "auto" }, el("a", { href: address("similar", m.paper) }, m.reference || m.paper), ` (by ${m.by})`));
  const lost = missing.map((title) => el("li", { dir: "auto" }, title));
  const learned = embedded ? ` ${plural(embedded, "paper")} from outside the corpus ${embedded === 1 ? "teaches" : "teach"} all the same.` : "";
  const known = unchanged ? ` ${plural(unchanged, "paper was", "papers were")} in your history already.` : "";
  return [
    el("p", {}, el("strong", {}, `${matched.length.toLocaleString("en-GB")} of ${plural(matched.length + missing.length, "reference")} found, ${accepted.toLocaleString("en-GB")} new.`), learned, known),
    folded(`Found (${count(found.length)})`, found),
    folded(`Not found (${count(lost.length)})`, lost),
    folded(`Not understood (${count(rejected_total)})`, broken(done)),
    reader.events ? el("div", { className: "controls" }, button("Show me my feed", () => go(address("foryou")), "primary")) : null,
  ].filter(Boolean);
}

// ---- What was taken in before. ----

const STATES = { running: "being taken in", failed: "broke off", interrupted: "interrupted" };

/** The reading lists that were brought, each with the way back; `after` is called when one is taken back. */
export function readingLists(after = () => {}) {
  const box = el("div", { className: "brought" });
  const undo = (list) => sure(`Take back ${list.name ?? "this list"}?`,
    "The papers that it added go from your history, and with them what was learned from them. What you liked or saved by hand stays, and so does what another list names too.",
    "Take it back", async () => {
      await call("DELETE", userPath(`/imports/${encodeURIComponent(list.id)}`));
      await load(true);
      say(`${list.name ?? "The list"} is taken back.`);
      await draw();
      after();
    });
  const line = (list) => {
    const when = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit" }).format(new Date(list.begun));
    const state = STATES[list.status];
    const far = state ? `${state}${list.status === "running" ? ":" : " after"} ${list.done.toLocaleString("en-GB")} of ${list.total.toLocaleString("en-GB")}` : "";
    const facts = [when, formatName(list.format), `${list.accepted.toLocaleString("en-GB")} added`,
      list.embedded ? `${list.embedded.toLocaleString("en-GB")} from outside` : "",
      list.rejected_total ? `${list.rejected_total.toLocaleString("en-GB")} not understood` : "", list.error ?? ""].filter(Boolean).join(" · ");
    return el("li", { className: "listed" },
      el("div", {}, el("p", { dir: "auto" }, el("strong", {}, list.name ?? "A pasted list"), far ? el("span", { className: list.status === "running" ? "small" : "small wrong" }, ` ${far}`) : null),
        list.status === "running" ? el("progress", { className: "wide", max: Math.max(1, list.total), value: list.done, ariaLabel: "Entries taken in" }) : null,
        el("p", { className: "small" }, facts)),
      button(list.status === "running" ? "Stop and take back…" : "Take back…", () => undo(list), "quiet danger"));
  };
  const draw = async () => {
    const { imports } = await call("GET", userPath("/imports")).catch((e) => {
      if (e.status !== 404) throw e;
      return { imports: [] };
    });
    box.replaceChildren(imports.length
      ? el("ul", { className: "plainlist" }, ...imports.map(line))
      : el("p", { className: "small" }, "You have brought none yet."));
    if (imports.some((i) => i.status === "running")) setTimeout(() => box.isConnected && draw().catch(() => {}), ASK_AGAIN);
  };
  box.draw = () => draw().catch((e) => box.replaceChildren(el("p", { className: "wrong" }, e.message)));
  box.draw();
  return box;
}

/** The papers that are not in the corpus and teach all the same, to look at and to remove. */
export function fromOutside(after = () => {}) {
  const box = el("div", { className: "brought" });
  const list = el("ul", { className: "plainlist" });
  const more = el("div", {});
  const remove = (paper, line) => sure("Forget this paper?", `“${paper.title}” goes from your history, and with it what was learned from it.`, "Forget it", async () => {
    await call("DELETE", userPath(`/outside/${encodeURIComponent(paper.id)}`));
    await load(true);
    line.remove();
    if (!list.children.length) await box.draw();
    after();
  });
  const line = (paper) => {
    const by = [(paper.authors ?? []).slice(0, 3).join(", ") + ((paper.authors ?? []).length > 3 ? " and others" : ""), paper.date ?? "", paper.id.startsWith("text:") ? "" : paper.id].filter(Boolean).join(" · ");
    const press = el("button", { type: "button", className: "quiet toggle", title: "Forget this paper", ariaLabel: `Forget ${paper.title}`, onclick: () => remove(paper, row) }, picture("cross"));
    const row = el("li", { className: "listed" }, el("div", {}, el("p", { dir: "auto" }, paper.title), by ? el("p", { className: "small", dir: "auto" }, by) : null), press);
    return row;
  };
  const fetch = async (cursor) => {
    const { papers, meta } = await call("GET", userPath("/outside"), { params: { limit: PAGE, cursor } }).catch((e) => {
      if (e.status !== 404) throw e;
      return { papers: [], meta: { total: 0 } };
    });
    list.append(...papers.map(line));
    more.replaceChildren(meta.next ? button(`Show more of ${meta.total.toLocaleString("en-GB")}`, () => fetch(meta.next).catch((e) => say(e.message, true))) : "");
    return meta.total;
  };
  box.draw = async () => {
    list.replaceChildren();
    try {
      const total = await fetch();
      box.replaceChildren(...(total ? [list, more] : [el("p", { className: "small" }, "There are none.")]));
    } catch (e) {
      box.replaceChildren(el("p", { className: "wrong" }, e.message));
    }
  };
  box.draw();
  return box;
}
