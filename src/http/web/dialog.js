// What is asked in the middle of the page, and has to be answered first.

import { button, el, say } from "./base.js";

/** A dialog with a title; closed, it is gone. */
export function dialog(title, ...content) {
  const node = el("dialog", { className: "dialog", ariaLabel: title }, el("h2", {}, title), ...content);
  node.onclose = () => node.remove();
  document.body.append(node);
  node.showModal();
  return node;
}

/** Asks before something that cannot be taken back; `act` is called when the answer is `yes`. What it fails with is said. */
export function sure(title, text, yes, act) {
  const deed = button(yes, async () => {
    deed.disabled = true;
    try {
      await act();
    } catch (e) {
      say(`Nothing was changed. ${e.message}`, true);
    }
    box.close();
  }, "primary danger");
  const keep = button("Cancel", () => box.close());
  const box = dialog(title, el("p", {}, text), el("div", { className: "controls" }, deed, keep));
  keep.focus();
}
