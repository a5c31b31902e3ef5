use super::{Fixture, Kind, paper};
use crate::paper::{Row, letters};

pub fn versions_share_a_key(kind: Kind) {
    let store = Fixture::new(kind);
    let of = |id: &str, title: &str, date: &str, more: serde_json::Value| {
        let mut value = serde_json::json!({ "id": id, "title": title, "date": date, "authors": ["Ann Author"] });
        value.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        paper(value)
    };
    let none = serde_json::json!({});
    let long = "A long and telling title of a paper on stores";
    store.put(&[
        of("arxiv:2401.00001v1", "Some early title of the work", "2024-01-01", none.clone()),
        of("arxiv:2401.00001v2", long, "2024-02-01", none.clone()),
        // Known to the second by its title, and so a version of the first.
        of("other:1", long, "2024-03-01", none.clone()),
        of("arxiv:2401.00009", "Another matter altogether, without kin", "2024-01-01", none),
    ]);
    let rows = ["other:1", "arxiv:2401.00001v2", "arxiv:2401.00001v1"].map(|id| store.row(id)).to_vec();
    for row in &rows {
        assert_eq!(store.versions(&[*row]).expect("read")[0], rows, "the newest first, whichever is asked for");
    }
    let alone = store.row("arxiv:2401.00009");
    assert_eq!(store.versions(&[alone]).expect("read")[0], [alone]);
    assert_eq!(store.works().expect("read"), std::slice::from_ref(&rows));
    assert!(store.versions(&[Row(9_999)]).expect("read")[0].is_empty());
    // Without the one that joined them they are two works again.
    store.delete("arxiv:2401.00001v2");
    assert_eq!(store.versions(&[rows[0]]).expect("read")[0], [rows[0]]);
    assert!(store.works().expect("read").is_empty());
    // Articles of different DOIs and years are two works, whatever their titles.
    let same = "An account of one thing and another";
    store.put(&[
        of("a:1", same, "2020-01-01", serde_json::json!({ "doi": "10.1000/one" })),
        of("a:2", same, "2023-01-01", serde_json::json!({ "doi": "10.1000/two" })),
        of("b:1", "Editions of a single piece of work", "2020-01-01", serde_json::json!({ "doi": "10.1000/three" })),
        of("b:2", "Editions of a single piece of work", "2020-05-01", serde_json::json!({ "doi": "10.1000/four" })),
    ]);
    assert_eq!(store.versions(&[store.row("a:1")]).expect("read")[0], [store.row("a:1")]);
    assert_eq!(store.versions(&[store.row("b:1")]).expect("read")[0], [store.row("b:2"), store.row("b:1")]);
}

pub fn titles_are_found_by_how_they_begin(kind: Kind) {
    let store = Fixture::new(kind);
    let titles = ["Can large", "\u{201c}Can\u{201d} larger", "Can lar end", "Large can", "can small", "Žan Groß"];
    for (k, title) in titles.iter().enumerate() {
        let authors = ["Ann Author"];
        store.put(&[paper(serde_json::json!({ "id": format!("p{k}"), "title": title, "authors": authors }))]);
    }
    let begin = |store: &Fixture, text: &str, most| {
        let mut found = store.rows_of_titles_beginning(&letters(text), most).expect("read");
        found.sort();
        found
    };
    let rows: Vec<Row> = (0..titles.len()).map(|k| store.row(&format!("p{k}"))).collect();
    assert_eq!(begin(&store, "can LARGE", 9), rows[..2]);
    assert_eq!(begin(&store, "can", 9), [rows[0], rows[1], rows[2], rows[4]]);
    assert_eq!(begin(&store, "zan gros", 9), [rows[5]]);
    assert_eq!(begin(&store, "can", 2).len(), 2);
    assert!(begin(&store, "nothing", 9).is_empty() && begin(&store, "can", 0).is_empty());
    store.delete("p0");
    assert_eq!(begin(&store, "can large", 9), [rows[1]]);
}

pub fn a_key_names_rows(kind: Kind) {
    let store = Fixture::new(kind);
    let title = "The very same title, time and again";
    let papers: Vec<_> = (0..12)
        .map(|k| {
            paper(
                serde_json::json!({ "id": format!("p{k}"), "title": title, "date": format!("2024-01-{:02}", 20 - k) }),
            )
        })
        .collect();
    store.put(&papers);
    let newest: Vec<Row> = (0..10).map(|k| store.row(&format!("p{k}"))).collect();
    assert_eq!(store.rows_of_title(&letters(title)).expect("read"), newest);
    assert!(store.rows_of_title(&letters("The very same title, time and")).expect("read").is_empty());
    for (key, _) in papers[3].editions() {
        let rows = store.rows_of_key(&key).expect("read");
        assert!(rows.contains(&store.row("p3")), "{key}");
    }
    assert!(store.rows_of_key("").expect("read").is_empty() && store.rows_of_key("%").expect("read").is_empty());
}
