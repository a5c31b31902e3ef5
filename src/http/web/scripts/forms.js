// What a form takes from the browser, and what it shows of an answer for longer than a moment: a key that is shown once, an address.

import { again } from "./navigation.js";
import { at, copy } from "./said.js";

/** Puts an answer where the form says that it goes: `data-told` names a field of it, `data-told-after` an address that it ends. */
function fill(place, told) {
  for (const node of place.querySelectorAll("[data-told]")) {
    const value = told[node.dataset.told] ?? "";
    const whole = node.dataset.toldAfter === undefined ? String(value) : at(node.dataset.toldAfter + encodeURIComponent(value));
    if (node.tagName === "INPUT") node.value = whole;
    else node.textContent = whole;
  }
}

export function mount(element) {
  for (const field of element.querySelectorAll("[data-browser-zone]")) {
    const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
    if (zone) field.value = zone;
  }
  const place = element.querySelector("[data-when-told]");
  const called = ({ detail }) => {
    if (!place) return;
    // Nothing is told where something ends: then what was shown is nothing any more.
    place.hidden = !detail;
    if (!detail) return;
    fill(place, detail);
    if (place.tagName !== "DIALOG") return void place.querySelector("input[readonly]")?.focus({ preventScroll: true });
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
    if (button?.dataset.copyOf) {
      // By hand, where a browser lets nobody copy: the focus selects it.
      const field = place.querySelector(`#${button.dataset.copyOf}`);
      copy(field.value, () => field.focus());
    } else if (button?.dataset.close !== undefined) place.close();
  };
  const focused = ({ target }) => target.readOnly && target.select();
  element.addEventListener("called", called);
  place?.addEventListener("click", clicked);
  place?.addEventListener("focusin", focused);
  return () => {
    element.removeEventListener("called", called);
    if (place?.open) return;
    place?.removeEventListener("click", clicked);
    place?.removeEventListener("focusin", focused);
  };
}
