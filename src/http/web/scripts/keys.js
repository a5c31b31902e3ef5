// The keyboard: / j k o l s d x w ?, and a sheet that says so.

import { el, text } from "./said.js";

const KEYS = [["/", "search"], ["j", "next"], ["k", "previous"], ["o", "open"], ["Enter", "enter"], ["l", "like"], ["s", "save"], ["d", "dislike"], ["x", "dismiss"], ["w", "why"], ["?", "help"]];
const BUTTONS = { l: ".v.like", s: ".v.save", d: ".v.dislike", x: ".v.dismiss" };

const papers = () => [...document.querySelectorAll("#main .paper[data-paper]:not(.full)")];

/** To the next paper or the one before, counted from the focus, else from the top of what is seen. */
function walk(by) {
  const all = papers();
  const focused = all.findIndex((paper) => paper.contains(document.activeElement));
  const seen = all.findIndex((paper) => paper.getBoundingClientRect().top >= 56);
  const paper = all[focused >= 0 ? focused + by : Math.max(0, seen)];
  if (!paper) return;
  const aim = paper.classList.contains("folded") ? paper.querySelector(".fold a") : paper.querySelector(".title a");
  aim?.focus({ preventScroll: true });
  paper.scrollIntoView({ block: "nearest" });
}

function help() {
  const close = el("button", { type: "button", className: "primary" }, text("close"));
  const rows = KEYS.map(([key, name]) => el("p", {}, el("kbd", {}, key), ` ${text(`key_${name}`)}`));
  const sheet = el("dialog", { className: "keys", ariaLabel: text("keys_title") }, el("h2", {}, text("keys_title")), ...rows, close);
  close.onclick = () => sheet.close();
  sheet.onclose = () => sheet.remove();
  document.body.append(sheet);
  sheet.showModal();
}

export function start() {
  document.addEventListener("keydown", (event) => {
    const { key } = event;
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (event.target.closest?.("input, textarea, select, dialog, [data-keys]")) {
      if (key === "Escape") event.target.blur?.();
      return;
    }
    const paper = event.target.closest?.(".paper[data-paper]") ?? document.querySelector("#main .full.paper");
    if (key === "/") {
      event.preventDefault();
      const box = document.getElementById("q");
      box.focus();
      box.select();
    } else if (key === "?") help();
    else if (key === "j" || key === "k") walk(key === "j" ? 1 : -1);
    else if (key === "o") paper?.classList.toggle("open");
    else if (key === "w") {
      const numbers = paper?.querySelector("details.numbers");
      if (numbers) numbers.open = !numbers.open;
    } else if (Object.hasOwn(BUTTONS, key)) paper?.querySelector(BUTTONS[key])?.click();
  });
}
