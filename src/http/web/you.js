// You: the name, what is known under it, the feed for a news reader, a reading list, and how to be forgotten.

import { button, call, el, plural, say } from "./base.js";
import { dialog, sure } from "./dialog.js";
import { stranger } from "./foryou.js";
import { fromOutside, importer, readingLists } from "./lists.js";
import { go, show } from "./page.js";
import { forget, load, maySayWho, me, nameForm, papersWith, reader, setName, userPath } from "./reader.js";

export async function you() {
  if (!reader.name) return stranger("Who is reading?");
  await load();
  const section = (title, ...content) => el("section", { className: "panel" }, el("h2", {}, title), ...content);
  const known = el("p", { className: "filter" });
  const count = () => known.replaceChildren(plural(reader.events, "event"), ` · ${papersWith("liked").length} liked · `,
    el("a", { href: "#/saved" }, `${papersWith("saved").length.toLocaleString("en-GB")} saved`), " · ", el("a", { href: "#/start" }, "Answer ten questions"));
  count();
  const outside = fromOutside(count);
  const lists = readingLists(() => {
    count();
    outside.draw();
  });
  const changed = () => {
    count();
    lists.draw();
    outside.draw();
  };
  return {
    name: reader.name,
    head: [
      el("div", { className: "headline" }, el("h1", { tabIndex: -1 }, el("span", { className: "kicker" }, maySayWho() ? "You read as" : "You are signed in as"), reader.name),
        el("div", { className: "controls" }, ...(maySayWho() ? [button("Change name", changeName), button("Leave", leave)] : []), ...signedIn())),
      known,
      section("In your news reader", el("p", { className: "small" }, "Your feed as Atom or JSON Feed. The address holds a secret: whoever has it can read your feed."), newsReader()),
      section("Bring a reading list", el("p", { className: "small" }, "What you have collected elsewhere counts as saved. The same list may be sent again: nothing counts twice."), importer(changed)),
      section("Reading lists", el("p", { className: "small" }, "What you have brought so far. A list can be taken back as a whole."), lists),
      section("Papers from outside", el("p", { className: "small" }, "Papers of your lists that are not in this corpus. They teach all the same; the feed never shows them."), outside),
      section("Be forgotten", el("p", { className: "small" }, "Everything kept under this name goes: likes, saves, interests, reading list, the addresses of the feed, and what others’ answers had of it."),
        el("div", { className: "controls" }, button("Forget me…", askForget, "quiet danger"))),
    ],
    first: { papers: [], next: null, total: 0 },
  };
}

/** What somebody can do who is signed in. Signing out is a form, so that no link does it. */
function signedIn() {
  if (!me.session) return [];
  return [el("a", { className: "more", href: "sessions" }, "Sessions"),
    el("form", { method: "post", action: "sign-out" }, el("button", { className: "quiet" }, "Sign out"))];
}

/** The addresses of the feed, made when they are asked for. */
function newsReader() {
  const box = el("div", { className: "addresses" });
  const line = (title, path) => {
    // The service names a path from its root; this page may lie deeper, behind another server.
    const url = new URL(path.replace(/^\//, ""), document.baseURI).href;
    const field = el("input", { className: "field", readOnly: true, value: url, ariaLabel: title, onfocus: () => field.select() });
    const copy = button("Copy", async () => {
      try {
        await navigator.clipboard.writeText(url);
        say(`The address of the ${title} feed is copied.`);
      } catch {
        field.focus(); // selected, to be copied by hand
      }
    });
    return el("div", { className: "address" }, el("span", {}, title), field, copy);
  };
  const made = async () => {
    try {
      const { atom, json } = await call("POST", userPath("/token"));
      box.replaceChildren(line("Atom", atom), line("JSON", json), button("Replace the addresses…", () => askReplace(made)));
      box.querySelector("input").focus();
    } catch (e) {
      say(e.status === 404 ? "You have no feed yet. Like a paper first." : e.message, true);
    }
  };
  box.append(button("Show the addresses", made));
  return box;
}

/** New addresses, for whoever has given an old one away. */
function askReplace(made) {
  const yes = button("Replace them", async () => {
    try {
      await call("DELETE", userPath("/token"));
      box.close();
      await made();
      say("The old addresses have stopped.");
    } catch (e) {
      box.close();
      say(`The addresses are as they were. ${e.message}`, true);
    }
  }, "primary");
  const keep = button("Keep them", () => box.close());
  const box = dialog("Replace the addresses of your feed?", el("p", {}, "The old ones stop at once. Every news reader that has one needs the new one."),
    el("div", { className: "controls" }, yes, keep));
  keep.focus();
}

function changeName() {
  const form = nameForm(() => {
    box.close();
    show();
  }, button("Cancel", () => box.close()));
  const box = dialog("Read under another name", form);
}

/** This browser forgets the name; the service does not. */
function leave() {
  setName("");
  go("#/");
  say("This browser has forgotten your name. Give it again to go on.");
}

function askForget() {
  const { name } = reader;
  sure(`Forget everything about ${name}?`, `${plural(reader.events, "event")} and all that was made of them go. This cannot be taken back.`, "Forget me", async () => {
    await forget();
    go("#/");
    say(`Everything about ${name} is gone.`);
  });
}
