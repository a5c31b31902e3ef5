// Suggestions below the search field while somebody types: authors, categories, themes, and titles that begin so. The results come
// by themselves (navigation.js), so the list is short and gives way to them: to the pointer that goes there, to scrolling, to Escape.
//
// A combobox with a listbox: the focus stays in the field, the arrows go through the list, Enter takes what is chosen.

import { visit } from "./navigation.js";
import { at, el, number, text } from "./said.js";

const WAIT = 120; // milliseconds without a key after which is asked
const ASKED = 8;
const TITLES = 2; // at most: further titles are among the results
const LONGEST = 60; // characters; a longer text is a question or an abstract
const KEPT = 60; // answers that are kept for whoever takes letters back

const known = new Map();

/** Where a suggestion leads, and what stands in the field then. */
function aim({ kind, value, id }) {
  const quoted = `${kind}:"${value.replace(/["“”]/g, " ").trim()}"`;
  if (kind === "theme") return [`theme/${encodeURIComponent(id)}`, ""];
  if (kind === "title") return [`paper/${encodeURIComponent(id)}`, ""];
  return [`search?${new URLSearchParams({ q: quoted })}`, quoted];
}

/** A name in which what was typed is strong, where it stands so. */
function named(value, typed) {
  const where = value.toLowerCase().indexOf(typed.toLowerCase());
  // Lower case may be longer than upper case: then nothing is strong, rather than the wrong letters.
  if (where < 0 || value.toLowerCase().length !== value.length) return [value];
  const end = where + typed.length;
  return [value.slice(0, where), el("b", {}, value.slice(where, end)), value.slice(end)];
}

async function suggestions(q, signal) {
  if (known.has(q)) return known.get(q);
  const answer = await fetch(at(`v1/suggest?${new URLSearchParams({ q, limit: ASKED })}`), { signal, headers: { accept: "application/json" } });
  if (!answer.ok) return [];
  const told = (await answer.json()).suggestions ?? [];
  // A title that only holds the words is found by the search; one that begins so may be what is being typed.
  const begins = ({ value }) => value.toLowerCase().startsWith(q.toLowerCase());
  const kept = [...told.filter((s) => s.kind !== "title"), ...told.filter((s) => s.kind === "title" && begins(s)).slice(0, TITLES)];
  known.set(q, kept);
  if (known.size > KEPT) known.delete(known.keys().next().value);
  return kept;
}

export function start() {
  const box = document.getElementById("q");
  const form = box?.form;
  if (!form) return;
  const list = el("ul", { id: "suggestions", role: "listbox", className: "suggestions", hidden: true, ariaLabel: text("suggestions") });
  const told = el("p", { className: "unseen", role: "status" });
  form.append(list, told);
  for (const [name, value] of [["role", "combobox"], ["aria-autocomplete", "list"], ["aria-controls", list.id], ["aria-expanded", "false"]]) box.setAttribute(name, value);

  let shown = []; // what the list holds
  let chosen = -1;
  let timer = 0;
  let asking = null;

  function choose(k) {
    list.children[chosen]?.setAttribute("aria-selected", "false");
    chosen = k;
    const option = list.children[k];
    if (!option) return box.removeAttribute("aria-activedescendant");
    option.setAttribute("aria-selected", "true");
    option.scrollIntoView({ block: "nearest" });
    box.setAttribute("aria-activedescendant", option.id);
  }

  function close() {
    clearTimeout(timer);
    asking?.abort();
    choose(-1);
    list.hidden = true;
    box.setAttribute("aria-expanded", "false");
  }

  function take(k) {
    const [path, typed] = aim(shown[k]);
    close();
    box.value = typed;
    box.blur();
    visit(at(path));
  }

  function option(one, k, typed) {
    const many = one.papers === undefined ? "" : ` · ${number(one.papers)} ${text(one.papers === 1 ? "suggested_one" : "suggested_many")}`;
    const node = el("li", { id: `suggestion-${k}`, role: "option", className: one.kind },
      el("span", { className: "suggested", dir: "auto" }, ...named(one.value, typed)), " ",
      el("span", { className: "suggested-kind" }, text(`suggested_${one.kind}`) + many));
    node.setAttribute("aria-selected", "false");
    return node;
  }

  async function ask() {
    asking?.abort();
    const q = box.value.trim();
    if (q.length < 2 || q.length > LONGEST) return close();
    const own = (asking = new AbortController());
    const got = await suggestions(q, own.signal).catch(() => null);
    // Another was asked for meanwhile, or the reader went elsewhere.
    if (!got || own.signal.aborted || document.activeElement !== box) return;
    shown = got;
    chosen = -1;
    box.removeAttribute("aria-activedescendant");
    list.replaceChildren(...got.map((one, k) => option(one, k, q)));
    list.hidden = !got.length;
    box.setAttribute("aria-expanded", String(got.length > 0));
  }

  box.addEventListener("input", ({ isComposing }) => {
    clearTimeout(timer);
    if (!isComposing) timer = setTimeout(ask, WAIT);
  });
  box.addEventListener("keydown", (event) => {
    if (event.isComposing || event.ctrlKey || event.metaKey) return;
    const open = !list.hidden;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && open) {
      event.preventDefault();
      // One more place than there are suggestions: the field itself, with what was typed.
      const places = shown.length + 1;
      choose(((chosen + 1 + step + places) % places) - 1);
    } else if (step > 0 && box.value.trim()) {
      event.preventDefault();
      ask();
    } else if (event.key === "Enter" && open && chosen >= 0) {
      event.preventDefault();
      take(chosen);
    } else if (event.key === "Enter") close();
    else if (event.key === "Escape") {
      // It closes the list, and only then leaves the field (keys.js). What was typed stays: the papers of it are on the page.
      event.preventDefault();
      if (!open) return;
      event.stopPropagation();
      close();
    }
  });
  box.addEventListener("blur", close);
  form.addEventListener("submit", close);
  // The field keeps the focus while something of the list is pressed.
  list.addEventListener("pointerdown", (event) => event.preventDefault());
  list.addEventListener("mousedown", (event) => event.preventDefault());
  list.addEventListener("click", ({ target }) => {
    const k = [...list.children].indexOf(target.closest("li"));
    if (k >= 0) take(k);
  });
  document.addEventListener("pointermove", ({ target }) => !list.hidden && target.closest?.("main") && close());
  addEventListener("scroll", () => !list.hidden && close(), { passive: true });
  // Whoever types hears how many papers there are; whoever came by a link reads it where it stands.
  document.addEventListener("shown", () => {
    told.textContent = document.activeElement === box ? (document.querySelector("main .find-count")?.textContent.trim() ?? "") : "";
  });
}
