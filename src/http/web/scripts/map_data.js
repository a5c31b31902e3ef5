// What the map knows: the answer of `GET v1/themes/map?format=binary` taken apart, where a point is found, its colours.
//
// The layout is that of `MapColumns` in src/engine/themes/columns.rs; all numbers are little-endian.

import { TEXT } from "./map_base.js";

const MAGIC = "pkmap\x00\x00\x01";
const NO_DAY = -2147483648;
const NO_CATEGORY = 65535;
const CELLS = 256; // of the grid in which points are looked for, on each side

// Far apart for the eye, and seen on white and on black alike. src/cli/theme_map/mod.rs draws with the same.
export const COLOURS = ["#4e79c4", "#e0803a", "#3f9e5a", "#cf4b52", "#8a64c9", "#a07445", "#d96fb0", "#6e8b2f",
  "#1fa3b5", "#c79a1b", "#5a5fd0", "#d8577c", "#2f8f86", "#b0622a", "#9a4fb0", "#5f7fa0"];
export const NONE = "#8f8f8f"; // of what has no theme, no date, or a category that is not among the most frequent
const CATEGORIES = 12; // that have a colour of their own

/** From the oldest to the newest: what is new stands out from the page. */
const TIME = { light: ["#b7c3dd", "#7f9bd0", "#7a63b8", "#a62f7b", "#8f1230"], dark: ["#3d4766", "#5560a8", "#9a55b8", "#e8719a", "#ffd27a"] };

/** The answer as arrays. Throws when it is none. */
export function read(buffer) {
  const bytes = new Uint8Array(buffer, 0, Math.min(16, buffer.byteLength));
  if (bytes.length < 16 || String.fromCharCode(...bytes.subarray(0, 8)) !== MAGIC) throw new Error(TEXT.noMap);
  const [length, n] = new Uint32Array(buffer, 8, 2);
  const head = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 16, length)));
  let at = 16 + length;
  const take = (Kind) => {
    const part = new Kind(buffer, at, n);
    at += part.byteLength;
    return part;
  };
  const [x, y, theme, day, row, category] = [Float32Array, Float32Array, Int32Array, Int32Array, Uint32Array, Uint16Array].map(take);
  const root = head.themes.map((_, t) => rootOf(head.themes, t));
  return { ...head, n, x, y, theme, day, row, category, root };
}

/** The coarsest theme that a theme lies in. Bounded, whatever the answer says. */
function rootOf(themes, t) {
  for (let k = 0; k < 9 && themes[t].parent !== null; k++) t = themes[t].parent;
  return t;
}

/** Finds the point nearest to a place, and those in a box: points by the cell of a grid that they stand in. */
export function gridOf(data) {
  const [left, bottom, right, top] = data.bounds;
  const wide = Math.max(right - left, 1e-6) * 1.000001, high = Math.max(top - bottom, 1e-6) * 1.000001;
  const cell = (value, low, size) => Math.min(CELLS - 1, Math.max(0, Math.floor(((value - low) / size) * CELLS)));
  const first = new Uint32Array(CELLS * CELLS + 1), of = new Uint32Array(data.n);
  for (let k = 0; k < data.n; k++) {
    of[k] = cell(data.y[k], bottom, high) * CELLS + cell(data.x[k], left, wide);
    first[of[k] + 1]++;
  }
  for (let c = 0; c < CELLS * CELLS; c++) first[c + 1] += first[c];
  const points = new Uint32Array(data.n), next = first.slice();
  for (let k = 0; k < data.n; k++) points[next[of[k]]++] = k;

  function* inBox(l, b, r, t) {
    const [from, to] = [cell(l, left, wide), cell(r, left, wide)];
    for (let row = cell(b, bottom, high); row <= cell(t, bottom, high); row++) {
      for (let k = first[row * CELLS + from]; k < first[row * CELLS + to + 1]; k++) {
        const p = points[k];
        if (data.x[p] >= l && data.x[p] <= r && data.y[p] >= b && data.y[p] <= t) yield p;
      }
    }
  }

  /** The nearest points within a distance of a place, nearest first. */
  function near(x, y, reach, most = 1) {
    const found = [];
    for (const p of inBox(x - reach, y - reach, x + reach, y + reach)) {
      const d = (data.x[p] - x) ** 2 + (data.y[p] - y) ** 2;
      if (d <= reach * reach) found.push([d, p]);
    }
    return found.sort((a, b) => a[0] - b[0]).slice(0, most).map(([, p]) => p);
  }

  /** The points inside of a closed line of places, by the even-odd rule. */
  function inside(line) {
    const xs = line.map(([x]) => x), ys = line.map(([, y]) => y);
    const holds = (x, y) => {
      let odd = false;
      for (let i = 0, j = line.length - 1; i < line.length; j = i++) {
        const [xi, yi] = line[i], [xj, yj] = line[j];
        if (yi > y !== yj > y && x < ((xj - xi) * (y - yi)) / (yj - yi) + xi) odd = !odd;
      }
      return odd;
    };
    const found = [];
    for (const p of inBox(Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys))) {
      if (holds(data.x[p], data.y[p])) found.push(p);
    }
    return found;
  }
  return { near, inside, inBox };
}

/** A colour as a style has it, `#rrggbb` or `rgb(…)`, as three numbers. */
export const rgb = (text) => (text.startsWith("#") ? parts(text) : (text.match(/[\d.]+/g) ?? [0, 0, 0]).slice(0, 3).map(Number));

const parts = (hex) => [1, 3, 5].map((k) => parseInt(hex.slice(k, k + 2), 16));

/** What a day is called. */
export const dayText = (day) => (day === NO_DAY ? "" : new Date(day * 864e5).toISOString().slice(0, 10));

/** The groups that a colouring parts the points into: their names, sizes and colours, and the group of every point. */
export function groups(data, by, dark) {
  const of = new Uint16Array(data.n);
  if (by === "date") {
    const known = data.day.filter((d) => d !== NO_DAY).sort();
    // Single papers of long ago or ahead of time do not take the colours from the others.
    const [low, high] = known.length ? [known[Math.floor(known.length * 0.01)], known[Math.ceil(known.length * 0.99) - 1]] : [0, 0];
    const ramp = TIME[dark ? "dark" : "light"].map(parts), steps = 64;
    for (let k = 0; k < data.n; k++) {
      const share = Math.min(1, Math.max(0, (data.day[k] - low) / Math.max(1, high - low)));
      of[k] = data.day[k] === NO_DAY ? steps : Math.round(share * (steps - 1));
    }
    const colours = Array.from({ length: steps }, (_, s) => {
      const place = (s / (steps - 1)) * (ramp.length - 1), k = Math.min(ramp.length - 2, Math.floor(place));
      return ramp[k].map((value, c) => Math.round(value + (ramp[k + 1][c] - value) * (place - k)));
    });
    const scale = TIME[dark ? "dark" : "light"];
    return { of, colours: [...colours, parts(NONE)], list: [], scale, ends: known.length ? [low, Math.round((low + high) / 2), high].map(dayText) : [] };
  }
  const sizes = new Map(), group = by === "category" ? data.category : data.theme;
  const key = (k) => (by === "category" ? (group[k] === NO_CATEGORY ? -1 : group[k]) : group[k] < 0 ? -1 : data.root[group[k]]);
  for (let k = 0; k < data.n; k++) sizes.set(key(k), (sizes.get(key(k)) ?? 0) + 1);
  const most = by === "category" ? CATEGORIES : COLOURS.length;
  const order = [...sizes].filter(([g]) => g >= 0).sort((a, b) => b[1] - a[1] || a[0] - b[0]);
  const own = order.slice(0, most), place = new Map(own.map(([g], k) => [g, k])), rest = own.length;
  for (let k = 0; k < data.n; k++) of[k] = place.get(key(k)) ?? rest;
  const name = (g) => (by === "category" ? data.categories[g] : data.themes[g].name);
  const list = own.map(([g, size], k) => ({ name: name(g), size, colour: COLOURS[k] }));
  const left = data.n - own.reduce((sum, [, size]) => sum + size, 0);
  if (left) list.push({ name: null, size: left, colour: NONE });
  return { of, colours: [...own.map((_, k) => parts(COLOURS[k])), parts(NONE)], list };
}
