// What stands around the map in words: the legend; the papers of a part of the map, as a list, as files, and papers like them.

import { TEXT, el, number } from "./map_base.js";

const LISTED = 50; // papers shown at a time
const MOST = 20000; // papers that go into a file
const LIKED = 300; // papers that stand for all where it is asked what is like them

/**
 * What stands in the panel for some points: its `parts`, the first of which is the `heading`. `papersOf` gives the papers of points,
 * `button` makes a button that goes with the map.
 */
export function listOf(mine, { data, root, source, papersOf, button, signal, close }) {
  const heading = el("h2", { tabIndex: -1 }, TEXT.selected(mine.length));
  const note = el("p", { className: "map-note" });
  note.setAttribute("aria-live", "polite");
  const papers = el("ol"), others = el("div");
  const line = (paper) => el("li", {}, root.dataset.paper === undefined
    ? el("span", { dir: "auto" }, paper.title || paper.id)
    : el("a", { href: root.dataset.paper + encodeURIComponent(paper.id), dir: "auto" }, paper.title || paper.id),
    paper.date ? el("small", {}, ` ${paper.date}`) : null);
  const tries = (act) => async () => {
    note.textContent = TEXT.wait;
    try {
      note.textContent = (await act()) ?? "";
    } catch (e) {
      if (!signal.aborted) note.textContent = e.message;
    }
  };
  let shown = 0;
  const more = button(TEXT.more, tries(async () => {
    const next = await papersOf(mine.slice(shown, shown + LISTED));
    shown = Math.min(mine.length, shown + LISTED);
    papers.append(...next.map(line));
    more.hidden = shown >= mine.length;
  }));
  const cut = () => (mine.length > MOST ? TEXT.first(MOST) : undefined);
  const file = async (name, blob) => {
    const link = el("a", { href: URL.createObjectURL(blob), download: name });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  };
  const actions = [
    source.more && button(TEXT.like, tries(async () => {
      const even = mine.filter((_, k) => k % Math.ceil(mine.length / LIKED) === 0);
      const found = await source.more((await papersOf(even)).map((paper) => paper.id), signal);
      others.replaceChildren(el("h3", {}, TEXT.likeThese), found.length
        ? el("ol", {}, ...found.map((paper) => line({ ...paper, date: paper.listed ?? paper.date })))
        : el("p", {}, TEXT.nothingLike));
    })),
    button(TEXT.csv, tries(async () => {
      const kept = mine.slice(0, MOST), place = new Map(kept.map((k) => [data.row[k], k]));
      const rows = (await papersOf(kept)).map((paper) => {
        const k = place.get(paper.row), theme = data.theme[k] < 0 ? null : data.themes[data.theme[k]];
        return [paper.id, paper.title ?? "", paper.date ?? "", theme?.id ?? "", theme?.name ?? ""].map(cell).concat(data.x[k].toFixed(3), data.y[k].toFixed(3));
      });
      const text = [["paper", "title", "date", "theme", "theme_name", "x", "y"], ...rows].map((row) => `${row.join(",")}\r\n`).join("");
      await file("papers.csv", new Blob([text], { type: "text/csv" }));
      return cut();
    })),
    source.bibtex && button(TEXT.bibtex, tries(async () => {
      const ids = (await papersOf(mine.slice(0, MOST))).map((paper) => paper.id);
      await file("papers.bib", await source.bibtex(ids, signal));
      return cut();
    })),
    button(TEXT.close, close),
  ];
  more.click();
  return { heading, parts: [heading, el("div", { className: "map-actions" }, ...actions.filter(Boolean)), note, others, papers, more] };
}

/** The entries of the legend: a button for each group, or the scale of a ramp. `press` is told which group was pressed. */
export function legendOf(grouped, by, { only, press, button }) {
  const other = { theme: TEXT.noTheme, category: TEXT.otherCategory }[by];
  const swatch = (className, background) => {
    const node = el("span", { className, ariaHidden: "true" });
    node.style.background = background;
    return node;
  };
  if (!grouped.scale) {
    return grouped.list.map(({ name, size, colour }, k) => {
      const node = button("", () => press(k), { ariaPressed: String(only === k) });
      node.append(swatch("map-swatch", colour), el("bdi", {}, name ?? other), " ", el("small", {}, number(size)));
      return el("li", {}, node);
    });
  }
  if (!grouped.ends.length) return [el("li", {}, TEXT.noDate)];
  const ends = grouped.ends.map((text) => el("span", {}, text));
  return [el("li", { className: "map-scale" }, swatch("map-ramp", `linear-gradient(to right, ${grouped.scale.join(", ")})`), ...ends)];
}

/** A cell of a table. What a spreadsheet would take for a formula is told apart by an apostrophe, as in the files of the service. */
function cell(text) {
  const safe = /^'*[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
