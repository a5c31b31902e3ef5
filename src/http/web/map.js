// The map of papers on a canvas: moved by dragging, zoomed by wheel, keys or two fingers. The page draws with it what the
// service gives for a view; `paperkin themes --map map.html` writes it into a file with all papers.

const COLOURS = ["#3366cc", "#dc3912", "#109618", "#ff9900", "#990099", "#0099c6", "#dd4477", "#66aa00",
  "#b82e2e", "#316395", "#994499", "#22aa99", "#8a8a00", "#6633cc", "#e67300", "#8b0707"];
const NONE = "#999"; // of papers in no theme
const WIDTH = 1200; // pixels that names are placed for at zoom 0
const LETTERS = [10, 18]; // pixels, the least and the most, of a name

/**
 * Draws on a canvas. `show` takes points, themes and labels as `GET v1/themes/map` has them, and at the first time fits the
 * view to `meta.bounds`. `moved(view)` is told when the view has come to rest, `over(k, x, y)` which point is under the
 * pointer (-1 for none), `press(k)` which one was clicked; `dot(n, zoom)` says how many pixels each of `n` points gets.
 */
export function mapOn(canvas, { moved = () => {}, over = () => {}, press = () => {}, dot = (n) => 150 / Math.sqrt(n + 1) }) {
  const pen = canvas.getContext("2d");
  let data = null, colour = [], scale = 1, middle = [0, 0], extent = 1, waiting = 0;

  const width = () => canvas.clientWidth, height = () => canvas.clientHeight;
  const toX = (x) => (x - middle[0]) * scale + width() / 2, toY = (y) => (middle[1] - y) * scale + height() / 2;

  /** At each one more the map is twice as wide. */
  const zoom = () => Math.max(0, Math.round(Math.log2(Math.max((scale * extent) / WIDTH, 1e-6)) + 0.2));

  function draw() {
    if (!data || !canvas.isConnected) return;
    const style = getComputedStyle(canvas);
    const ratio = devicePixelRatio || 1;
    canvas.width = width() * ratio;
    canvas.height = height() * ratio;
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    const { x, y, theme } = data.points;
    const size = Math.min(7, Math.max(1.6, dot(x.length, zoom())));
    pen.globalAlpha = 0.7;
    for (let k = 0; k < x.length; k++) {
      const px = toX(x[k]), py = toY(y[k]);
      if (px < -size || py < -size || px > width() + size || py > height() + size) continue;
      pen.fillStyle = theme[k] < 0 ? NONE : COLOURS[colour[theme[k]]];
      pen.fillRect(px - size / 2, py - size / 2, size, size);
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
      const size = Math.min(Math.max((label.height * scale) / 1.3, LETTERS[0]), LETTERS[1]);
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

  /** The zoom, and the sides of what is in sight and as much again around it. */
  function view() {
    const w = width() / scale, h = height() / scale;
    return { zoom: zoom(), left: middle[0] - w, right: middle[0] + w, bottom: middle[1] - h, top: middle[1] + h };
  }

  function show(got) {
    const first = !data;
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
    waiting = setTimeout(() => moved(view()), 250);
  }

  function zoomBy(by, px = width() / 2, py = height() / 2) {
    const before = scale;
    scale = Math.min(Math.max(scale * by, (0.5 * Math.min(width(), height())) / extent), (64 * WIDTH) / extent);
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
  let dragged = false;
  canvas.addEventListener("pointerdown", (e) => {
    held.set(e.pointerId, [e.offsetX, e.offsetY]);
    dragged = held.size > 1;
    canvas.setPointerCapture(e.pointerId);
  });
  canvas.addEventListener("pointerup", (e) => {
    held.delete(e.pointerId);
    const k = dragged ? -1 : under(e.offsetX, e.offsetY);
    if (k >= 0) press(k);
  });
  canvas.addEventListener("pointercancel", (e) => held.delete(e.pointerId));
  canvas.addEventListener("pointermove", (e) => {
    const from = held.get(e.pointerId);
    if (!from) return over(under(e.offsetX, e.offsetY), e.offsetX, e.offsetY);
    const [dx, dy] = [e.offsetX - from[0], e.offsetY - from[1]];
    if (!dragged && Math.hypot(dx, dy) < 4) return;
    dragged = true;
    held.set(e.pointerId, [e.offsetX, e.offsetY]);
    over(-1);
    const other = [...held].find(([id]) => id !== e.pointerId)?.[1];
    if (other) {
      const apart = ([x, y]) => Math.hypot(x - other[0], y - other[1]) || 1;
      zoomBy(apart([e.offsetX, e.offsetY]) / apart(from), ...other);
    } else {
      middle = [middle[0] - dx / scale, middle[1] + dy / scale];
      soon();
    }
  });
  canvas.addEventListener("wheel", (e) => {
    e.preventDefault();
    zoomBy(Math.exp(-e.deltaY / 400), e.offsetX, e.offsetY);
  }, { passive: false });
  canvas.addEventListener("keydown", (e) => {
    const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[e.key];
    if (step) middle = [middle[0] + (step[0] * 60) / scale, middle[1] + (step[1] * 60) / scale];
    else if (e.key !== "+" && e.key !== "-") return;
    e.preventDefault();
    if (step) soon();
    else zoomBy(e.key === "+" ? 1.5 : 1 / 1.5);
  });
  addEventListener("resize", draw);
  return { show, view, zoomBy };
}
