// Narrows the tree of themes to those whose names or words hold what is typed.

import { fill } from "./said.js";

/** `root` holds a field, a line that says how many there are, and the tree. Returns what takes it down. */
export function mount(root) {
  const field = root.querySelector("input"), said = root.querySelector("[role=status]");
  const rows = [...root.querySelectorAll("li[data-words]")].map((node) => ({
    node,
    words: node.dataset.words.toLowerCase(),
    folds: [...node.children].filter((child) => child.tagName === "DETAILS"),
    under: [...node.querySelectorAll("li[data-words]")],
  }));
  const open = new Map(); // which were open before somebody typed

  function narrow() {
    const wanted = field.value.toLowerCase().split(/\s+/).filter(Boolean);
    const holds = ({ words }) => wanted.every((word) => words.includes(word));
    const found = new Set(rows.filter(holds).map((row) => row.node));
    for (const row of rows) {
      const below = row.under.some((node) => found.has(node));
      // What lies in a theme that was found belongs to it.
      let above = row.node.parentElement.closest("li[data-words]");
      while (above && !found.has(above)) above = above.parentElement.closest("li[data-words]");
      row.node.hidden = wanted.length > 0 && !found.has(row.node) && !below && !above;
      row.node.classList.toggle("th-found", wanted.length > 0 && found.has(row.node));
      for (const fold of row.folds) {
        if (!open.has(fold)) open.set(fold, fold.open);
        fold.open = wanted.length ? below : open.get(fold);
      }
    }
    root.classList.toggle("th-narrowed", wanted.length > 0);
    const { none, one, many } = said.dataset, n = found.size;
    said.textContent = !wanted.length ? "" : n ? fill(n === 1 ? one : many, { n }) : none;
    if (!wanted.length) open.clear();
  }

  let later = 0;
  const typed = () => {
    clearTimeout(later);
    later = setTimeout(narrow, 80);
  };
  field.addEventListener("input", typed);
  if (field.value) narrow();
  return () => {
    clearTimeout(later);
    field.removeEventListener("input", typed);
  };
}
