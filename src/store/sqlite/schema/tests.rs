use super::*;
use crate::store::papers::short_hash;
use crate::store::sqlite::SqliteStore;
use crate::store::{Interests, ListOrder, Lists, Papers, Users};

/// What was said of an interest before anchors were known holds for the papers found in it last.
#[test]
fn what_was_said_of_an_interest_gets_an_anchor() {
    let folder = tempfile::tempdir().expect("a folder");
    let old = rusqlite::Connection::open(folder.path().join("papers.sqlite")).expect("opens");
    for script in &MIGRATIONS[..5] {
        old.execute_batch(script).expect("a schema");
    }
    old.pragma_update(None, "user_version", 5).expect("written");
    old.execute_batch(
        r#"INSERT INTO users (name, settings, created, version) VALUES ('ada', '{}', 0, 1);
           INSERT INTO interests VALUES (1, 1, '{"muted":false,"pinned":false}', NULL, '["a"]'),
               (1, 2, '{"muted":true,"pinned":false}', NULL, '["b","c"]'),
               (1, 3, '{"name":"Mine","muted":false,"pinned":false}', NULL, '["d"]'),
               (1, 4, '{"muted":false,"pinned":false}', 5, '["e"]'),
               (1, 5, '{"muted":false,"pinned":false}', NULL, '["f"]'),
               (1, 6, '{"muted":false,"pinned":false,"weight":2.0}', NULL, '["g"]');"#,
    )
    .expect("written");
    drop(old);
    let store = SqliteStore::open(folder.path()).expect("opens");
    let anchors: Vec<Vec<String>> = store
        .interests(store.user("ada").expect("there").number)
        .expect("read")
        .into_iter()
        .map(|i| i.anchor)
        .collect();
    let wanted: [&[&str]; 6] = [&[], &["b", "c"], &["d"], &["e"], &["f"], &["g"]];
    assert_eq!(anchors, wanted);
}

/// A folder that was made with an earlier schema has the same papers, in the same lists.
#[test]
fn an_older_folder_is_brought_up_to_date() {
    let folder = tempfile::tempdir().expect("a folder");
    let old = rusqlite::Connection::open(folder.path().join("papers.sqlite")).expect("opens");
    for script in &MIGRATIONS[..4] {
        old.execute_batch(script).expect("a schema");
    }
    old.pragma_update(None, "user_version", 4).expect("written");
    for k in 0..10 {
        let json = format!("{{\"id\":\"p{k}\",\"title\":\"t{k}\"}}");
        old.execute(
            "INSERT INTO papers (id, text_hash, hash, json, list_day, upvotes, trending, change)
             VALUES (?1, x'00', ?4, ?2, ?3, 0, 0, 1)",
            rusqlite::params![format!("p{k}"), json, (k > 2).then_some(20_000 + k), short_hash(json.as_bytes())],
        )
        .expect("written");
    }
    old.execute("DELETE FROM papers WHERE id = 'p9'", []).expect("written");
    drop(old);
    let store = SqliteStore::open(folder.path()).expect("opens");
    assert_eq!(store.count_papers().expect("read"), 9);
    let page = store.list(ListOrder::Day, None, None, 20).expect("a page");
    let ids: Vec<&str> = page.items.iter().map(|p| p.id.as_str()).collect();
    assert_eq!((ids, page.total), (vec!["p8", "p7", "p6", "p5", "p4", "p3", "p2", "p1", "p0"], 9));
}
