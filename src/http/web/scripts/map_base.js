// What the parts of the map are made with: its texts, elements, and what it asks the service.
//
// Titles, names and ids come from anywhere: they only ever become text.

const ROWS = 500; // papers asked for in one call
export const FOUND = 1000; // papers that a search shows

/** Every text that is shown. */
export const TEXT = {
  map: "Map of papers", kind: "map",
  help: "Arrows move, plus and minus zoom, 0 shows all, Enter lists what is in view. The list of themes says the same in words.",
  colour: "Colour by", theme: "Theme", date: "Date", category: "Category", find: "Find on the map", clear: "Clear",
  select: "Select", selectHelp: "Draw around papers (or hold Shift and draw)", view: "List what is in view", reset: "Reset", nearer: "Zoom in", farther: "Zoom out",
  loading: "The map is being loaded…", empty: "There are no papers on the map yet.", noTheme: "In no theme", otherCategory: "Other or none", noDate: "No date",
  wheel: "Ctrl + wheel zooms; so does the wheel alone once the map has been clicked", touch: "Tap the map to move it with one finger",
  papers: (n) => `${number(n)} ${n === 1 ? "paper" : "papers"}`,
  found: (n, q) => (n >= FOUND ? `The ${number(FOUND)} papers closest to “${q}”` : `${TEXT.papers(n)} found for “${q}”`),
  selected: (n) => `${TEXT.papers(n)} selected`, none: "No papers are inside.",
  first: (n) => `The first ${number(n)} are in the file.`,
  more: "Show more", like: "More like these", csv: "CSV", bibtex: "BibTeX", close: "Close", open: "Open", untitled: "A paper that is no longer here",
  likeThese: "More like these", nothingLike: "Nothing else is like these.", wait: "One moment…",
  noMap: "What came is no map.", unreached: "The service cannot be reached.", signIn: "Sign in to see the map.",
};

export const number = (n) => new Intl.NumberFormat("en-GB").format(n);

export function el(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (name in node) node[name] = value;
    else node.setAttribute(name, value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

/** As if a link had been clicked, so that the page may go there without loading anew. */
export function follow(root, start, id) {
  if (start === undefined) return;
  const link = el("a", { href: start + encodeURIComponent(id), hidden: true });
  root.append(link);
  link.click();
  link.remove();
}

/** What the service says, or an Error for the person in front of the page; `status` and `after` (seconds) where it answered. */
async function ask(address, options = {}) {
  const response = await fetch(address, options).catch((e) => {
    throw options.signal?.aborted ? e : Object.assign(new Error(TEXT.unreached), { after: 5 });
  });
  if (response.status === 200) return response;
  const answer = await response.json().catch(() => null);
  const said = answer?.error?.message ?? answer?.message ?? `${response.status} ${response.statusText}`;
  const message = response.status === 401 ? TEXT.signIn : `${said.charAt(0).toUpperCase()}${said.slice(1)}.`;
  const after = [202, 429, 503].includes(response.status) ? Math.min(30, Number(response.headers.get("retry-after")) || 5) : 0;
  throw Object.assign(new Error(message), { status: response.status, after });
}

/** What the map is made of, asked of the service whose addresses stand at `root`. */
export function fromService(root) {
  const { src, papers, recommend } = root.dataset;
  const json = (body) => ({ method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });
  return {
    load: async (signal) => (await ask(src, { signal })).arrayBuffer(),
    async papers(rows, signal) {
      const query = new URLSearchParams(rows.map((row) => ["row", row]));
      return (await (await ask(`${papers}?${query}`, { signal })).json()).papers;
    },
    async search(q, signal) {
      const query = new URLSearchParams({ q, limit: FOUND });
      return (await (await ask(`${papers}?${query}`, { signal })).json()).papers;
    },
    async more(like, signal) {
      const found = (await (await ask(recommend, { ...json({ like, limit: 20, diversity: 0.2 }), signal })).json()).papers;
      if (!found.length) return found;
      // The map knows their titles without LaTeX and markup.
      const query = new URLSearchParams(found.map(({ id }) => ["id", id]));
      const plain = new Map((await (await ask(`${papers}?${query}`, { signal })).json()).papers.map(({ id, title }) => [id, title]));
      return found.map((paper) => ({ ...paper, title: plain.get(paper.id) ?? paper.title }));
    },
    // All candidates are given, whatever they are like.
    bibtex: async (ids, signal) =>
      (await ask(`${recommend}?format=bibtex`, { ...json({ like: ids.slice(0, 1), candidates: ids, exclude_liked: false }), signal })).blob(),
  };
}

/** The papers of some rows, in their order, asked of the source where they are not `known` yet; those that are gone are left out. */
export async function papersBy(source, known, rows, signal) {
  const missing = rows.filter((row) => !known.has(row));
  for (let k = 0; k < missing.length; k += ROWS) {
    for (const paper of await source.papers(missing.slice(k, k + ROWS), signal)) known.set(paper.row, paper);
  }
  return rows.map((row) => known.get(row)).filter(Boolean);
}
