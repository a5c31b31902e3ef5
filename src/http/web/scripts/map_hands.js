// What fingers, the mouse, the wheel and keys do to the map.

/** Listens on a canvas by `on(node, kind, act, options)`, and tells the `map` what is meant, in pixels of the canvas. */
export function handsOn(canvas, on, map) {
  const held = new Map(); // where each finger, or the mouse, is
  let dragged = false, lining = false;
  const at = (e) => {
    const box = canvas.getBoundingClientRect();
    return [e.clientX - box.left, e.clientY - box.top];
  };

  on(canvas, "pointerdown", (e) => {
    if (!map.ready() || e.button > 0) return;
    held.set(e.pointerId, at(e));
    dragged = held.size > 1;
    canvas.setPointerCapture(e.pointerId);
    map.rest();
    lining = held.size === 1 && (map.draws() || e.shiftKey);
    map.begins(lining ? at(e) : null);
  });

  on(canvas, "pointermove", (e) => {
    if (!map.ready()) return;
    const from = held.get(e.pointerId), to = at(e);
    if (!from) return e.pointerType === "touch" ? undefined : map.hovers(to);
    const [dx, dy] = [to[0] - from[0], to[1] - from[1]];
    if (!dragged && Math.hypot(dx, dy) < 4) return;
    dragged = true;
    held.set(e.pointerId, to);
    if (lining) return map.lines(to);
    canvas.classList.add("dragged");
    const other = [...held].find(([id]) => id !== e.pointerId)?.[1];
    if (!other) return map.drags(dx, dy);
    const apart = ([x, y]) => Math.hypot(x - other[0], y - other[1]) || 1;
    map.zooms(apart(to) / apart(from), [(to[0] + other[0]) / 2, (to[1] + other[1]) / 2]);
    map.drags(dx / 2, dy / 2);
  });

  const release = (e) => {
    canvas.classList.remove("dragged");
    return held.delete(e.pointerId);
  };
  on(canvas, "pointerup", (e) => {
    if (!release(e)) return;
    const drawn = lining;
    lining = false;
    if (drawn) map.ends(dragged);
    if (!dragged) map.presses(at(e), e.pointerType === "touch");
  });
  on(canvas, "pointercancel", (e) => {
    if (!release(e)) return;
    if (lining) map.ends(false);
    // The browser took the finger: the page scrolls.
    else if (e.pointerType === "touch") map.scrolls();
    lining = false;
  });
  on(canvas, "pointerleave", () => !held.size && map.leaves());

  on(canvas, "wheel", (e) => {
    if (!map.ready() || !map.wheels(e.ctrlKey || e.metaKey, e.deltaY > 0)) return;
    e.preventDefault();
    const pixels = e.deltaY * [1, 30, 400][e.deltaMode];
    // A pinch on a touchpad comes as a wheel with Ctrl, in smaller steps.
    const slow = e.ctrlKey && Math.abs(pixels) < 50 ? 100 : 350;
    map.zooms(Math.exp(Math.max(-1, Math.min(1, -pixels / slow))), at(e));
  }, { passive: false });
  // Two fingers are ours, one is the page's until the map was tapped (`touch-action` in map.css).
  on(canvas, "touchmove", (e) => e.touches.length > 1 && e.cancelable && e.preventDefault(), { passive: false });

  const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
  on(canvas, "keydown", (e) => {
    if (!map.ready() || e.ctrlKey || e.metaKey || e.altKey) return;
    const act = map.keys[e.key === "=" ? "+" : e.key];
    if (steps[e.key]) map.steps(...steps[e.key]);
    else if (act) act();
    else return;
    e.preventDefault();
    // The page has keys of its own.
    e.stopPropagation();
  });
}
