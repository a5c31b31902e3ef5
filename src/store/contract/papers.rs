use std::collections::HashMap;

use roaring::RoaringBitmap;

use super::{Fixture, Kind, MODEL, id, paper, titled, vector};
use crate::paper::{Paper, PaperId, Row};
use crate::store::{Fingerprints, PaperWritten};

pub fn what_becomes_of_a_paper_is_told(kind: Kind) {
    let store = Fixture::new(kind);
    let first = titled("a", "One");
    let put = |papers: &[(&Paper, Option<&[f32]>)]| store.put_papers(papers, MODEL).expect("written");
    assert_eq!(put(&[(&first, None)]).papers, [PaperWritten::NeedsVector]);
    assert_eq!((store.change().expect("read"), store.count_papers().expect("read")), (0, 0));
    let written = put(&[(&first, Some(&vector(&first)))]);
    let PaperWritten::New(row) = written.papers[0] else { panic!("{written:?}") };
    assert_eq!(written.change, 1);
    let again = put(&[(&first, None)]);
    assert_eq!((again.papers, again.change), (vec![PaperWritten::Unchanged(row)], 1));
    // Another field: the same row, and no vector is needed.
    let voted = Paper { upvotes: Some(3), ..first.clone() };
    let updated = put(&[(&voted, None)]);
    assert_eq!((updated.papers, updated.change), (vec![PaperWritten::Updated(row)], 2));
    // Another text.
    let other = titled("a", "Two");
    assert_eq!(put(&[(&other, None)]).papers, [PaperWritten::NeedsVector]);
    let replaced = put(&[(&other, Some(&vector(&other)))]);
    let PaperWritten::Replaced { old, new } = replaced.papers[0] else { panic!("{replaced:?}") };
    assert!(old == row && new > old && replaced.change == 3);
    assert_eq!(store.papers(&[old, new]).expect("read"), [(new, other.clone())]);
    // The same id twice is written twice; what needs nothing is told beside what does.
    let (third, fourth) = (titled("b", "Three"), titled("b", "Four"));
    let both = put(&[(&third, Some(&vector(&third))), (&other, None), (&fourth, Some(&vector(&fourth)))]);
    assert!(matches!(
        both.papers[..],
        [PaperWritten::New(b), PaperWritten::Unchanged(_), PaperWritten::Replaced { old, .. }] if b == old
    ));
    assert_eq!((both.change, store.count_papers().expect("read")), (4, 2));
    assert_eq!(store.paper("b").expect("read").map(|(_, paper)| paper), Some(fourth));
    assert_eq!(put(&[]).change, 4);
}

pub fn a_change_is_one_transaction(kind: Kind) {
    let store = Fixture::new(kind);
    assert_eq!(store.change().expect("read"), 0);
    store.put(&[titled("a", "1"), titled("b", "2"), titled("c", "3")]);
    let since = |n: u64| store.changes_since(n).expect("read").came.iter().collect::<Vec<u32>>();
    let rows: Vec<u32> = ["a", "b", "c"].map(|id| store.row(id).0).to_vec();
    assert_eq!((store.change().expect("read"), since(0), since(1)), (1, rows.clone(), vec![]));
    assert_eq!(store.delete("none"), None);
    assert_eq!(store.change().expect("read"), 1, "nothing changed");
    assert_eq!(store.delete("b"), Some(Row(rows[1])));
    assert_eq!((store.change().expect("read"), since(0)), (2, vec![rows[0], rows[2]]));
    let all = store.changes_since(1).expect("read");
    assert_eq!((all.to, all.came.len(), all.gone.iter().collect::<Vec<_>>()), (2, 0, vec![rows[1]]));
    store.put(&[titled("a", "1"), titled("c", "other")]);
    let new = store.row("c").0;
    assert_eq!((store.change().expect("read"), since(0), since(2)), (3, vec![rows[0], new], vec![new]));
    assert_eq!(
        store.changes_since(2).expect("read").gone.iter().collect::<Vec<_>>(),
        [rows[2]],
        "a row of an old text"
    );
    // What is not of the papers changes nothing for who follows them.
    store.made("ada");
    store.put_vectors(&super::model("g"), &[(&titled("a", "1"), vec![0.0, 1.0])]).expect("written");
    let store = store.reopened();
    assert_eq!(store.change().expect("read"), 3);
    assert_eq!(store.changes_since(u64::from(u32::MAX)).expect("read").came.len(), 0);
}

pub fn first_categories_follow_the_changes(kind: Kind) {
    let store = Fixture::new(kind);
    let of = |id: &str, categories: &[&str]| {
        let categories = categories.iter().map(ToString::to_string).collect();
        Paper { categories, ..titled(id, id) }
    };
    let since = |n: u64| store.first_categories(n).expect("read");
    assert_eq!(since(0), (0, vec![]));
    store.put(&[of("a", &["math.CO", "cs.DS"]), of("b", &[]), of("c", &["\"x\\y\""])]);
    let [a, b, c] = ["a", "b", "c"].map(|id| store.row(id));
    let all = vec![(a, Some("math.CO".to_string())), (b, None), (c, Some("\"x\\y\"".to_string()))];
    assert_eq!((since(0), since(1)), ((1, all), (1, vec![])));
    // Another category: the same row, told again.
    store.put(&[of("b", &["q-bio"])]);
    assert_eq!(since(1), (2, vec![(b, Some("q-bio".to_string()))]));
    store.delete("a");
    assert_eq!(since(0).1.len(), 2);
}

pub fn rows_are_used_once(kind: Kind) {
    let mut store = Fixture::new(kind);
    let mut greatest = Row(0);
    for round in 0..4 {
        store.put(&[titled("a", "x"), titled(&format!("b{round}"), "y")]);
        let rows = [store.row("a"), store.row(&format!("b{round}"))];
        assert!(rows.iter().all(|row| *row > greatest), "{rows:?} after {greatest:?}");
        greatest = *rows.iter().max().expect("two");
        assert!(store.delete("a").is_some() && store.delete(&format!("b{round}")).is_some());
        store = store.reopened();
    }
    assert_eq!(store.rows_of_all().expect("read"), RoaringBitmap::new());
}

pub fn readings_keep_their_order(kind: Kind) {
    let store = Fixture::new(kind);
    let dated = |k: usize| {
        let mut value = serde_json::json!({ "id": format!("p{k}"), "title": format!("T{k}"), "upvotes": k });
        if k != 3 {
            value["date"] = format!("2026-01-{:02}", k + 1).into();
        }
        paper(value)
    };
    let all: Vec<Paper> = (0..9).map(dated).collect();
    store.put(&all);
    let gone = store.delete("p4").expect("there");
    let rows: Vec<Row> = store.rows_of_all().expect("read").iter().map(Row).collect();
    assert_eq!((rows.len(), store.count_papers().expect("read")), (8, 8));
    // In the order asked for, twice where it is asked twice; what is gone is passed over, or none.
    let asked = [rows[5], gone, rows[0], rows[5], Row(u32::MAX)];
    let ids: Vec<String> = store.papers(&asked).expect("read").iter().map(|(_, p)| p.id.to_string()).collect();
    assert_eq!(ids, ["p6", "p0", "p6"]);
    let text = |id: &str| Some(id.to_string());
    assert_eq!(store.ids(&asked).expect("read"), [text("p6"), None, text("p0"), text("p6"), None]);
    let day = |n: i32| Some(20_454 + n);
    assert_eq!(
        store.days_and_votes(&[rows[3], gone, rows[0]]).expect("read"),
        [Some((None, 3)), None, Some((day(0), 0))]
    );
    let (days, newest) = store.days(&[rows[0], rows[3], gone], 20_454 + 7).expect("read");
    assert_eq!((days, newest), (HashMap::from([(rows[0], 20_454)]), day(7)));
    assert_eq!(store.days(&[], 100).expect("read").1, Some(100), "all are after the clock");
    let names: Vec<PaperId> = ["p8", "none", "p4", "p8"].map(id).to_vec();
    let names: Vec<&PaperId> = names.iter().collect();
    assert_eq!(store.rows(&names).expect("read"), [Some(rows[7]), None, None, Some(rows[7])]);
    let prints = store.fingerprints(&names).expect("read");
    assert_eq!(prints, HashMap::from([(id("p8"), Fingerprints::of(&all[8]))]));
    // Piece by piece, from a row that is gone as well; a limit may be of any size.
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let piece = store.papers_after(after, 3).expect("read");
        assert_eq!(
            piece.iter().map(|(row, p)| (*row, p.id.clone())).collect::<Vec<_>>(),
            store.ids_after(after, 3).expect("read")
        );
        let Some((last, _)) = piece.last() else { break };
        after = Some(*last);
        seen.extend(piece);
    }
    assert_eq!(seen.iter().map(|(row, _)| *row).collect::<Vec<_>>(), rows);
    assert_eq!(seen, store.papers_after(None, usize::MAX).expect("read"));
    assert_eq!(store.ids_after(Some(gone), 1).expect("read"), [(rows[4], id("p5"))]);
    assert!(
        store.papers_after(None, 0).expect("read").is_empty() && store.ids_after(None, 0).expect("read").is_empty()
    );
    assert!(store.paper("p4").expect("read").is_none());
}

pub fn whatever_a_paper_holds_comes_back(kind: Kind) {
    let store = Fixture::new(kind);
    let strange = [
        "İstanbul ß ﬁ Ω≈ç√",
        "שלום \u{202e}abc",
        "👩‍👩‍👧 日本語 한국어",
        "'; DROP TABLE papers; --",
        "100%_\\*?[a]",
        "e\u{301} é",
        "\u{1F9EA}\u{FE0F}\u{10FFFF}",
        "A",
        "a",
    ];
    let papers: Vec<Paper> = strange
        .iter()
        .map(|text| {
            paper(serde_json::json!({
                "id": text, "title": format!("{text} \u{0} {text}"), "abstract": text.repeat(200), "authors": [text, "Ann"],
                "categories": [text], "upvotes": u32::MAX, "date": "9999-12-31", "listed": "0001-01-01",
                "mine": { "deep": [null, 1.5e300, -0.0, text] },
            }))
        })
        .collect();
    store.put(&papers);
    let store = store.reopened();
    for paper in &papers {
        let (row, found) = store.paper(paper.id.as_str()).expect("read").expect("there");
        assert_eq!(&found, paper);
        assert_eq!(store.ids(&[row]).expect("read"), [Some(paper.id.to_string())]);
        assert_eq!(store.known_vectors(&super::model(MODEL), &[paper]).expect("read"), [Some(vector(paper).to_vec())]);
    }
    // Names are compared to the byte.
    assert_eq!(store.count_papers().expect("read"), strange.len());
    assert!(store.paper("é e\u{301}").expect("read").is_none() && store.paper("").expect("read").is_none());
}

pub fn unknown_models_write_nothing(kind: Kind) {
    let store = Fixture::new(kind);
    let paper = titled("a", "One");
    store.put_papers(&[(&paper, Some(&[0.0, 1.0]))], "nobody's").expect_err("no such model");
    assert_eq!((store.count_papers().expect("read"), store.change().expect("read")), (0, 0));
}
