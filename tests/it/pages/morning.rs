//! What a reader does with the pages in a morning, from the first visit on.

use serde_json::{Value, json};

use super::window::Window;
use super::{demo, ids, page_of, with_history};
use crate::support::Folder;

#[test]
fn from_nothing_to_a_feed_that_says_why() {
    let folder = Folder::new();
    let server = demo(&folder);
    let Some(window) = Window::open(&server) else { return };
    window.go("/for-you").click("input[name=name]").types("ada").key("Enter");
    window.wait_for("input[name=theme]").click("input[name=theme]");
    window.js("document.querySelector('input[name=theme]').form.requestSubmit()");
    for _ in 0..3 {
        window.wait_for("button[name=like]");
        let before = window.texts("main article .title, main article h2, main article h1").join(" ");
        window.click("button[name=like]");
        window.wait(&format!(
            "![...document.querySelectorAll('main article')].some((a) => a.textContent.includes({}))",
            serde_json::to_string(&before).expect("a text")
        ));
    }
    window.go("/for-you").wait_for(".papers .paper .reason");
    assert!(window.texts(".reason").iter().any(|why| why.contains("Close to")), "{:?}", window.texts(".reason"));
    assert!(window.count(".strength") > 0);
    // What the score is made of stands below it.
    window.click("details.numbers summary").wait_for("details.numbers[open] tbody tr");
}

#[test]
fn what_is_liked_shows_at_once_and_changes_the_feed() {
    let folder = Folder::new();
    let server = demo(&folder);
    let Some(window) = Window::open(&server) else { return };
    with_history(&server, "ada");
    window.read_as("ada");
    window.go("/for-you").wait_for(".papers .paper");
    let before = window.texts(".papers .title a");
    let liked = window.text_of("document.querySelector('.papers .paper').dataset.paper");
    window.click(".papers .paper .v.like");
    window.wait("document.querySelector('.papers .v.like').getAttribute('aria-pressed') === 'true'");
    window.wait("document.getElementById('words').textContent.length > 0");
    let events = server.get("/v1/users/ada/events?limit=1").body;
    assert_eq!((&events["events"][0]["paper"], &events["events"][0]["kind"]), (&json!(liked), &json!("like")));
    window.go("/for-you").wait_for(".papers .paper");
    assert_ne!(window.texts(".papers .title a"), before);
    // One that is not wanted folds to a line, with the way back.
    window.click(".papers .paper .v.dislike").wait_for(".papers .paper.folded .fold button");
    window.click(".papers .paper.folded .fold button").wait("!document.querySelector('.papers .paper.folded')");
    // Back and forward: the page is as it was left.
    let last = "document.querySelector('.feed-list .paper:last-child .title a')";
    window.js(&format!("{last}.scrollIntoView({{ block: 'center' }})"));
    let place = window.js("Math.round(scrollY)");
    assert_ne!(place, json!(0));
    window.click(".feed-list .paper:last-child .title a");
    window.wait("location.pathname.startsWith('/paper/')").wait_for(".near .paper");
    window.js("history.back()");
    window.wait("location.pathname === '/for-you'").wait_for(".feed-list .paper");
    assert_eq!(
        (window.js("Math.round(scrollY)"), window.js(&format!("document.activeElement === {last}"))),
        (place, json!(true))
    );
    window.js("history.forward()");
    window.wait("location.pathname.startsWith('/paper/')").wait_for(".near .paper");
}

#[test]
fn an_interest_is_muted_and_comes_back() {
    let folder = Folder::new();
    let server = demo(&folder);
    let Some(window) = Window::open(&server) else { return };
    with_history(&server, "ada");
    window.read_as("ada");
    let muted = || {
        let all = server.get("/v1/users/ada/interests").body;
        all["interests"].as_array().expect("interests").iter().filter(|i| i["muted"] == true).count()
    };
    window.go("/for-you").wait_for("[data-api*='interests'][data-body*='muted']");
    window.js("document.querySelectorAll('details:has([data-body*=\"muted\"])').forEach((d) => (d.open = true))");
    window.click(
        "[data-api*='interests'][data-body*='\"muted\":true'], [data-api*='interests'][data-body*='\"muted\": true']",
    );
    window.wait("document.querySelector('[data-body*=\"muted\"][data-body*=\"false\"]')");
    assert_eq!(muted(), 1);
    window.click("[data-body*='\"muted\":false'], [data-body*='\"muted\": false']");
    window.wait("!document.querySelector('[data-body*=\"muted\"][data-body*=\"false\"]')");
    assert_eq!(muted(), 0);
}

#[test]
fn search_is_quick_marked_narrowed_and_saved() {
    let folder = Folder::new();
    let server = demo(&folder);
    let Some(window) = Window::open(&server) else { return };
    with_history(&server, "ada");
    window.read_as("ada");
    // As it is typed, without a key more.
    window.go("/").click("#q").types("river ice");
    window.wait("location.search.includes('river+ice')").wait_for(".papers .paper mark");
    assert_eq!(window.js("document.activeElement.id"), json!("q"));
    window.go("/search?q=learning").wait_for(".papers .paper");
    let found = || {
        let number =
            "Number(document.querySelector('main .find-count').textContent.match(/[0-9,]+/)[0].replaceAll(',', ''))";
        window.js(number).as_u64().expect("a number")
    };
    let all = found();
    let facet = "main a[href*='category='], main a[href*='theme='], main a[href*='author=']";
    window.click(facet).wait("/(category|theme|author)=/.test(location.search)").wait_for(".papers .paper");
    assert!(found() < all && found() > 0, "{} of {all}", found());
    window.go("/search?q=river+ice").click("[data-api*='searches']");
    window.wait_for("a[href*='library/searches/']");
    let saved = server.get("/v1/users/ada/searches").body;
    assert_eq!(saved["searches"][0]["what"], json!({ "query": "river ice" }), "{saved}");
    window
        .click("a[href*='library/searches/']")
        .wait("location.pathname.startsWith('/library/searches/')")
        .wait_for("main h1");
    // A word that is nearly right.
    window.go("/search?q=robots+lerning").wait_for("a[href*='exact=true']");
}

#[test]
fn the_keyboard_alone_is_enough() {
    let folder = Folder::new();
    let server = demo(&folder);
    let Some(window) = Window::open(&server) else { return };
    with_history(&server, "ada");
    window.read_as("ada");
    window.go("/?sort=votes").wait_for(".papers .paper");
    window.js("document.activeElement.blur()");
    window.key("j").wait("document.activeElement.closest('.paper')");
    let first = window.text_of("document.activeElement.closest('.paper').dataset.paper");
    window.key("j").wait(&format!("document.activeElement.closest('.paper').dataset.paper !== {}", json!(first)));
    window.key("k").wait(&format!("document.activeElement.closest('.paper').dataset.paper === {}", json!(first)));
    window.key("o").wait_for(".paper.open");
    let pressed = |name: &str| format!("document.querySelector('.paper .v.{name}').getAttribute('aria-pressed')");
    let before = window.text_of(&pressed("save"));
    window.key("s").wait(&format!("{} !== {}", pressed("save"), json!(before)));
    window.key("Enter").wait("location.pathname.startsWith('/paper/')").wait_for("main h1");
    window.key("/").wait("document.activeElement.id === 'q'");
    window.key("Escape").wait("document.activeElement.id !== 'q'");
    // The focus is never lost: it goes back to where it was.
    window.key("j").wait("document.activeElement.closest('.near .paper')");
    window.key("?").wait_for("dialog[open]");
    window.key("Escape").wait("!document.querySelector('dialog[open]')");
    window.wait("document.activeElement.closest('.near .paper')");
    // Every place of the bar is reached by Tab, and the first is the way past the bar.
    window.go("/").wait_for(".papers .paper");
    window.key("Tab").wait("document.activeElement.className === 'skip'");
}

#[test]
fn a_reading_list_is_looked_at_brought_and_taken_back() {
    let folder = Folder::new();
    let server = demo(&folder);
    let Some(window) = Window::open(&server) else { return };
    with_history(&server, "ada");
    window.read_as("ada");
    let known: Vec<String> = ids(&server, 30).split_off(20);
    let before = server.get("/v1/users/ada").body["events"].clone();
    window.go("/library").wait_for("#bring");
    window.wait_for("#bring-text");
    window.js(&format!("document.getElementById('bring-text').value = {}", json!(known[..3].join("\n"))));
    window.click("#bring form button.primary").wait_for("#bring .bring-came table tbody tr");
    assert_eq!(window.count("#bring .bring-came tbody tr"), 3);
    assert_eq!(server.get("/v1/users/ada").body["events"], before, "a preview wrote something");
    window.click("#bring .bring-came button.primary");
    window.wait(
        "fetch('/v1/users/ada/imports').then((r) => r.json()).then((r) => r.imports.length === 1 && r.imports[0].status === 'done')",
    );
    assert_ne!(server.get("/v1/users/ada").body["events"], before);
    window.go("/library").click("[data-api^='DELETE'][data-api*='imports']").click("dialog .primary");
    window.wait("fetch('/v1/users/ada/imports').then((r) => r.json()).then((r) => r.imports.length === 0 || r.imports[0].status === 'undone')");
    assert_eq!(server.get("/v1/users/ada").body["events"], before);
}

#[test]
fn a_paper_is_cited_filed_and_noted() {
    let folder = Folder::new();
    let server = demo(&folder);
    let Some(window) = Window::open(&server) else { return };
    with_history(&server, "ada");
    window.read_as("ada");
    let id = ids(&server, 1).remove(0);
    window.go(&page_of(&id)).wait_for(".cite summary");
    let reference = window.text_of("fetch(document.querySelector('.cite a[href*=bibtex]').href).then((r) => r.text())");
    assert!(reference.starts_with('@'), "{reference}");
    assert!(window.count(".authors a") > 0 && window.count(".near .reason") > 0);
    window.wait_for("textarea[name=text]").click("textarea[name=text]").types("read this again");
    window.js("document.querySelector('textarea[name=text]').form.requestSubmit()");
    window.wait("document.getElementById('words').textContent === 'Note kept.'");
    window.wait(
        "fetch('/v1/users/ada/notes').then((r) => r.json()).then((r) => JSON.stringify(r).includes('read this again'))",
    );
}

#[test]
fn the_map_tells_of_papers_and_gives_a_part_of_them() {
    let folder = Folder::new();
    let server = demo(&folder);
    let Some(window) = Window::open(&server) else { return };
    window.go("/map").wait_for("canvas");
    window.wait("document.querySelector('.map-legend li')");
    let place = window.js("(() => { const b = document.querySelector('.map canvas').getBoundingClientRect(); return [b.x, b.y, b.width, b.height]; })()");
    let [x, y, width, height] = [0, 1, 2, 3].map(|k| place[k].as_f64().expect("a place"));
    // Somewhere in a grid there is a paper under the pointer.
    let mut told = false;
    'grid: for row in 2..9 {
        for column in 2..9 {
            window.point(x + width * f64::from(column) / 10.0, y + height * f64::from(row) / 10.0);
            told = window.js("document.querySelector('.map-tip:not([hidden])')?.textContent.length > 0")
                == Value::Bool(true);
            if told {
                break 'grid;
            }
        }
    }
    assert!(told, "no paper said what it is");
    let corner = |a: f64, b: f64| (x + width * a, y + height * b);
    window.draw(&[corner(0.1, 0.1), corner(0.9, 0.1), corner(0.9, 0.9), corner(0.1, 0.9), corner(0.1, 0.12)], true);
    window.wait_for(".map-panel:not([hidden]) a[href*='paper/']");
}
