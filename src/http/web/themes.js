// Themes: the tree, the map, one theme. `page.js` shows what these views give it.

import { button, count, el } from "./base.js";
import { address, ask, changed, go } from "./page.js";

const COLOURS = ["#3366cc", "#dc3912", "#109618", "#ff9900", "#990099", "#0099c6", "#dd4477", "#66aa00",
  "#b82e2e", "#316395", "#994499", "#22aa99", "#8a8a00", "#6633cc", "#e67300", "#8b0707"];
const WIDTH = 1200; // pixels that the service places names for at zoom 0
const LABEL_ZOOM = 5; // the deepest zoom that has names
const POINTS = 30000; // papers drawn at once
const LETTERS = [10, 18]; // pixels, the least and the most, of a name

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

/** The map on a canvas: moved by dragging, zoomed by wheel, keys, buttons or two fingers; a click opens the paper under the pointer. */
function map() {
  const canvas = el("canvas", { className: "map", tabIndex: 0, ariaLabel: "Map of papers; the tree below says the same in words" });
  canvas.setAttribute("role", "img");
  const tip = el("p", { className: "status maptip" }, "Drag to move, zoom with + and −, the wheel or two fingers; click a paper to open it.");
  const pen = canvas.getContext("2d");
  let data = null, colour = [], scale = 1, middle = [0, 0], extent = 1, waiting = 0, asked = 0;

  const width = () => canvas.clientWidth, height = () => canvas.clientHeight;
  const toX = (x) => (x - middle[0]) * scale + width() / 2, toY = (y) => (middle[1] - y) * scale + height() / 2;
  const zoom = () => Math.max(0, Math.round(Math.log2(Math.max(scale * extent / WIDTH, 1e-6)) + 0.2));

  function draw() {
    if (!data || !canvas.isConnected) return;
    const style = getComputedStyle(canvas);
    const ratio = devicePixelRatio || 1;
    canvas.width = width() * ratio;
    canvas.height = height() * ratio;
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    const { x, y, theme } = data.points;
    const dot = Math.min(7, Math.max(1.6, 150 / Math.sqrt(x.length + 1)));
    pen.globalAlpha = 0.7;
    for (let k = 0; k < x.length; k++) {
      pen.fillStyle = theme[k] < 0 ? "#999" : COLOURS[colour[theme[k]]];
      pen.fillRect(toX(x[k]) - dot / 2, toY(y[k]) - dot / 2, dot, dot);
    }
    pen.globalAlpha = 1;
    pen.textAlign = "center";
    pen.textBaseline = "middle";
    pen.lineJoin = "round";
    pen.strokeStyle = style.backgroundColor;
    pen.fillStyle = style.color;
    // As large as its box, so that names stay apart at every scale; where that is too small to read, coarse names keep
    // their place, and finer ones that would cover them are left out.
    const taken = [];
    for (const label of [...data.labels].sort((a, b) => a.level - b.level)) {
      const size = Math.min(Math.max(label.height * scale / 1.3, LETTERS[0]), LETTERS[1]);
      pen.font = `${label.letters > 14 ? "600 " : ""}${size}px system-ui, sans-serif`;
      const half = pen.measureText(label.text).width / 2 + 3;
      const y = toY(label.y);
      // A name at the edge is drawn in to be read whole.
      const x = toX(label.x), inside = x > 0 && x < width() ? Math.min(Math.max(x, half), width() - half) : x;
      const covers = (t) => Math.abs(t.x - inside) < t.half + half && Math.abs(t.y - y) < (t.size + size) * 0.6;
      if (taken.some(covers)) continue;
      taken.push({ x: inside, y, half, size });
      pen.lineWidth = 3;
      pen.strokeText(label.text, inside, y);
      pen.fillText(label.text, inside, y);
    }
  }

  async function load(first) {
    const mine = ++asked;
    const params = { zoom: Math.min(zoom(), LABEL_ZOOM + 1), limit: POINTS, titles: true };
    if (!first) {
      const w = width() / scale, h = height() / scale;
      Object.assign(params, { left: middle[0] - w, right: middle[0] + w, bottom: middle[1] - h, top: middle[1] + h });
    }
    let got;
    try {
      got = await ask("v1/themes/map", params);
    } catch {
      return; // the view says what is wrong, or has been left
    }
    if (mine !== asked) return;
    data = got;
    const roots = data.themes.filter((t) => t.parent === null).sort((a, b) => b.size - a.size);
    const root = (t) => (t.parent === null ? t : root(data.themes[t.parent]));
    colour = data.themes.map((t) => roots.indexOf(root(t)) % COLOURS.length);
    if (first) {
      const [left, bottom, right, top] = data.meta.bounds;
      extent = Math.max(right - left, top - bottom, 1e-3);
      middle = [(left + right) / 2, (bottom + top) / 2];
      scale = 0.94 * Math.min(width() / Math.max(right - left, 1e-3), height() / Math.max(top - bottom, 1e-3));
    }
    draw();
  }

  function soon() {
    draw();
    clearTimeout(waiting);
    waiting = setTimeout(() => load(false), 250);
  }

  function zoomBy(by, px = width() / 2, py = height() / 2) {
    const before = scale;
    scale = Math.min(Math.max(scale * by, 0.5 * Math.min(width(), height()) / extent), 64 * WIDTH / extent);
    const dx = px - width() / 2, dy = height() / 2 - py;
    middle = [middle[0] + dx / before - dx / scale, middle[1] + dy / before - dy / scale];
    soon();
  }

  function under(px, py) {
    let best = -1, least = 81;
    if (data) {
      for (let k = 0; k < data.points.x.length; k++) {
        const d = (toX(data.points.x[k]) - px) ** 2 + (toY(data.points.y[k]) - py) ** 2;
        if (d < least) [least, best] = [d, k];
      }
    }
    return best;
  }

  const held = new Map(); // where each finger, or the mouse, is
  let moved = false;
  canvas.addEventListener("pointerdown", (e) => {
    held.set(e.pointerId, [e.offsetX, e.offsetY]);
    moved = held.size > 1;
    canvas.setPointerCapture(e.pointerId);
  });
  canvas.addEventListener("pointerup", (e) => {
    held.delete(e.pointerId);
    const k = moved ? -1 : under(e.offsetX, e.offsetY);
    if (k >= 0) go(address("similar", data.points.id[k]));
  });
  canvas.addEventListener("pointercancel", (e) => held.delete(e.pointerId));
  canvas.addEventListener("pointermove", (e) => {
    const from = held.get(e.pointerId);
    if (from) {
      const [dx, dy] = [e.offsetX - from[0], e.offsetY - from[1]];
      if (!moved && Math.hypot(dx, dy) < 4) return;
      moved = true;
      held.set(e.pointerId, [e.offsetX, e.offsetY]);
      const other = [...held].find(([id]) => id !== e.pointerId)?.[1];
      if (other) {
        const apart = ([x, y]) => Math.hypot(x - other[0], y - other[1]) || 1;
        zoomBy(apart([e.offsetX, e.offsetY]) / apart(from), ...other);
      } else {
        middle = [middle[0] - dx / scale, middle[1] + dy / scale];
        soon();
      }
      return;
    }
    const k = under(e.offsetX, e.offsetY);
    if (k < 0) return;
    const theme = data.points.theme[k];
    tip.textContent = `${data.points.title[k]} · ${theme < 0 ? "in no theme" : data.themes[theme].name}`;
  });
  canvas.addEventListener("wheel", (e) => {
    e.preventDefault();
    zoomBy(Math.exp(-e.deltaY / 400), e.offsetX, e.offsetY);
  }, { passive: false });
  canvas.addEventListener("keydown", (e) => {
    const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[e.key];
    if (step) middle = [middle[0] + step[0] * 60 / scale, middle[1] + step[1] * 60 / scale];
    else if (e.key !== "+" && e.key !== "-") return;
    e.preventDefault();
    if (step) soon();
    else zoomBy(e.key === "+" ? 1.5 : 1 / 1.5);
  });
  addEventListener("resize", draw);
  // The canvas must be on the page before it has a size.
  requestAnimationFrame(() => load(true));
  const zoomButton = (sign, text, by) => {
    const node = button(sign, () => zoomBy(by));
    node.ariaLabel = node.title = text;
    return node;
  };
  const buttons = el("div", { className: "zoom" }, zoomButton("+", "Zoom in", 1.6), zoomButton("−", "Zoom out", 1 / 1.6));
  return [el("div", { className: "mapbox" }, canvas, buttons), tip];
}

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
