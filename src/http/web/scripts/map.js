// The map of papers: moved and zoomed, coloured, searched, and a part of it taken out with a lasso.
//
// `mount` makes it in an element of a page (`pages/map.html`); `paperkin themes --map map.html` writes this same script with all
// papers into one file. Titles, names and ids come from anywhere: they only ever become text.

import { TEXT, el, follow, fromService, papersBy } from "./map_base.js";
import { dayText, gridOf, groups, read, rgb } from "./map_data.js";
import { namesOf, painterOn } from "./map_draw.js";
import { handsOn } from "./map_hands.js";
import { legendOf, listOf } from "./map_list.js";

const FAINT = 0.1; // how much is seen of points that are not meant
const REACH = 10; // pixels from the pointer in which a point is found
const NEAREST = 24; // points whose titles are asked for at once
const NEAREST_ZOOM = 8; // at each one more the map is twice as wide
const SLOW = 40; // milliseconds of a frame from which on fewer points are drawn while the map moves

/**
 * Makes the map in an element: `data-src`, `data-papers` and `data-recommend` are addresses of the service, `data-paper` and
 * `data-theme` what stands before the id of a paper and a theme in the address of its page; `data-wheel="zoom"` where no page scrolls
 * below it; `data-painter` how it is drawn, where that is not to be found out. `source` stands in for the service (`fromService` in map_base.js). Returns what takes the map down again.
 */
export function mount(root, source = fromService(root)) {
  const ending = new AbortController(), { signal } = ending;
  const before = [...root.childNodes];
  const on = (node, kind, act, options = {}) => node.addEventListener(kind, act, { signal, ...options });
  const button = (text, act, props = {}) => {
    const node = el("button", { type: "button", ...props }, text);
    on(node, "click", act);
    return node;
  };

  // ---- What stands on the page. ----
  const points = el("canvas", { className: "map-points", tabIndex: 0, role: "application", ariaRoleDescription: TEXT.kind, ariaLabel: TEXT.map });
  const over = el("canvas", { className: "map-over", ariaHidden: "true" });
  const tip = el("div", { className: "map-tip", hidden: true });
  const hint = el("p", { className: "map-hint", hidden: true });
  const said = el("p", { className: "map-said" }, TEXT.loading);
  said.setAttribute("aria-live", "polite");
  const help = el("p", { className: "map-help", id: "map-help" }, TEXT.help);
  points.setAttribute("aria-describedby", "map-help");
  const colour = el("select", { id: "map-colour" }, ...["theme", "date", "category"].map((value) => el("option", { value }, TEXT[value])));
  const find = el("input", { type: "search", placeholder: TEXT.find, ariaLabel: TEXT.find, autocomplete: "off", maxLength: 500 });
  const lasso = button(TEXT.select, () => choosing(!drawing), { ariaPressed: "false", title: TEXT.selectHelp });
  const zooms = el("div", { className: "map-zoom" },
    button("+", () => closer(1.6), { ariaLabel: TEXT.nearer, title: TEXT.nearer }),
    button("−", () => closer(1 / 1.6), { ariaLabel: TEXT.farther, title: TEXT.farther }));
  const bar = el("div", { className: "map-bar" },
    el("label", { htmlFor: "map-colour" }, TEXT.colour), colour, find,
    lasso, button(TEXT.view, () => listView()), button(TEXT.reset, () => home(true)));
  const stage = el("div", { className: "map-stage" }, points, over, hint, said, zooms);
  const legend = el("ul", { className: "map-legend" });
  const panel = el("section", { className: "map-panel", hidden: true });
  root.replaceChildren(bar, el("div", { className: "map-body" }, stage, panel), legend, help, tip);

  // ---- What it knows. ----
  const painter = painterOn(points, root.dataset.painter), pen = over.getContext("2d");
  let data = null, grid = null, names = null, place = null;
  let scale = 1, least = 1, middle = [0, 0], width = 0, height = 0, ratio = 1;
  let grouped = null, only = -1, found = null, chosen = null, page = { ink: "#000", ground: "#fff", dark: false };
  let boxes = [], line = null, drawing = false, waiting = 0, moving = 0, budget = 0, last = 0, under = -1, gliding = 0;
  const known = new Map(); // papers by row
  const calm = matchMedia("(prefers-reduced-motion: reduce)");

  const zoom = () => Math.log2(scale / least);
  const toX = (x) => (x - middle[0]) * scale + width / 2, toY = (y) => (middle[1] - y) * scale + height / 2;
  const fromX = (px) => (px - width / 2) / scale + middle[0], fromY = (py) => middle[1] - (py - height / 2) / scale;

  // ---- Drawing. ----
  function draw(now = performance.now()) {
    waiting = 0;
    if (!data || !width) return;
    const still = now - moving > 120;
    // Where a frame takes long, fewer points are drawn as long as the map moves: the first so many are an even sample.
    if (!still && last) {
      const took = now - last;
      if (took > SLOW && took < 1000) budget = Math.max(data.levels[0], Math.round(budget * 0.75));
      else if (took < SLOW / 2) budget = Math.min(data.n, Math.round(budget * 1.1) + 1);
    }
    last = still ? 0 : now;
    const deep = Math.min(data.levels.length - 1, Math.ceil(zoom()) + 3);
    const most = painter.how === "webgl" ? data.n : data.levels[deep];
    const count = still ? most : Math.min(most, budget);
    const size = Math.max(1.5, 260 / Math.sqrt(data.n + 1)) * 2 ** (Math.max(0, zoom()) * 0.45);
    const { ink, ground } = page;
    const view = { width, height, ratio, scale, zoom: zoom(), middle, size: Math.min(size, 9), count, ink, ground, under: rgb(ground), ring: rgb(ink) };
    painter.draw(view);
    pen.clearRect(0, 0, over.width, over.height);
    boxes = names.draw(pen, view);
    if (line) {
      pen.save();
      pen.scale(ratio, ratio);
      pen.beginPath();
      line.forEach(([x, y], k) => pen[k ? "lineTo" : "moveTo"](toX(x), toY(y)));
      pen.closePath();
      pen.globalAlpha = 0.12;
      pen.fillStyle = pen.strokeStyle = page.accent;
      pen.fill();
      pen.globalAlpha = 1;
      pen.lineWidth = 2;
      pen.stroke();
      pen.restore();
    }
    root.dataset.drawn = `${painter.how} ${count}`;
    if (!still) soon(); // and once more when it has come to rest, with all points
  }
  const soon = () => (waiting ||= requestAnimationFrame(draw));
  function moved() {
    moving = performance.now();
    hideTip();
    soon();
    clearTimeout(moved.later);
    moved.later = setTimeout(keep, 400);
  }

  /** The colours of the page, which change with its light. */
  function readPage() {
    const style = getComputedStyle(stage);
    const [r, g, b] = rgb(style.backgroundColor);
    const accent = style.getPropertyValue("--accent").trim() || style.color;
    page = { ink: style.color, ground: style.backgroundColor, accent, dark: 0.3 * r + 0.6 * g + 0.1 * b < 110 };
    names?.forget();
    paint();
  }

  /** Colours every point anew. */
  function paint() {
    if (!data) return;
    grouped = groups(data, colour.value, page.dark);
    const inks = new Uint8Array(4 * data.n), alpha = data.n > 40000 ? 0.72 : 0.85;
    const meant = chosen ?? found;
    const is = meant && new Uint8Array(data.n);
    // What belongs nowhere stands back.
    const rest = grouped.list.findIndex(({ name }) => name === null);
    meant?.forEach((k) => (is[k] = 1));
    for (let k = 0; k < data.n; k++) {
      const [r, g, b] = grouped.colours[grouped.of[k]];
      const fades = is ? !is[k] : only >= 0 && grouped.of[k] !== only;
      inks[4 * k] = r;
      inks[4 * k + 1] = g;
      inks[4 * k + 2] = b;
      const full = is ? 1 : grouped.of[k] === rest ? alpha * 0.5 : alpha;
      inks[4 * k + 3] = 255 * (fades ? (is && !page.dark ? FAINT * 1.5 : FAINT) : full);
    }
    painter.inks(inks);
    // What lies side by side is seen by its colour; around each of it a rim would cover the next.
    painter.bright(Uint32Array.from(chosen ? [] : (found ?? [])));
    explain();
    soon();
  }

  /** The legend: what the colours mean. A group that is pressed stands out alone. */
  function explain() {
    legend.replaceChildren(...legendOf(grouped, colour.value, { only, button, press(k) {
      only = only === k ? -1 : k;
      paint();
      legend.querySelectorAll("button")[k]?.focus();
    } }));
  }

  // ---- Moving. ----
  function fit() {
    const box = stage.getBoundingClientRect();
    if (!box.width || !box.height) return;
    const first = !width, kept = width && zoom();
    [width, height, ratio] = [box.width, box.height, Math.min(3, devicePixelRatio || 1)];
    for (const canvas of [points, over]) [canvas.width, canvas.height] = [Math.round(width * ratio), Math.round(height * ratio)];
    names?.forget();
    if (!data) return;
    const [left, bottom, right, top] = data.bounds;
    least = 0.94 * Math.min(width / Math.max(right - left, 1e-3), height / Math.max(top - bottom, 1e-3));
    if (first || !place) home(false);
    else scale = least * 2 ** kept;
    soon();
  }

  function bounded() {
    const [left, bottom, right, top] = data.bounds;
    scale = Math.min(Math.max(scale, least * 0.7), least * 2 ** NEAREST_ZOOM);
    middle = [Math.min(Math.max(middle[0], left), right), Math.min(Math.max(middle[1], bottom), top)];
  }

  /** Goes to a view, in a glide where people do not mind. */
  function go(to, gently) {
    cancelAnimationFrame(gliding);
    const from = { scale, middle }, began = performance.now();
    const step = (now) => {
      const t = gently && !calm.matches ? Math.min(1, Math.max(0, now - began) / 180) : 1, eased = 1 - (1 - t) ** 3;
      // In the zoom, not in the scale, so that it is even; the middle goes along with the width of what is seen.
      scale = from.scale * (to.scale / from.scale) ** eased;
      const share = from.scale === to.scale ? eased : (1 / scale - 1 / from.scale) / (1 / to.scale - 1 / from.scale);
      middle = [0, 1].map((k) => from.middle[k] + (to.middle[k] - from.middle[k]) * share);
      bounded();
      moved();
      if (t < 1) gliding = requestAnimationFrame(step);
    };
    step(began);
  }

  function home(gently) {
    if (!data) return;
    const [left, bottom, right, top] = data.bounds;
    place = { scale: least, middle: [(left + right) / 2, (bottom + top) / 2] };
    go(place, gently);
  }

  function zoomBy(by, [px, py] = [width / 2, height / 2], gently = false) {
    if (!data) return;
    const target = Math.min(Math.max(scale * by, least * 0.7), least * 2 ** NEAREST_ZOOM);
    const dx = px - width / 2, dy = height / 2 - py;
    go({ scale: target, middle: [middle[0] + dx / scale - dx / target, middle[1] + dy / scale - dy / target] }, gently);
  }

  const closer = (by) => zoomBy(by, undefined, true);

  // Back from a paper, the map is where it was.
  const memory = `paperkin-map ${root.dataset.src ?? location.pathname}`;
  function keep() {
    try {
      sessionStorage.setItem(memory, JSON.stringify({ run: data.run, zoom: zoom(), middle, colour: colour.value }));
    } catch {
      // Storage may be full or forbidden; then the map begins anew.
    }
  }
  function recall() {
    try {
      const was = JSON.parse(sessionStorage.getItem(memory));
      if (was?.run !== data.run || ![was.zoom, ...was.middle].every(Number.isFinite)) return;
      colour.value = was.colour;
      [scale, middle] = [least * 2 ** was.zoom, was.middle];
      bounded();
    } catch {
      // As above.
    }
  }

  // ---- The hands. ----
  handsOn(points, on, {
    ready: () => Boolean(data),
    rest: () => cancelAnimationFrame(gliding),
    draws: () => drawing,
    /** A line around papers is begun (with its first place), goes on (with the next), or ends; without a place it is given up. */
    begins: (to) => (line = to && [[fromX(to[0]), fromY(to[1])]]),
    lines(to) {
      hideTip();
      line.push([fromX(to[0]), fromY(to[1])]);
      soon();
    },
    ends(whole) {
      const drawn = line;
      line = null;
      if (whole && drawn.length > 2) select(grid.inside(drawn), false);
      else soon();
    },
    drags(dx, dy) {
      middle = [middle[0] - dx / scale, middle[1] + dy / scale];
      bounded();
      moved();
    },
    zooms: zoomBy,
    /** Whether the wheel is ours. The page scrolls past, also where there is nothing more to zoom. */
    wheels(held, far) {
      const ours = held || document.activeElement === points || root.dataset.wheel === "zoom";
      if (!ours) tell(TEXT.wheel);
      return held || (ours && !(far ? scale <= least * 0.701 : zoom() >= NEAREST_ZOOM - 0.01));
    },
    scrolls: () => tell(TEXT.touch),
    steps: (x, y) => go({ scale, middle: [middle[0] + (x * 80) / scale, middle[1] + (y * 80) / scale] }, true),
    keys: { "+": () => closer(1.6), "-": () => closer(1 / 1.6), 0: () => home(true), Enter: () => listView(), Escape: () => escape() },
    hovers: (to) => hover(to),
    leaves: () => !tip.classList.contains("pinned") && hideTip(),
    presses: (to, touched) => press(to, touched),
  });

  /** A point is opened; a name leads to its theme. A finger sees what it would open first. */
  function press(to, touched) {
    const k = pointAt(to), box = k < 0 && boxAt(to);
    if (k >= 0 && touched) return showTip(k, to, true);
    if (k >= 0) return paperOf(k).then((paper) => paper && follow(root, root.dataset.paper, paper.id)).catch(trouble);
    hideTip();
    if (box) follow(root, root.dataset.theme, data.themes[box.theme].id);
  }
  const pointAt = ([px, py], reach = REACH) => grid.near(fromX(px), fromY(py), reach / scale)[0] ?? -1;
  const boxAt = ([px, py]) => boxes.find((b) => Math.abs(b.x - px) < b.width / 2 && Math.abs(b.y - py) < b.height / 2);

  function tell(text) {
    hint.textContent = text;
    hint.hidden = false;
    clearTimeout(tell.later);
    tell.later = setTimeout(() => (hint.hidden = true), 1600);
  }

  function escape() {
    if (line || drawing) {
      line = null;
      choosing(false);
    } else if (chosen) unselect();
    else if (!tip.hidden) hideTip();
    else points.blur();
    soon();
  }

  // ---- What is under the pointer. ----
  function hover(to) {
    const k = pointAt(to);
    points.classList.toggle("over", k >= 0 || Boolean(boxAt(to) && root.dataset.theme !== undefined));
    if (k < 0) return hideTip();
    showTip(k, to, false);
  }

  function showTip(k, [px, py], pinned) {
    under = k;
    const theme = data.theme[k] < 0 ? TEXT.noTheme : data.themes[data.theme[k]].name;
    const category = data.categories[data.category[k]];
    const title = el("strong", { dir: "auto" }, known.get(data.row[k])?.title ?? "…");
    const facts = [theme, dayText(data.day[k]), category].filter(Boolean).join(" · ");
    tip.classList.toggle("pinned", pinned);
    tip.replaceChildren(title, el("small", { dir: "auto" }, facts));
    tip.hidden = false;
    const box = points.getBoundingClientRect();
    const stand = () => {
      // Within the window, and not under the pointer.
      const x = Math.max(8, Math.min(box.left + px + 14, innerWidth - tip.offsetWidth - 8));
      const below = box.top + py + 16;
      const y = below + tip.offsetHeight < innerHeight - 8 ? below : Math.max(8, box.top + py - tip.offsetHeight - 12);
      [tip.style.left, tip.style.top] = [`${x}px`, `${y}px`];
    };
    stand();
    const show = (paper) => {
      if (under !== k || tip.hidden) return;
      title.textContent = paper?.title || paper?.id || TEXT.untitled;
      if (pinned && paper && root.dataset.paper !== undefined) {
        tip.append(el("a", { href: root.dataset.paper + encodeURIComponent(paper.id) }, TEXT.open));
      }
      stand();
    };
    clearTimeout(showTip.later);
    if (known.has(data.row[k])) return show(known.get(data.row[k]));
    // A pointer that passes over asks for nothing.
    showTip.later = setTimeout(() => paperOf(k).then(show).catch(() => {}), 40);
  }
  function hideTip() {
    under = -1;
    clearTimeout(showTip.later);
    tip.hidden = true;
    points.classList.remove("over");
  }

  /** The paper of a point, and those of the points around it, where the pointer may go next. */
  async function paperOf(k) {
    if (!known.has(data.row[k])) {
      const around = grid.near(data.x[k], data.y[k], (6 * REACH) / scale, NEAREST).filter((other) => !known.has(data.row[other]));
      await papersOf([k, ...around.filter((other) => other !== k)]);
    }
    return known.get(data.row[k]);
  }
  const papersOf = (list) => papersBy(source, known, list.map((k) => data.row[k]), signal);

  // ---- Searching. ----
  let searching = null;
  async function search() {
    const q = find.value.trim();
    searching?.abort();
    if (!q) {
      found = null;
      said.textContent = summary();
      return paint();
    }
    searching = new AbortController();
    const mine = AbortSignal.any([signal, searching.signal]);
    try {
      const papers = await source.search(q, mine);
      if (mine.aborted) return;
      papers.forEach((paper) => known.set(paper.row, paper));
      const points = new Map(papers.map((paper) => [paper.row, -1]));
      for (let k = 0; k < data.n; k++) if (points.has(data.row[k])) points.set(data.row[k], k);
      found = [...points.values()].filter((k) => k >= 0);
      chosen = null;
      panel.hidden = true;
      said.textContent = TEXT.found(found.length, q);
      paint();
    } catch (e) {
      if (!mine.aborted) trouble(e);
    }
  }
  on(find, "input", () => {
    clearTimeout(search.later);
    search.later = setTimeout(search, find.value.trim() ? 350 : 0);
  });
  on(find, "keydown", (e) => {
    if (e.key !== "Enter") return;
    clearTimeout(search.later);
    search();
  });
  on(colour, "change", () => {
    only = -1;
    paint();
    keep();
  });

  const trouble = (e) => !signal.aborted && (said.textContent = e.message);
  const summary = () => TEXT.papers(data.n);

  // ---- Selecting. ----
  function choosing(now) {
    drawing = now;
    lasso.ariaPressed = String(now);
    points.classList.toggle("drawing", now);
    if (now) tell(TEXT.selectHelp);
  }
  function listView() {
    if (!data) return;
    const list = [...grid.inBox(fromX(0), fromY(height), fromX(width), fromY(0))];
    const is = found && new Set(found);
    select(is ? list.filter((k) => is.has(k)) : list, true);
  }
  function unselect() {
    chosen = null;
    panel.hidden = true;
    said.textContent = found ? TEXT.found(found.length, find.value.trim()) : summary();
    paint();
    fit();
  }

  /** Shows the papers of some points beside the map. */
  function select(inside, focus) {
    choosing(false);
    if (!inside.length) {
      said.textContent = TEXT.none;
      return soon();
    }
    // What is nearest to the middle is most of what was meant.
    const [x, y] = [data.x, data.y].map((values) => inside.reduce((sum, k) => sum + values[k], 0) / inside.length);
    const far = (k) => (data.x[k] - x) ** 2 + (data.y[k] - y) ** 2;
    const rank = new Map(found?.map((k, place) => [k, place]));
    const order = found ? (k) => rank.get(k) ?? data.n : far;
    chosen = [...inside].sort((a, b) => order(a) - order(b));
    const list = listOf(chosen, { data, root, source, papersOf, button, signal, close: unselect });
    panel.replaceChildren(...list.parts);
    panel.hidden = false;
    said.textContent = TEXT.selected(chosen.length);
    paint();
    fit();
    if (focus) list.heading.focus();
  }

  // ---- Beginning and end. ----
  async function load() {
    root.setAttribute("aria-busy", "true");
    try {
      data = read(await source.load(signal));
    } catch (e) {
      if (signal.aborted) return;
      said.textContent = e.message;
      if (e.after) load.later = setTimeout(load, e.after * 1000);
      return;
    } finally {
      root.removeAttribute("aria-busy");
    }
    said.textContent = data.n ? summary() : TEXT.empty;
    root.classList.toggle("map-empty", !data.n);
    if (!data.n) return root.append(said);
    colour.options[2].disabled = !data.categories.length;
    [grid, names, budget] = [gridOf(data), namesOf(data), data.n];
    painter.points(data);
    width = 0;
    fit();
    recall();
    readPage();
    performance.mark("map-drawn");
  }

  const light = matchMedia("(prefers-color-scheme: dark)");
  on(light, "change", readPage);
  // A switch on the page sets something at its root.
  const watch = new MutationObserver(readPage);
  watch.observe(document.documentElement, { attributes: true });
  const sizes = new ResizeObserver(fit);
  sizes.observe(stage);
  on(points, "webglcontextlost", (e) => e.preventDefault());
  on(points, "webglcontextrestored", () => {
    painter.restore();
    soon();
  });
  on(window, "scroll", hideTip, { passive: true });
  load();

  return () => {
    ending.abort();
    watch.disconnect();
    sizes.disconnect();
    [waiting, gliding].forEach((frame) => cancelAnimationFrame(frame));
    [moved, tell, showTip, search, load].forEach((act) => clearTimeout(act.later));
    data = null;
    painter.end();
    root.replaceChildren(...before);
  };
}
