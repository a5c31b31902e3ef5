// Themes: the tree, the map, one theme. `page.js` shows what these views give it.

import { button, count, el } from "./base.js";
import { mount } from "./map.js";
import { address, ask, changed, go } from "./page.js";

const themeLink = (theme, className = "") => el("a", { href: address("theme", theme.id), className }, theme.name);

function arrow(trend) {
  const sign = { rising: "↗", falling: "↘" }[trend.direction];
  if (!sign) return null;
  const title = `${trend.per_week} papers a week, ${trend.expected_per_week} expected (p ${trend.p_value})`;
  return el("span", { className: `trend ${trend.direction}`, title }, `${sign} ×${(trend.ratio ?? 0).toFixed(1)}`);
}

/** The tree of all themes; the two coarser levels are open. */
function tree(themes) {
  const byId = new Map(themes.map((t) => [t.id, t]));
  const branch = (theme) => {
    const children = theme.children.map((id) => byId.get(id)).filter(Boolean);
    const line = [themeLink(theme), " ", el("span", { className: "from" }, count(theme.size)), " ", arrow(theme.trend)];
    const item = el("li", { className: `level${theme.level}` });
    // A theme that holds only one says the same twice.
    if (children.length < 2) item.append(...line.filter(Boolean));
    else item.append(el("details", { open: theme.level === 0 }, el("summary", {}, ...line), el("ul", {}, ...children.map(branch))));
    return item;
  };
  return el("ul", { className: "tree" }, ...themes.filter((t) => t.parent === null).map(branch));
}

/** The map: a click opens the paper under the pointer. */
function map() {
  const root = el("section", { className: "map", ariaLabel: "Map of papers" });
  Object.assign(root.dataset, {
    src: "v1/themes/map?format=binary", papers: "v1/themes/map/papers", recommend: "v1/recommend", paper: "#/similar/", theme: "#/theme/",
  });
  down?.();
  down = mount(root);
  return [root];
}
let down = null;

/** All themes, as a map and as a tree. */
export async function themes() {
  const { themes, meta } = await ask("v1/themes");
  const none = themes.length === 0;
  const sum = `${count(meta.papers)} papers, ${meta.sizes.map(count).join(" · ")} themes from coarse to fine`;
  return {
    name: "Themes",
    head: [
      el("div", { className: "headline" }, el("h1", { tabIndex: -1 }, el("span", { className: "kicker" }, "What the papers are about"), "Themes")),
      ...(none ? [] : [...map(), el("p", { className: "filter" }, sum), tree(themes)]),
    ],
    first: { papers: [], next: null, total: 0 },
    more: null,
    empty: none ? [el("p", {}, el("strong", {}, "No themes yet.")), el("p", {}, "They appear once there are a few papers.")] : null,
  };
}

/** One theme and its papers. */
export async function theme(at, limit, step) {
  const orders = [["central", "Most typical"], ["newest", "Newest"], ["most_read", "Most upvoted"]];
  const sorted = orders.some(([value]) => value === at.sort) ? at.sort : "central";
  const page = async (offset, limit) => {
    const got = await ask(`v1/themes/${encodeURIComponent(at.name)}`, { sort: sorted, offset, limit });
    const seen = offset + got.papers.length;
    return { papers: got.papers, next: got.papers.length && seen < got.meta.total ? seen : null, total: got.meta.total, took: got.meta.took_ms, got };
  };
  const first = await page(0, limit);
  const { got } = first;
  const sort = el("select", { id: "order", className: "field" }, ...orders.map(([value, text]) => el("option", { value }, text)));
  sort.value = sorted;
  sort.onchange = () => go(changed(at, { sort: sort.value }));
  const row = (title, list) => (list.length
    ? el("p", { className: "near" }, el("span", { className: "from" }, `${title} `), ...list.flatMap((t, k) => [k ? " · " : "", themeLink(t)]))
    : null);
  const history = got.history.slice(0, 5).map((e) => el("li", {}, el("time", { dateTime: e.at }, e.at.slice(0, 10)), ` ${e.text}`));
  return {
    name: got.name,
    head: [
      el("div", { className: "headline" },
        el("h1", { tabIndex: -1 },
          el("span", { className: "kicker" }, el("a", { href: "#/themes" }, "Themes"), ...got.path.flatMap((t) => [" › ", themeLink(t)])),
          got.name, " ", arrow(got.trend)),
        el("div", { className: "controls" }, el("label", { className: "unseen", htmlFor: "order" }, "Sort by"), sort)),
      el("p", { className: "filter" }, got.terms.join(", ")),
      row("In it:", got.subthemes.length > 1 ? got.subthemes : []),
      row("Like it:", got.related),
      history.length ? el("details", { className: "near" }, el("summary", {}, "What happened to it"), el("ul", {}, ...history)) : null,
    ].filter(Boolean),
    first,
    more: (offset) => page(offset, step),
    empty: [el("p", {}, el("strong", {}, "No papers in this theme.")), button("All themes", () => go("#/themes"))],
  };
}
