// Which folders a paper is in: a menu on the paper, made when it is opened. A reader may have two hundred folders and a page thirty
// papers, so that no page holds all of these menus.
//
// `data-module="folders.js"` stands on what holds the papers, with `data-folders` (all folders, as JSON) and the texts `data-none`,
// `data-new`, `data-make` and `data-filed`; each menu is `details[data-paper-folders="f1 f3"][data-paper-id=…]`.

import { call } from "./api.js";
import { again } from "./navigation.js";
import { el, fill as filled, say, text } from "./said.js";

export function mount(element) {
  const folders = JSON.parse(element.dataset.folders);
  const { none, new: fresh, make, filed } = element.dataset;
  const base = `v1/users/${encodeURIComponent(document.body.dataset.reader)}/folders`;
  let numbered = 0;

  const put = (menu, folder, on) => call(on ? "PUT" : "DELETE", `${base}/${encodeURIComponent(folder.id)}/papers/${menu.dataset.paperId}`);

  /** A folder to choose: what was pressed shows at once, and is taken back when the service refuses. */
  const choice = (menu, folder) => {
    const box = el("input", { type: "checkbox", checked: menu.dataset.paperFolders.split(" ").includes(folder.id) });
    box.onchange = async () => {
      try {
        await put(menu, folder, box.checked);
        const now = new Set(menu.dataset.paperFolders.split(" ").filter(Boolean));
        if (box.checked) now.add(folder.id);
        else now.delete(folder.id);
        menu.dataset.paperFolders = [...now].join(" ");
        menu.dataset.changed = "";
        if (box.checked) say(filled(filed, { name: folder.name }));
      } catch (e) {
        box.checked = !box.checked;
        say(`${text("not_kept")} ${e.message}`, { wrong: true });
      }
    };
    return el("label", { className: "lib-choice" }, box, el("span", { dir: "auto" }, folder.name));
  };

  const fill = (menu) => {
    const id = `folder-new-${numbered++}`;
    const list = el("div", { className: "lib-choices" }, ...folders.map((folder) => choice(menu, folder)));
    const hint = folders.length ? null : el("p", { className: "small" }, none);
    const name = el("input", { id, className: "field", maxLength: 200, required: true, placeholder: fresh, autocomplete: "off" });
    const form = el("form", { className: "lib-inline" }, el("label", { className: "unseen", htmlFor: id }, fresh), name, el("button", { className: "button" }, make));
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      try {
        const folder = await call("POST", base, { name: name.value.trim() });
        await put(menu, folder, true);
        if (!folders.some(({ id }) => id === folder.id)) folders.push(folder);
        menu.dataset.paperFolders = `${menu.dataset.paperFolders} ${folder.id}`.trim();
        menu.dataset.changed = "";
        say(filled(filed, { name: folder.name }));
        fill(menu);
        menu.querySelector("form input").focus();
      } catch (e) {
        say(`${text("not_kept")} ${e.message}`, { wrong: true });
      }
    });
    menu.querySelector("div").replaceChildren(...[hint, list, form].filter(Boolean));
  };

  /** Behind a change the page shows it everywhere, and the focus stays on the paper. */
  const closed = async (menu) => {
    if (menu.dataset.changed === undefined) return;
    delete menu.dataset.changed;
    const held = menu.contains(document.activeElement) || document.activeElement === document.body;
    await again();
    if (held) document.querySelector(`details[data-paper-id="${CSS.escape(menu.dataset.paperId)}"] > summary`)?.focus({ preventScroll: true });
  };

  const toggled = ({ target }) => {
    if (target.dataset?.paperFolders === undefined) return;
    if (target.open) fill(target);
    else closed(target);
  };
  const pressed = (event) => {
    const menu = event.key === "Escape" && event.target.closest("details[open]");
    if (!menu) return;
    menu.open = false;
    menu.querySelector("summary").focus({ preventScroll: true });
  };
  // `toggle` does not rise, so it is caught on the way down.
  element.addEventListener("toggle", toggled, true);
  element.addEventListener("keydown", pressed);
  const clicked = ({ target }) => {
    const menu = element.querySelector("details[data-paper-folders][open]");
    if (menu && target.isConnected && !menu.contains(target)) menu.open = false;
  };
  document.addEventListener("click", clicked);
  return () => {
    element.removeEventListener("toggle", toggled, true);
    element.removeEventListener("keydown", pressed);
    document.removeEventListener("click", clicked);
  };
}
