// How the map is drawn: points by WebGL2 or, without it, into the pixels of a 2D canvas; names that never cover each other.

const LONGEST = 34; // letters of a line of a name
const FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "Noto Sans", sans-serif';
const LETTERS = [15, 12.5, 11.5]; // pixels, by level

const SETTINGS = { antialias: false, powerPreference: "high-performance", failIfMajorPerformanceCaveat: true };

const VERTEX = `#version 300 es
in vec2 at; in vec4 ink; uniform vec2 middle, unit; uniform float size; out vec4 colour;
void main() { gl_Position = vec4((at - middle) * unit, 0., 1.); gl_PointSize = size; colour = ink; }`;
const FRAGMENT = `#version 300 es
precision highp float;
in vec4 colour; uniform float size; uniform vec4 ring; out vec4 shown;
void main() {
  float far = length(gl_PointCoord - .5) * size, edge = size * .5;
  float cover = size < 2.6 ? 1. : 1. - smoothstep(edge - 1., edge, far);
  vec3 own = mix(colour.rgb, ring.rgb, ring.a * smoothstep(edge - 2., edge - 1.3, far));
  float a = colour.a * cover;
  shown = vec4(own * a, a);
}`;

/**
 * Draws points on a canvas; `how` is "webgl" or "pixels", `wanted` says so beforehand. `points` takes places and `inks` colours of all,
 * `draw` a view.
 */
export function painterOn(canvas, wanted) {
  const gl = wanted === "webgl" || (wanted !== "pixels" && isQuick()) ? canvas.getContext("webgl2", { ...SETTINGS, failIfMajorPerformanceCaveat: !wanted }) : null;
  return gl ? byWebgl(canvas, gl) : byPixels(canvas);
}

/**
 * Whether a graphics card does WebGL. Where the processor has to, what writes pixels is nine times as fast. Asked of another canvas: one
 * that gave one kind of context gives no other.
 */
function isQuick() {
  const gl = document.createElement("canvas").getContext("webgl2", SETTINGS);
  if (!gl) return false;
  const named = gl.getExtension("WEBGL_debug_renderer_info");
  const who = String(gl.getParameter(named ? named.UNMASKED_RENDERER_WEBGL : gl.RENDERER));
  gl.getExtension("WEBGL_lose_context")?.loseContext();
  return !/swiftshader|llvmpipe|softpipe|software|basic render/i.test(who);
}

function byWebgl(canvas, gl) {
  let program, place = {}, buffers = {}, known = {};
  function start() {
    program = gl.createProgram();
    for (const [kind, text] of [[gl.VERTEX_SHADER, VERTEX], [gl.FRAGMENT_SHADER, FRAGMENT]]) {
      const shader = gl.createShader(kind);
      gl.shaderSource(shader, text);
      gl.compileShader(shader);
      gl.attachShader(program, shader);
    }
    gl.linkProgram(program);
    if (!gl.getProgramParameter(program, gl.LINK_STATUS) && !gl.isContextLost()) throw new Error(gl.getProgramInfoLog(program));
    gl.useProgram(program);
    for (const name of ["middle", "unit", "size", "ring"]) place[name] = gl.getUniformLocation(program, name);
    gl.enable(gl.BLEND);
    gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
    buffers = { x: gl.createBuffer(), ink: gl.createBuffer(), bright: gl.createBuffer() };
    fill("at", buffers.x, known.places, 2, gl.FLOAT, false);
    fill("ink", buffers.ink, known.inks, 4, gl.UNSIGNED_BYTE, true);
    bright(known.bright ?? new Uint32Array());
  }
  function fill(name, buffer, values, each, kind, whole) {
    if (!values) return;
    const at = gl.getAttribLocation(program, name);
    gl.bindBuffer(gl.ARRAY_BUFFER, buffer);
    gl.bufferData(gl.ARRAY_BUFFER, values, gl.STATIC_DRAW);
    gl.enableVertexAttribArray(at);
    gl.vertexAttribPointer(at, each, kind, whole, 0, 0);
  }
  function bright(list) {
    known.bright = list;
    gl.bindBuffer(gl.ELEMENT_ARRAY_BUFFER, buffers.bright);
    gl.bufferData(gl.ELEMENT_ARRAY_BUFFER, list, gl.DYNAMIC_DRAW);
  }
  start();
  return {
    how: "webgl",
    restore: start,
    points(data) {
      known.places = new Float32Array(2 * data.n);
      for (let k = 0; k < data.n; k++) [known.places[2 * k], known.places[2 * k + 1]] = [data.x[k], data.y[k]];
      fill("at", buffers.x, known.places, 2, gl.FLOAT, false);
    },
    inks(inks) {
      known.inks = inks;
      fill("ink", buffers.ink, inks, 4, gl.UNSIGNED_BYTE, true);
    },
    bright,
    draw({ width, height, ratio, scale, middle, size, count, ring }) {
      gl.viewport(0, 0, canvas.width, canvas.height);
      gl.clearColor(0, 0, 0, 0);
      gl.clear(gl.COLOR_BUFFER_BIT);
      if (!known.inks) return;
      gl.uniform2f(place.middle, ...middle);
      gl.uniform2f(place.unit, (2 * scale) / width, (2 * scale) / height);
      gl.uniform1f(place.size, Math.max(1, size * ratio));
      gl.uniform4f(place.ring, 0, 0, 0, 0);
      gl.drawArrays(gl.POINTS, 0, count);
      if (!known.bright.length) return;
      gl.uniform1f(place.size, Math.min(11, Math.max(6.5, size * 1.7)) * ratio);
      gl.uniform4f(place.ring, ring[0] / 255, ring[1] / 255, ring[2] / 255, 1);
      gl.drawElements(gl.POINTS, known.bright.length, gl.UNSIGNED_INT, 0);
    },
    end: () => gl.getExtension("WEBGL_lose_context")?.loseContext(),
  };
}

/**
 * Browsers without a graphics card, on a remote desktop or told to be careful have no WebGL2 worth the name. Points are then written
 * into the pixels themselves, which takes some milliseconds for 200,000: a call of the canvas for each would take a hundred times that.
 */
function byPixels(canvas) {
  const pen = canvas.getContext("2d", { willReadFrequently: true }); // so that the canvas stays where the processor writes
  let data = null, inks = null, chosen = new Uint32Array(), image = null, pixels = null, colours = null, ground = "";
  const packed = (red, green, blue) => ((255 << 24) | (blue << 16) | (green << 8) | red) >>> 0;

  /** Colours as pixels, mixed with the ground as if they were seen through. */
  function mix([r, g, b]) {
    colours = new Uint32Array(data.n);
    for (let k = 0, c = 0; k < data.n; k++, c += 4) {
      const a = inks[c + 3] / 255, rest = 1 - a;
      colours[k] = packed(inks[c] * a + r * rest, inks[c + 1] * a + g * rest, inks[c + 2] * a + b * rest);
    }
  }

  return {
    how: "pixels",
    restore() {},
    points: (given) => (data = given),
    inks: (given) => ([inks, colours] = [given, null]),
    bright: (given) => (chosen = given),
    draw({ ratio, scale, middle, size, count, ring, under }) {
      const w = canvas.width, h = canvas.height;
      if (image?.width !== w || image?.height !== h) {
        image = pen.createImageData(w, h);
        pixels = new Uint32Array(image.data.buffer);
      }
      pixels.fill(0);
      if (data && inks) {
        if (!colours || ground !== String(under)) mix(under);
        ground = String(under);
        const unit = scale * ratio, { x: xs, y: ys } = data;
        const squares = (list, n, side, colourOf) => {
          const left = w / 2 - middle[0] * unit - side / 2, top = h / 2 + middle[1] * unit - side / 2;
          for (let k = 0; k < n; k++) {
            const p = list ? list[k] : k, x = Math.round(left + xs[p] * unit), y = Math.round(top - ys[p] * unit);
            if (x < 0 || y < 0 || x + side > w || y + side > h) continue;
            const colour = colourOf ? colourOf(p) : colours[p];
            for (let row = y * w + x, last = row + side * w; row < last; row += w) {
              for (let at = row; at < row + side; at++) pixels[at] = colour;
            }
          }
        };
        squares(null, count, Math.max(1, Math.round(size * ratio)));
        const wide = Math.round(Math.min(10, Math.max(4.5, size * 1.7)) * ratio), rim = packed(...ring);
        squares(chosen, chosen.length, wide + 2, () => rim);
        squares(chosen, chosen.length, wide);
      }
      pen.putImageData(image, 0, 0);
    },
    end() {},
  };
}

/** The lines of a name: at most two, parted at a comma where there is one. */
function linesOf(name) {
  const at = name.length > 18 ? name.indexOf(", ") : -1;
  const lines = at > 0 ? [name.slice(0, at + 1), name.slice(at + 2)] : [name];
  return lines.map((line) => ([...line].length > LONGEST ? `${[...line].slice(0, LONGEST - 1).join("").trimEnd()}…` : line));
}

/**
 * The names of a map. `at(scale, width)` places as many as have room, coarse themes and large ones first, so that no two cover each other: a
 * place depends on the scale alone, so nothing jumps while the map is moved. `draw` draws what is in sight, and gives the boxes.
 */
export function namesOf(data) {
  const pen = document.createElement("canvas").getContext("2d");
  const [left, bottom, right, top] = data.bounds;
  const order = data.themes.map((theme, k) => ({ ...theme, k })).filter((t) => t.size > 0)
    .sort((a, b) => a.level - b.level || b.size - a.size);
  const sized = new Map(), pictures = new Map();
  let placed = [], placedFor = "";

  const font = (level) => `${level === 0 ? 650 : level === 1 ? 500 : 400} ${LETTERS[level] ?? 11}px ${FONT}`;

  function size(theme) {
    let known = sized.get(theme.k);
    if (!known) {
      const lines = linesOf(theme.name), line = (LETTERS[theme.level] ?? 11) * 1.22;
      pen.font = font(theme.level);
      known = { lines, line, width: Math.max(...lines.map((text) => pen.measureText(text).width)) + 6, height: lines.length * line + 4 };
      sized.set(theme.k, known);
    }
    return known;
  }

  /** Nearer by, finer themes have names, and coarse ones, which reach beyond what is seen, have none. */
  const shows = (level, zoom) => (level === 0 ? zoom < 3.2 : level === 1 ? zoom < 5 : zoom >= 1.1);

  function place(scale, zoom) {
    const boxes = [];
    for (const theme of order) {
      if (!shows(theme.level, zoom)) continue;
      const { width, height, lines, line } = size(theme);
      const inside = (value, low, high, side) => (high - low > side ? Math.min(Math.max(value, low + side / 2), high - side / 2) : (low + high) / 2);
      for (const [dx, dy] of [[0, 0], [0, -0.7], [0, 0.7], [0.3, 0], [-0.3, 0], [0, -1.2], [0, 1.2]]) {
        // Whole within the map, so that the view of all of it cuts none.
        const x = inside(theme.x * scale + dx * width, left * scale, right * scale, width);
        const y = inside(-theme.y * scale + dy * height, -top * scale, -bottom * scale, height);
        const covers = (b) => Math.abs(b.x - x) < (b.width + width) / 2 + 4 && Math.abs(b.y - y) < (b.height + height) / 2 + 1;
        if (boxes.some(covers)) continue;
        boxes.push({ theme: theme.k, level: theme.level, x, y, width, height, lines, line });
        break;
      }
    }
    return boxes;
  }

  /** A name as a picture: text with a rim is slow to draw, and the same from frame to frame. */
  function picture(box, ratio, ink, ground) {
    let known = pictures.get(box.theme);
    if (!known) {
      known = document.createElement("canvas");
      known.width = Math.ceil((box.width + 4) * ratio);
      known.height = Math.ceil((box.height + 4) * ratio);
      const own = known.getContext("2d");
      own.scale(ratio, ratio);
      own.font = font(box.level);
      own.textAlign = "center";
      own.textBaseline = "middle";
      own.lineJoin = "round";
      own.lineWidth = 3.5;
      own.strokeStyle = ground;
      own.fillStyle = ink;
      box.lines.forEach((text, k) => {
        const y = 4 + (k + 0.5) * box.line;
        own.globalAlpha = 0.85;
        own.strokeText(text, box.width / 2 + 2, y);
        own.globalAlpha = box.level === 2 ? 0.8 : 1;
        own.fillText(text, box.width / 2 + 2, y);
      });
      pictures.set(box.theme, known);
    }
    return known;
  }

  return {
    forget: () => pictures.clear(),
    draw(to, { width, height, ratio, scale, zoom, middle, ink, ground }) {
      const key = `${scale} ${zoom}`;
      if (key !== placedFor) [placed, placedFor] = [place(scale, zoom), key];
      const [dx, dy] = [width / 2 - middle[0] * scale, height / 2 + middle[1] * scale];
      const shown = placed.map((b) => ({ ...b, x: b.x + dx, y: b.y + dy }))
        .filter((b) => Math.abs(b.x - width / 2) < (width + b.width) / 2 && Math.abs(b.y - height / 2) < (height + b.height) / 2);
      for (const b of shown) {
        const drawn = picture(b, ratio, ink, ground);
        to.drawImage(drawn, Math.round((b.x - b.width / 2 - 2) * ratio), Math.round((b.y - b.height / 2 - 2) * ratio));
      }
      return shown;
    },
  };
}
