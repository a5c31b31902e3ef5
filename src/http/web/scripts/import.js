// Taking a reading list in: what would be understood of it, line by line, before anything is written; then how far it is, what came of
// it, and the way back. Everything it says stands in `data-texts` of the element.

import { call } from "./api.js";
import { ask as request, at, el, fill, number as count, say, text, wrong as failure } from "./said.js";

const FIRST = 25; // lines of a preview that are shown at once

export function mount(element) {
  const texts = JSON.parse(element.dataset.texts);
  const history = `v1/users/${encodeURIComponent(document.body.dataset.reader)}/history`;
  let given = null; // the file that was chosen or dropped
  let round = 0; // which question is the last: the answer to an older one is not shown

  const t = (name, places) => fill(texts[name] ?? name, places);

  const file = el("input", { id: "bring-file", type: "file", className: "unseen" });
  const chosen = el("span", { className: "bring-chosen", dir: "auto" });
  const away = el("button", { type: "button", className: "plain", hidden: true }, t("bring_drop_it"));
  const paste = el("textarea", { id: "bring-text", rows: 4, spellcheck: false, placeholder: t("bring_example"), dir: "auto" });
  const outside = el("input", { id: "bring-outside", type: "checkbox", checked: true });
  const look = el("button", { className: "primary" }, t("bring_look"));
  const came = el("div", { className: "bring-came", role: "status", tabIndex: -1 });
  const form = el("form", { className: "bring" },
    el("div", { className: "bring-zone" },
      el("p", { className: "small" }, t("bring_file")),
      el("div", { className: "controls" }, file, el("label", { htmlFor: "bring-file", className: "button" }, t("bring_choose")), el("span", { className: "small bring-hint" }, t("bring_drop")), chosen, away)),
    el("label", { htmlFor: "bring-text" }, t("bring_paste")), paste,
    el("label", { className: "bring-check" }, outside, el("span", {}, t("bring_outside"))),
    el("div", { className: "controls" }, look, el("span", { className: "small" }, t("bring_safe"))));

  const size = (bytes) => (bytes < 1e6 ? `${Math.max(1, Math.round(bytes / 1e3))} kB` : `${(bytes / 1e6).toFixed(1)} MB`);
  const choose = (one) => {
    given = one ?? null;
    chosen.textContent = given ? t("bring_chosen", { name: given.name, size: size(given.size) }) : "";
    away.hidden = !given;
    paste.disabled = Boolean(given);
    forget();
  };
  // A preview of something else than what is chosen by now would mislead.
  const forget = () => {
    round += 1;
    came.replaceChildren();
  };
  file.onchange = () => choose(file.files[0]);
  away.onclick = () => {
    file.value = "";
    choose(null);
    file.focus();
  };
  paste.oninput = forget;
  outside.onchange = forget;
  const over = (on) => form.classList.toggle("over", on);
  form.ondragover = (event) => {
    if (![...event.dataTransfer.types].includes("Files")) return;
    event.preventDefault();
    over(true);
  };
  form.ondragleave = (event) => form.contains(event.relatedTarget) || over(false);
  form.ondrop = (event) => {
    if (!event.dataTransfer.files.length) return;
    event.preventDefault();
    over(false);
    choose(event.dataTransfer.files[0]);
  };

  const wrong = (e) => came.replaceChildren(el("p", { className: "lib-wrong" }, e.message));

  /** Sends the list; its answer. `line` gets what comes before the answer, where that is wanted. */
  const send = async (body, params, line) => {
    const query = new URLSearchParams({ embed_missing: String(outside.checked), ...(given && { name: given.name }), ...params });
    // As it is: the service finds out in which characters a file was written.
    const answer = await request("POST", `${history}?${query}`, { body, headers: { "content-type": "text/plain", accept: line ? "application/x-ndjson" : "application/json" } });
    let told = null;
    if (line && answer.headers.get("content-type")?.startsWith("application/x-ndjson")) {
      let rest = "";
      for (const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader(); ;) {
        const { value, done } = await reader.read();
        const lines = (rest + (value ?? "")).split("\n");
        rest = done ? "" : lines.pop();
        for (const one of lines.filter(Boolean)) {
          told = JSON.parse(one);
          line(told);
        }
        if (done) break;
      }
    } else told = await answer.json().catch(() => null);
    if (told && !told.error) return told;
    throw failure(told?.error?.message ?? text("unreadable"), answer.status);
  };

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const own = (round += 1);
    if (!given && !paste.value.trim()) return wrong(new Error(t("bring_nothing")));
    const body = given ?? new Blob([paste.value]);
    look.ariaDisabled = "true";
    came.replaceChildren(el("p", {}, t("bring_looking")));
    try {
      const seen = await ask(body);
      if (own !== round) return;
      came.replaceChildren(...preview(seen.told, () => take(body, seen)));
      came.focus({ preventScroll: true });
      came.scrollIntoView({ block: "nearest" });
    } catch (e) {
      if (own === round) wrong(e);
    }
    look.ariaDisabled = "false";
  });

  /** What would become of the list. Titles, a line each, are told from nothing by the service: whoever pastes them means them. */
  const ask = async (body) => {
    try {
      return { told: await send(body, { dry_run: "true" }), params: {} };
    } catch (e) {
      if (given || !/titles/.test(e.message)) throw e;
      const params = { format: "titles" };
      return { told: await send(body, { dry_run: "true", ...params }), params };
    }
  };

  const named = (format) => texts[`format_${format}`] ?? String(format ?? "").toUpperCase();
  const by = (way) => ({ doi: "DOI", arxiv: "arXiv", title: "title", id: "id" })[way] ?? way;
  const people = (authors = []) => (authors.length > 2 ? t("bring_others", { names: authors.slice(0, 2).join(", ") }) : authors.join(", "));

  function preview(seen, save) {
    const { format, total, matched, missing, embedded, accepted, unchanged, rejected_total, rejected_unit, entries = [] } = seen;
    const fact = (n, name, className) => (n ? el("li", { className }, t(name, { n })) : null);
    const became = (e) => ({ matched: t("bring_is_found", { by: by(e.by) }), missing: t(e.teaches ? "bring_is_taught" : "bring_is_missing"), rejected: t("bring_is_rejected", { why: e.reason }) })[e.status];
    const row = (e) => {
      const name = e.title ?? e.key ?? "";
      const about = [people(e.authors), e.date].filter(Boolean).join(", ");
      const title = e.paper ? el("a", { href: at(`paper/${encodeURIComponent(e.paper)}`), target: "_blank", dir: "auto" }, name || e.paper) : el("span", { dir: "auto" }, name);
      return el("tr", { className: e.status },
        el("td", { className: "n" }, count(e.line)),
        el("td", {}, title, about ? el("span", { className: "small bring-about", dir: "auto" }, about) : null),
        el("td", {}, el("span", { className: `bring-mark ${e.status}${e.teaches ? " taught" : ""}`, ariaHidden: "true" }), became(e)));
    };
    const body = el("tbody", {}, ...entries.slice(0, FIRST).map(row));
    const head = (name) => el("th", { scope: "col" }, t(name));
    const table = el("table", { className: "bring-table" }, el("caption", { className: "unseen" }, t("bring_lines")),
      el("thead", {}, el("tr", {}, head(rejected_unit === "line" ? "bring_line" : "bring_entry"), head("bring_what"), head("bring_became"))), body);
    const rest = entries.length > FIRST ? el("button", { type: "button", className: "plain" }, t("bring_all", { n: entries.length })) : null;
    if (rest) rest.onclick = () => {
      body.append(...entries.slice(FIRST).map(row));
      rest.remove();
    };
    const yes = accepted ? el("button", { type: "button", className: "primary" }, takes(accepted)) : null;
    if (yes) yes.onclick = save;
    const no = el("button", { type: "button", className: "quiet" }, t("bring_cancel"));
    no.onclick = () => {
      forget();
      look.focus();
    };
    return [
      el("p", {}, `${t("bring_format")} `, el("b", {}, named(format)), `: ${t("entries", { n: total })}`),
      el("ul", { className: "bring-facts" }, ...[fact(matched.length, "bring_found_n", "found"), fact(missing.length, embedded ? "bring_teaching_n" : "bring_missing_n"), fact(rejected_total, "bring_rejected_n", "lib-wrong"), fact(unchanged, "bring_known_n")].filter(Boolean)),
      yes ? null : el("p", {}, t(unchanged ? "bring_no_news" : "bring_no_use")),
      el("div", { className: "controls" }, ...[yes, no].filter(Boolean)),
      entries.length ? table : null, rest,
    ].filter(Boolean);
  }

  const takes = (n) => (n === 1 ? t("bring_take_one") : t("bring_take_many", { n }));

  const span = (seconds) => (seconds < 90 ? t("bring_seconds", { n: Math.max(1, Math.round(seconds)) }) : t("bring_minutes", { n: Math.round(seconds / 60) }));

  async function take(body, { told, params }) {
    const own = (round += 1);
    const bar = el("progress", { max: Math.max(1, told.total), value: 0, ariaLabel: t("progress") });
    // Read aloud it would never end; that it is done is said below.
    const far = el("p", { className: "small", ariaLive: "off" }, t("bring_begun"));
    came.replaceChildren(bar, far);
    look.ariaDisabled = "true";
    const began = Date.now();
    try {
      const done = await send(body, params, (so) => {
        if (so.done === undefined) return;
        bar.max = Math.max(1, so.total);
        bar.value = so.done;
        const seconds = (Date.now() - began) / 1000;
        const left = so.done && seconds > 3 ? span(((so.total - so.done) * seconds) / so.done) : "";
        far.textContent = t(left ? "bring_left" : "bring_progress", { done: so.done, total: so.total, left });
      });
      form.reset();
      choose(null);
      came.replaceChildren(...report(done));
      came.focus({ preventScroll: true });
    } catch (e) {
      if (own === round) wrong(e);
    }
    look.ariaDisabled = "false";
  }

  function report(done) {
    if (done.job) return [el("p", {}, t("bring_progress", done.job))];
    const { import: id, matched, missing, embedded, accepted, unchanged, rejected_total } = done;
    const lines = [
      el("b", {}, t("bring_done", { n: accepted, total: t("entries", { n: done.total }) })),
      missing.length ? ` ${t(embedded ? "bring_done_taught" : "bring_done_missing", { n: missing.length })}` : null,
      unchanged ? ` ${t("bring_done_known", { n: unchanged })}` : null,
      rejected_total ? ` ${t("bring_done_rejected", { n: rejected_total })}` : null,
    ].filter(Boolean);
    const back = id ? el("button", { type: "button", className: "quiet" }, t("bring_undo")) : null;
    if (back) back.onclick = async () => {
      try {
        await call("DELETE", `v1/users/${encodeURIComponent(document.body.dataset.reader)}/imports/${encodeURIComponent(id)}`);
        came.replaceChildren(el("p", {}, t("bring_undone")));
        came.focus({ preventScroll: true });
      } catch (e) {
        say(e.message, { wrong: true });
      }
    };
    const shelf = el("a", { className: "button", href: at("library") }, t("bring_show"));
    const feed = matched.length || embedded ? el("a", { className: "primary", href: at("for-you") }, t("bring_feed")) : null;
    return [el("p", {}, ...lines), el("div", { className: "controls" }, ...[feed, shelf, back].filter(Boolean))];
  }

  element.replaceChildren(form, came);
  if (location.hash === "#bring") element.scrollIntoView({ block: "center" });
  return () => {};
}
