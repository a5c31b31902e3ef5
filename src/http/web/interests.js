// The interests that were found in what the reader likes, and what they make of them.

import { button, call, el, part, percent, picture, plural, say } from "./base.js";
import { sure } from "./dialog.js";
import { address } from "./page.js";
import { userPath } from "./reader.js";

// What the slider can say; the service takes any number from 0 to 10.
const WEIGHTS = [0, 0.25, 0.5, 1, 2, 4, 10];

let isOpen = false; // the panel stays as it was when the page is drawn anew
const titles = new Map(); // of papers, by id

/** Gives an element the colour of an interest. Neighbouring numbers get colours far apart. */
export function tint(node, id) {
  node.style.setProperty("--hue", String((45 + Number(id.replace(/\D/g, "")) * 137.5) % 360));
  node.classList.add("tint");
  return node;
}

/** Opens the panel at an interest. */
export function reveal(id) {
  const panel = part("interests");
  if (!panel) return;
  panel.open = true;
  part(`name-${id}`)?.focus({ preventScroll: true });
  panel.scrollIntoView({ block: "start", behavior: "smooth" });
}

/** The panel; `after` draws what depends on it. */
export function panel(interests, after) {
  if (!interests.length) return [];
  const shares = interests.filter((i) => i.share > 0.001);
  const bar = el("span", { className: "shares", ariaHidden: "true" }, ...shares.map((i) => {
    const piece = tint(el("i", { title: `${i.name}: ${percent(i.share)}` }), i.id);
    piece.style.flexGrow = String(i.share);
    return piece;
  }));
  const legend = el("span", { className: "legend" }, ...interests.map((i) =>
    tint(el("span", { className: i.muted ? "muted" : "" }, el("i", { className: "dot" }), i.name, el("b", {}, i.muted ? "muted" : percent(i.share))), i.id)));
  const details = el("details", { id: "interests", className: "interests", open: isOpen },
    el("summary", {}, el("span", { className: "summary" }, el("strong", {}, "Your interests"), el("span", { className: "small" }, "Change")), bar, legend),
    el("ul", {}, ...interests.map((i) => row(i, interests, after))),
    el("p", { className: "small" },
      "Found in what you like, save and open. A share is the part of the feed that an interest gets; a pinned one gets a tenth at least. ",
      button("Reset all", () => change("DELETE", "", undefined, after), "plain")));
  details.ontoggle = () => (isOpen = details.open);
  return [details];
}

/** Asks before what the reader made of interests is thrown away. */
const askReset = (title, text, id, after) => sure(title, `${text} What you liked stays. This cannot be taken back.`, "Reset", () => change("DELETE", id, undefined, after));

/** Changes something, and has everything drawn anew, also what was refused. */
async function change(method, id, body, after) {
  try {
    await call(method, userPath(`/interests${id && `/${encodeURIComponent(id)}`}`), { body });
  } catch (e) {
    say(`That was not changed. ${e.message}`, true);
  }
  after();
}

function row(interest, interests, after) {
  const { id, name, muted, pinned, weight } = interest;
  const patch = (body) => change("PATCH", id, body, after);

  const field = el("input", { id: `name-${id}`, className: "rename", value: name, maxLength: 200, ariaLabel: "Name of the interest", title: "Rename; nothing gives back the name found" });
  field.onchange = () => patch({ name: field.value.trim() || null });
  field.onkeydown = (event) => {
    if (event.key === "Escape") field.value = name;
  };

  const share = el("span", { className: "share" }, el("progress", { max: 1, value: interest.share, ariaLabel: "Share of the feed" }), percent(interest.share));

  const says = el("output", {}, `×${weight}`);
  const slider = el("input", { id: `weight-${id}`, type: "range", min: 0, max: WEIGHTS.length - 1, step: 1, ariaLabel: `Weight of ${name}` });
  const nearest = WEIGHTS.reduce((best, w, k) => (Math.abs(w - weight) < Math.abs(WEIGHTS[best] - weight) ? k : best), 0);
  slider.value = nearest;
  slider.ariaValueText = `times ${weight}`;
  slider.oninput = () => (says.textContent = `×${WEIGHTS[slider.value]}`);
  slider.onchange = () => patch({ weight: WEIGHTS[slider.value] });

  const toggle = (what, on, text, image, title) => {
    const node = el("button", { id: `${what}-${id}`, type: "button", className: "quiet toggle", title, onclick: () => patch({ [what]: !on }) }, picture(image), text);
    node.ariaPressed = String(on);
    return node;
  };

  const others = interests.filter((i) => i.id !== id);
  const merge = el("select", { id: `merge-${id}`, className: "field", ariaLabel: `Merge ${name} into another` },
    el("option", { value: "" }, "Merge into…"), ...others.map((i) => el("option", { value: i.id }, i.name)));
  merge.onchange = () => merge.value && patch({ merge_into: merge.value });

  const [opener, list] = papers(interest);
  const reset = button("Reset", () => askReset(`Reset “${name}”?`, "The name, pin, weight, muting and merges that you gave it go.", id, after));
  reset.id = `reset-${id}`;
  reset.disabled = !interest.edited;
  reset.title = "Take back name, muting, pin, weight and merges";

  return tint(el("li", { className: muted ? "facet muted" : "facet" },
    el("div", { className: "first" }, el("i", { className: "dot" }), field, share),
    el("p", { className: "small", dir: "auto" }, interest.terms.filter((t) => !name.includes(t)).join(", ")),
    el("div", { className: "controls" },
      toggle("pinned", pinned, "Pin", "pin", "At least a tenth of the feed"),
      toggle("muted", muted, "Mute", "mute", "Nothing of it in the feed"),
      el("label", { className: "weight" }, "Weight", slider, says),
      others.length ? merge : null, reset, opener),
    list), id);
}

/** The liked papers of an interest, and the button that shows them; their titles are fetched when they are asked for. */
function papers({ id, papers }) {
  const list = el("ul", { id: `papers-${id}`, className: "small", hidden: true });
  const opener = button(plural(papers.length, "paper"), async () => {
    list.hidden = !list.hidden;
    opener.ariaExpanded = String(!list.hidden);
    if (list.hidden || list.firstChild) return;
    const shown = papers.slice(0, 20);
    await Promise.all(shown.filter((paper) => !titles.has(paper)).map((paper) =>
      call("GET", `v1/papers/${encodeURIComponent(paper)}`).then((p) => titles.set(paper, p.title), () => {})));
    const line = (paper) => el("li", { dir: "auto" }, titles.has(paper) ? el("a", { href: address("similar", paper) }, titles.get(paper)) : paper);
    list.replaceChildren(...shown.map(line), ...(papers.length > shown.length ? [el("li", {}, `and ${papers.length - shown.length} more`)] : []));
  }, "plain");
  opener.ariaExpanded = "false";
  opener.setAttribute("aria-controls", list.id);
  return [opener, list];
}
