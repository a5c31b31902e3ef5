// What a form takes from the browser, and what it shows of an answer for longer than a moment: a key that is shown once, an address.

import { again } from "./navigation.js";
import { at, say, text } from "./said.js";

/** Puts an answer where the form says that it goes: `data-told` names a field of it, `data-told-after` an address that it ends. */
function fill(place, told) {
  for (const node of place.querySelectorAll("[data-told]")) {
    const value = told[node.dataset.told] ?? "";
    const whole = node.dataset.toldAfter === undefined ? String(value) : at(node.dataset.toldAfter + encodeURIComponent(value));
    if (node.tagName === "INPUT") node.value = whole;
    else node.textContent = whole;
  }
}

async function copy(field) {
  try {
    await navigator.clipboard.writeText(field.value);
    say(text("copied"));
  } catch {
    // Without a safe connection a browser lets nobody write there: then it is marked, to be copied by hand.
    field.focus();
    field.select();
  }
}

export function mount(element) {
  for (const field of element.querySelectorAll("[data-browser-zone]")) {
    const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
    if (zone) field.value = zone;
  }
  const place = element.querySelector("[data-when-told]");
  const called = ({ detail }) => {
    if (!detail || !place) return;
    fill(place, detail);
    place.hidden = false;
    if (place.tagName !== "DIALOG") return;
    // At home in the page it would go with the page, which is shown anew from time to time; a key is shown once.
    document.body.append(place);
    place.onclose = () => {
      place.remove();
      again();
    };
    place.showModal();
  };
  const clicked = (event) => {
    const button = event.target.closest("button");
    if (button?.dataset.copyOf) copy(place.querySelector(`#${button.dataset.copyOf}`));
    else if (button?.dataset.close !== undefined) place.close();
  };
  element.addEventListener("called", called);
  place?.addEventListener("click", clicked);
  return () => {
    element.removeEventListener("called", called);
    if (!place?.open) place?.removeEventListener("click", clicked);
  };
}
