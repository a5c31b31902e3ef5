// What every part of the page is made with: elements, pictures, numbers, dates, a call of the service.
//
// Titles, names and abstracts come from anywhere. They only ever become text nodes; nothing here reads HTML from a string.

export const part = (id) => document.getElementById(id);

/** An element with properties (or attributes, where there is no such property) and children; null children are left out. */
export function el(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (name in node) node[name] = value;
    else node.setAttribute(name, value);
  }
  node.append(...children.filter((c) => c !== null && c !== undefined));
  return node;
}

export const button = (text, onclick, className = "quiet") => el("button", { type: "button", className, onclick }, text);

const PICTURES = {
  heart: "M12 20.3C6.6 16.7 3 13.4 3 9.5 3 6.9 5 5 7.4 5c1.9 0 3.6 1 4.6 2.8C13 6 14.7 5 16.6 5 19 5 21 6.9 21 9.5c0 3.9-3.6 7.2-9 10.8z",
  bookmark: "M6.5 4h11v16.2L12 16l-5.5 4.2z",
  down: "M7.5 4h9.2l3.4 6.9c.6 1.3-.3 2.9-1.7 2.9h-5l.8 4.7c.2 1.5-1.6 2.4-2.6 1.2l-4.1-5.9zM7.5 4H4.2v9.8h3.3",
  cross: "M6.5 6.5l11 11M17.5 6.5l-11 11",
  pin: "M9 4h6l-.6 6.2 3.1 3.3h-11l3.1-3.3zM12 13.5V20",
  mute: "M4 9.6v4.8h3.4L12 18.6V5.4L7.4 9.6zM16 9.8l4.4 4.4M20.4 9.8L16 14.2",
};

/** A small picture, drawn in the colour of the text. */
export function picture(name) {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  const path = document.createElementNS(space, "path");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("class", "picture");
  svg.ariaHidden = "true";
  path.setAttribute("d", PICTURES[name]);
  svg.append(path);
  return svg;
}

/** What is shown where there are no papers. */
export const notice = (title, text, ...buttons) => [
  el("p", {}, el("strong", {}, title)),
  text ? el("p", {}, text) : null,
  buttons.length ? el("div", { className: "controls" }, ...buttons) : null,
].filter(Boolean);

/** Says something at the edge of the page, for some seconds. */
export function say(text, wrong = false) {
  const line = el("p", { className: wrong ? "word wrong" : "word" }, text);
  part("words").replaceChildren(line);
  setTimeout(() => line.remove(), wrong ? 8_000 : 5_000);
}

// ---- The service. ----

/** Where somebody signs in, with the way back to what is shown now. Whoever runs the service decides whether anybody has to. */
export function signIn() {
  // The path is relative to where the page lies, which may be below a path of another server.
  location.assign(`sign-in?${new URLSearchParams({ to: `/${location.hash}` })}`);
  return new Promise(() => {}); // the page is being left
}

/** An answer, or an Error whose message is meant for the person in front of the page. With a `type` the body is sent as it is; with `line`, which is given each of them, the answer comes as lines, and the last is the answer. */
export async function call(method, path, { params = {}, body, type, line, signal, keepalive = false } = {}) {
  // A list is a parameter that is given several times.
  const each = Object.entries(params).flatMap(([name, v]) => (Array.isArray(v) ? v.map((one) => [name, one]) : [[name, v]]));
  const given = each.filter(([, v]) => v !== "" && v !== undefined && v !== null);
  const address = given.length ? `${path}?${new URLSearchParams(given)}` : path;
  let response;
  try {
    response = await fetch(address, {
      method, signal, keepalive,
      headers: { ...(body !== undefined && { "content-type": type ?? "application/json" }), ...(line && { accept: "application/x-ndjson" }) },
      ...(body !== undefined && { body: type ? body : JSON.stringify(body) }),
    });
  } catch (e) {
    if (signal?.aborted) throw e;
    throw new Error(navigator.onLine
      ? "The service cannot be reached. Is it still running, and is this machine connected to it?"
      : "This machine is offline.");
  }
  if (response.status === 204) return null;
  // Nobody is signed in, or no more. Else a browser gets 401 from nothing that this page asks for.
  if (response.status === 401) return signIn();
  const lines = line && response.headers.get("content-type")?.includes("ndjson");
  const answer = await (lines ? lastLine(response.body.getReader(), line) : response.json()).catch(() => null);
  // What is only being made: the page says so and asks again.
  const later = response.status === 202 && answer?.retry_after;
  if (later) throw Object.assign(new Error(`${answer.message}. This page shows it as soon as it is there.`.replace(/^./, (c) => c.toUpperCase())), { status: 202, soon: true });
  if (response.ok && answer && !answer.error) return answer;
  const unread = response.ok ? "the answer broke off; please try again" : `the service answered ${response.status} ${response.statusText}`;
  const message = answer?.error?.message ?? unread;
  throw Object.assign(new Error(message.charAt(0).toUpperCase() + message.slice(1)),
    { status: response.status, soon: response.status === 503 });
}

/** The last of the lines of JSON that come; `line` is given each as it comes. */
async function lastLine(reader, line) {
  const letters = new TextDecoder();
  let text = "", last = null;
  for (;;) {
    const { done, value } = await reader.read();
    text += letters.decode(value, { stream: !done });
    const whole = text.split("\n");
    text = whole.pop();
    for (const one of whole) {
      last = JSON.parse(one);
      line(last);
    }
    if (done) return last;
  }
}

// ---- Numbers and dates. A date is YYYY, YYYY-MM or YYYY-MM-DD, and always the day that is written, in any time zone. ----

export const count = (n) => new Intl.NumberFormat("en-GB", { notation: n > 9999 ? "compact" : "standard" }).format(n);
export const plural = (n, one, many = `${one}s`) => `${count(n)} ${n === 1 ? one : many}`;
export const percent = (x) => `${Math.round(100 * x)}%`;

/** A number with its sign; the minus as wide as the plus. */
export const signed = (x) => `${x < -0.004 ? "−" : "+"}${Math.abs(x).toFixed(2)}`;

export const dayOf = (paper) => paper?.listed ?? paper?.date ?? "";
export const isDate = (text) => /^\d{4}(-\d\d){0,2}$/.test(text);

function parsed(day) {
  const [year, month = 1, date = 1] = day.split("-").map(Number);
  return new Date(Date.UTC(year, month - 1, date));
}

export function shifted(day, by) {
  const date = parsed(day);
  if (day.length === 4) date.setUTCFullYear(date.getUTCFullYear() + by);
  else if (day.length === 7) date.setUTCMonth(date.getUTCMonth() + by);
  else date.setUTCDate(date.getUTCDate() + by);
  return date.toISOString().slice(0, day.length);
}

function written(day, options) {
  if (!isDate(day)) return day;
  const fields = { year: "numeric", ...(day.length > 4 && { month: options.month }), ...(day.length > 7 && options) };
  return new Intl.DateTimeFormat("en-GB", { ...fields, timeZone: "UTC" }).format(parsed(day));
}

export const longDate = (day) => written(day, { weekday: "long", day: "numeric", month: "long" });
export const shortDate = (day) => written(day, { day: "numeric", month: "short" });
