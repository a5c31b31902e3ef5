use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use roaring::RoaringBitmap;

use super::{Fixture, Kind, paper, records, titled};
use crate::paper::{Filter, GIVEN_BY_HAND, Paper, PaperDate, PaperId};
use crate::store::{BY_HAND, Column, SourceRecord};
use crate::user::Moment;

fn date(day: u8) -> String {
    format!("2026-03-{:02}", day + 1)
}

fn made(id: u8, text: u8, day: Option<u8>, category: u8) -> Paper {
    let mut value = serde_json::json!({
        "id": format!("p{id}"), "title": format!("t{text}"), "categories": [format!("C{category}"), "All"],
        "authors": [format!("A {}", text % 3)], "organization": format!("Lab  {}", id % 2),
    });
    if let Some(day) = day {
        value["date"] = date(day).into();
    }
    paper(value)
}

#[derive(Debug, Clone)]
enum Step {
    Put(u8, u8, Option<u8>, u8),
    Delete(u8),
    Ask(Option<u8>, Option<u8>, Vec<u8>, Vec<u8>, Option<u8>),
}

fn step() -> impl Strategy<Value = Step> {
    let day = || prop::option::of(0u8..28);
    prop_oneof![
        4 => (0u8..12, 0u8..4, day(), 0u8..4).prop_map(|(i, t, d, c)| Step::Put(i, t, d, c)),
        1 => (0u8..12).prop_map(Step::Delete),
        3 => (day(), day(), prop::collection::vec(0u8..5, 0..3), prop::collection::vec(0u8..4, 0..2),
              prop::option::of(0u8..3))
            .prop_map(|(f, t, c, a, o)| Step::Ask(f, t, c, a, o)),
    ]
}

fn play(kind: Kind, steps: Vec<Step>) -> Result<(), TestCaseError> {
    let store = Fixture::new(kind);
    let mut there = std::collections::BTreeMap::new();
    for step in steps {
        match step {
            Step::Put(id, text, day, category) => {
                let p = made(id, text, day, category);
                store.put(std::slice::from_ref(&p));
                there.insert(p.id.clone(), p);
            }
            Step::Delete(id) => {
                store.delete(&format!("p{id}"));
                there.remove(&super::id(&format!("p{id}")));
            }
            Step::Ask(from, to, categories, authors, organization) => {
                let parse = |d: u8| PaperDate::parse(&date(d)).expect("a date");
                let filter = Filter {
                    from: from.map(parse),
                    to: to.map(parse),
                    categories: categories.iter().map(|c| format!("c{c}")).collect(),
                    authors: authors.iter().map(|a| format!("a  {a}")).collect(),
                    organizations: organization.iter().map(|o| format!("LAB {o}")).collect(),
                    ..Filter::default()
                };
                let meets = |p: &Paper| {
                    let day = p.date.as_ref().map(PaperDate::first_day);
                    filter.from.as_ref().is_none_or(|f| day.is_some_and(|d| d >= f.first_day()))
                        && filter.to.as_ref().is_none_or(|t| day.is_some_and(|d| d <= t.last_day()))
                        && (categories.is_empty() || categories.iter().any(|c| p.categories[0] == format!("C{c}")))
                        && (authors.is_empty() || authors.iter().any(|a| p.authors[0] == format!("A {a}")))
                        && organization.is_none_or(|o| p.organization == Some(format!("Lab  {o}")))
                };
                let allowed = store.allowed(&filter).expect("read");
                let restricted = filter.from.is_some()
                    || filter.to.is_some()
                    || !categories.is_empty()
                    || !authors.is_empty()
                    || organization.is_some();
                prop_assert_eq!(allowed.is_some(), restricted);
                if let Some(allowed) = allowed {
                    let ids: Vec<&PaperId> = there.values().filter(|p| meets(p)).map(|p| &p.id).collect();
                    let rows = store.rows(&ids).expect("read");
                    let truth: RoaringBitmap = rows.into_iter().flatten().map(|r| r.0).collect();
                    prop_assert_eq!(allowed, truth, "{:?}", filter);
                }
            }
        }
    }
    Ok(())
}

/// Whatever came, changed and went, a filter allows the papers that meet it.
pub fn a_filter_allows_what_meets_it(kind: Kind) {
    let config = Config { cases: 24, failure_persistence: None, ..Config::default() };
    TestRunner::new(config)
        .run(&prop::collection::vec(step(), 1..60), |steps| play(kind, steps))
        .unwrap_or_else(|e| panic!("{e}"));
}

pub fn an_archive_stands_for_its_classes(kind: Kind) {
    let store = Fixture::new(kind);
    let of = |id: &str, category: &str| {
        paper(serde_json::json!({ "id": id, "title": id, "categories": [category], "authors": ["José  Núñez"] }))
    };
    store.put(&[of("a", "math.OC"), of("b", "math"), of("c", "math-ph"), of("d", "maths"), of("e", "cs.LG")]);
    let ids = |filter: Filter| -> Vec<String> {
        let rows = store.allowed(&filter).expect("read").expect("a restriction");
        let rows: Vec<_> = rows.iter().map(crate::paper::Row).collect();
        store.ids(&rows).expect("read").into_iter().flatten().collect()
    };
    let of_category = |names: &[&str]| {
        ids(Filter { categories: names.iter().map(ToString::to_string).collect(), ..Filter::default() })
    };
    assert_eq!(of_category(&["MATH"]), ["a", "b"]);
    assert_eq!(of_category(&["math.oc"]), ["a"]);
    assert_eq!(of_category(&["math-ph", "cs"]), ["c", "e"]);
    assert!(of_category(&["ma"]).is_empty() && of_category(&["none"]).is_empty());
    let by = |name: &str| ids(Filter { authors: vec![name.into()], ..Filter::default() });
    assert_eq!(by("jose nunez").len(), 5);
    assert!(by("Núñez").is_empty());
    // More than any statement takes values.
    let many = Filter {
        authors: (0..70_000).map(|k| format!("a{k}")).chain(["José Núñez".into()]).collect(),
        ..Filter::default()
    };
    assert_eq!(ids(many).len(), 5);
}

pub fn days_are_columns(kind: Kind) {
    let store = Fixture::new(kind);
    assert_eq!(store.today(20_000).expect("read"), None);
    let of = |id: &str, date: Option<&str>, listed: Option<&str>| {
        let mut value = serde_json::json!({ "id": id, "title": id });
        date.into_iter().for_each(|d| value["date"] = d.into());
        listed.into_iter().for_each(|d| value["listed"] = d.into());
        paper(value)
    };
    // 1970-01-11 is day 10.
    store.put(&[
        of("a", Some("1970-01-11"), None),
        of("b", Some("1970-01-11"), Some("1970-01-21")),
        of("c", None, None),
    ]);
    let rows = ["a", "b", "c"].map(|id| store.row(id));
    assert_eq!(store.list_days(&[rows[1], rows[2], rows[0]]).expect("read"), [Some(20), None, Some(10)]);
    let listed = |first, last| store.listed_in(first, last).expect("read").iter().collect::<Vec<u32>>();
    assert_eq!(listed(10, 20), [rows[0].0, rows[1].0]);
    assert_eq!((listed(11, 19), listed(20, 20), listed(20, 10)), (vec![], vec![rows[1].0], vec![]));
    assert_eq!(listed(i32::MIN, i32::MAX), [rows[0].0, rows[1].0]);
    let today = |clock| store.today(clock).expect("read");
    assert_eq!((today(100), today(20), today(19), today(5)), (Some(20), Some(20), Some(10), Some(5)));
    store.delete("b");
    assert_eq!((today(100), listed(0, 99)), (Some(10), vec![rows[0].0]));
    // Another day, the same row.
    store.put(&[of("a", Some("1970-01-31"), None)]);
    assert_eq!((today(100), listed(0, 29), listed(30, 30)), (Some(30), vec![], vec![rows[0].0]));
    let store = store.reopened();
    assert_eq!(
        (store.today(100).expect("read"), store.list_days(&[rows[0]]).expect("read")),
        (Some(30), vec![Some(30)])
    );
}

pub fn values_are_counted_as_filters_find_them(kind: Kind) {
    let store = Fixture::new(kind);
    let of = |k: usize| {
        let categories: &[&str] = [&["math.OC", "cs.LG"][..], &["math"], &["Math.CO"], &["cs.LG"], &[]][k % 5];
        let mut value = serde_json::json!({ "id": format!("p{k}"), "title": format!("t{k}"), "categories": categories,
            "authors": [format!("Zoë  Number{}", k % 3), "All Of Us"], "upvotes": k % 4 });
        if !k.is_multiple_of(7) {
            value["date"] = format!("{}-05-01", 2020 + k % 6).into();
        }
        paper(value)
    };
    store.put(&(0..40).map(of).collect::<Vec<_>>());
    store.delete("p3");
    // Another category, the same row.
    store.put(&[paper(serde_json::json!({ "id": "p8", "title": "t8", "categories": ["q-bio"], "upvotes": 77 }))]);
    let all = store.rows_of_all().expect("read");
    let some: RoaringBitmap = all.iter().filter(|row| row % 3 != 0).collect();
    for rows in [&all, &some, &RoaringBitmap::new()] {
        for column in [Column::Year, Column::Category, Column::Author, Column::Source] {
            let counted = store.values_among(column, rows, 100).expect("read");
            for c in &counted {
                let name = vec![c.value.clone()];
                let filter = match column {
                    Column::Year => {
                        let year = PaperDate::parse(&c.value).ok();
                        Filter { from: year.clone(), to: year, ..Filter::default() }
                    }
                    Column::Category => Filter { categories: name, ..Filter::default() },
                    Column::Author => Filter { authors: name, ..Filter::default() },
                    Column::Source => Filter { sources: name, ..Filter::default() },
                };
                let allowed = store.allowed(&filter).expect("read").expect("a restriction") & rows;
                assert_eq!(c.papers, allowed.len(), "{column:?} {c:?}");
                assert!(allowed.contains(c.row.0) && c.papers > 0, "{column:?} {c:?}");
            }
            let few = store.values_among(column, rows, 2).expect("read");
            assert_eq!(few, counted[..counted.len().min(2)], "{column:?}");
            match column {
                Column::Year => assert!(counted.windows(2).all(|w| w[0].value > w[1].value)),
                _ => assert!(counted.is_sorted_by_key(|c| (std::cmp::Reverse(c.papers), c.value.clone()))),
            }
        }
    }
    let named = |begin: &str| -> Vec<String> {
        let counted = store.categories_beginning(begin, &all, 10).expect("read");
        counted.into_iter().map(|c| c.value).collect()
    };
    assert_eq!(named("MATH"), ["math", "math.co", "math.oc"]);
    assert_eq!((named("lg"), named("q-b"), named("none")), (vec!["cs.lg".into()], vec!["q-bio".into()], vec![]));
    let rows = ["p8", "p5", "p3"]
        .map(|id| store.rows(&[&super::id(id)]).expect("read")[0].unwrap_or(crate::paper::Row(9_999)));
    assert_eq!(store.votes(&rows).expect("read"), [77, 1, 0]);
}

pub fn a_source_has_what_it_has_records_of(kind: Kind) {
    let store = Fixture::new(kind);
    let record = |source: &str, paper: &Paper| SourceRecord {
        source: source.into(),
        kind: "feed".into(),
        key: paper.id.to_string(),
        since: Moment(1),
        gone: false,
        paper: paper.clone(),
    };
    let (a, b, c) = (titled("a", "One"), titled("b", "Two"), titled("c", "Three"));
    let sources = |store: &Fixture| -> Vec<(String, u64)> {
        let all = store.rows_of_all().expect("read");
        let counted = store.values_among(Column::Source, &all, 10).expect("read");
        counted.into_iter().map(|c| (c.value, c.papers)).collect()
    };
    let with = |name: &str| {
        let filter = Filter { sources: vec![name.into()], ..Filter::default() };
        store.allowed(&filter).expect("read").expect("a restriction").iter().collect::<Vec<u32>>()
    };
    store.put(std::slice::from_ref(&c));
    assert_eq!(sources(&store), [(GIVEN_BY_HAND.to_string(), 1)]);
    records::put(&*store, &a, &[record("one", &a)], &[]);
    records::put(&*store, &b, &[record("two", &b), record(BY_HAND, &b)], &[]);
    let expected = [(GIVEN_BY_HAND, 2), ("one", 1), ("two", 1)].map(|(name, n)| (name.to_string(), n));
    assert_eq!(sources(&store), expected);
    assert_eq!(with("one"), [store.row("a").0]);
    assert_eq!(with(GIVEN_BY_HAND), [store.row("c").0, store.row("b").0]);
    assert!(with("").is_empty() && with("none").is_empty());
    // Another source tells of the same paper, which stays as it is.
    let change = store.change().expect("read");
    let written = records::put(&*store, &a, &[record("one", &a), record("two", &a)], &[]);
    assert_eq!(written.change, change + 1, "whoever follows hears of it");
    assert_eq!(with("two"), [store.row("a").0, store.row("b").0]);
    assert_eq!(sources(&store)[1], ("two".to_string(), 2));
    // A record goes over to another paper: the one that it was of has it no more.
    let moved = SourceRecord { paper: a.clone(), ..record("two", &b) };
    records::put(&*store, &a, &[record("one", &a), record("two", &a), moved], &[]);
    assert_eq!(with("two"), [store.row("a").0]);
    assert_eq!(sources(&store)[2], ("two".to_string(), 1));
    store.delete("b");
    assert_eq!(with("two"), [store.row("a").0]);
    assert_eq!(
        sources(&store.reopened()),
        [(GIVEN_BY_HAND, 1), ("one", 1), ("two", 1)].map(|(n, k)| (n.to_string(), k))
    );
}
