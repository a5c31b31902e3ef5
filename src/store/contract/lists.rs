use roaring::RoaringBitmap;

use super::{Fixture, Kind, paper, titled};
use crate::paper::{Paper, PaperDate, Row};
use crate::store::lists::trending;
use crate::store::{ListOrder, ListPlace};

/// Paper `k`: some share a day, some have none, many are alike in votes.
fn made(k: usize) -> Paper {
    let mut value = serde_json::json!({
        "id": format!("p{k}"), "title": format!("Title {k}"), "upvotes": k % 4, "comments": k % 3,
    });
    if !k.is_multiple_of(5) {
        value["date"] = format!("2026-03-{:02}", 1 + k * 7 % 9).into();
    }
    paper(value)
}

const ORDERS: [ListOrder; 3] = [ListOrder::Day, ListOrder::Votes, ListOrder::Trending];

fn spans() -> [Option<(i32, i32)>; 3] {
    let span = |text| PaperDate::parse(text).ok().map(|d| (d.first_day(), d.last_day()));
    [None, span("2026-03"), span("2026-03-04")]
}

fn key(order: ListOrder, p: &Paper) -> Option<f64> {
    match order {
        ListOrder::Day => p.list_day().map(f64::from),
        ListOrder::Votes => Some(f64::from(p.upvotes.unwrap_or(0))),
        ListOrder::Trending => Some(trending(p, i32::MAX)),
    }
}

/// The papers of a list as they should come, with their rows.
fn expected(all: &[(Row, Paper)], order: ListOrder, days: Option<(i32, i32)>) -> Vec<(Row, Paper)> {
    let within = |p: &Paper| days.is_none_or(|(first, last)| p.list_day().is_some_and(|d| (first..=last).contains(&d)));
    let mut all: Vec<(Row, Paper)> = all.iter().filter(|(_, p)| within(p)).cloned().collect();
    let at = |p: &Paper| key(order, p).unwrap_or(f64::MIN);
    all.sort_by(|a, b| at(&b.1).total_cmp(&at(&a.1)).then(b.0.cmp(&a.0)));
    all
}

pub fn pages_put_together_are_the_whole_in_order(kind: Kind) {
    let store = Fixture::new(kind);
    store.put(&(0..97).map(made).collect::<Vec<_>>());
    store.delete("p13");
    let all = store.papers_after(None, 100).expect("read");
    for (order, days) in ORDERS.into_iter().flat_map(|o| spans().map(|d| (o, d))) {
        let expected = expected(&all, order, days);
        for n in [1, 4, 96, 200, usize::MAX] {
            let (mut seen, mut after) = (Vec::new(), None);
            loop {
                let slice = store.list(order, days, after, n).expect("a page");
                assert_eq!(slice.total, expected.len());
                assert!(slice.items.len() <= n && (slice.items.len() == n || slice.next.is_none()));
                seen.extend(slice.items);
                after = slice.next;
                // A place is what its paper is listed by, and its row.
                let Some(place) = after else { break };
                let (row, last) = &expected[seen.len() - 1];
                assert_eq!(place, ListPlace { key: key(order, last), row: *row });
            }
            assert_eq!(seen.len(), expected.len());
            assert!(seen.iter().zip(&expected).all(|(seen, (_, expected))| seen == expected), "{order:?} {days:?} {n}");
        }
    }
    // Only in the order of days is there a paper without a key, and only without a span.
    let nowhere = Some(ListPlace { key: None, row: Row(50) });
    for (order, days) in [(ListOrder::Votes, None), (ListOrder::Trending, None), (ListOrder::Day, spans()[1])] {
        let slice = store.list(order, days, nowhere, 5).expect("a page");
        assert!(slice.items.is_empty() && slice.next.is_none());
    }
}

pub fn what_comes_and_goes_shifts_nothing(kind: Kind) {
    for order in ORDERS {
        let store = Fixture::new(kind);
        store.put(&(0..40).map(made).collect::<Vec<_>>());
        let all = store.papers_after(None, 100).expect("read");
        let expected: Vec<Paper> = expected(&all, order, None).into_iter().map(|(_, p)| p).collect();
        let first = store.list(order, None, None, 17).expect("a page");
        assert_eq!(first.items, expected[..17]);
        // The last one seen goes, and others come that stand before everything and behind it.
        store.delete(expected[16].id.as_str());
        store.put(&[
            paper(
                serde_json::json!({ "id": "new", "title": "N", "date": "2026-03-31", "upvotes": 900, "comments": 5 }),
            ),
            paper(serde_json::json!({ "id": "old", "title": "O", "date": "1999-03-31" })),
        ]);
        let (mut seen, mut after) = (Vec::new(), first.next);
        while let Some(place) = after {
            let slice = store.list(order, None, Some(place), 5).expect("a page");
            seen.extend(slice.items.into_iter().filter(|p| p.id.as_str() != "old"));
            after = slice.next;
        }
        assert_eq!(seen, expected[17..], "{order:?}");
    }
}

pub fn rows_are_ordered_without_a_list(kind: Kind) {
    let store = Fixture::new(kind);
    store.put(&(0..50).map(made).collect::<Vec<_>>());
    let all = store.papers_after(None, 100).expect("read");
    let some: RoaringBitmap = all.iter().map(|(row, _)| row.0).filter(|row| row % 3 != 0).collect();
    let mut newest: Vec<(Option<i32>, Row)> =
        all.iter().filter(|(row, _)| some.contains(row.0)).map(|(row, p)| (p.day(), *row)).collect();
    newest.sort_by(|a, b| b.cmp(a));
    let newest: Vec<Row> = newest.into_iter().map(|(_, row)| row).collect();
    let beyond = &some | RoaringBitmap::from_iter([70_000]);
    for (offset, n) in [(0, 5), (3, 7), (30, 100), (0, usize::MAX), (999, 4), (usize::MAX, usize::MAX)] {
        let wanted: Vec<Row> = newest.iter().copied().skip(offset).take(n).collect();
        assert_eq!(store.newest(&beyond, offset, n).expect("read"), wanted, "{n} from {offset}");
    }
    let mut votes: Vec<(u32, Row)> = all.iter().map(|(row, p)| (p.upvotes.unwrap_or(0), *row)).collect();
    votes.sort_by(|a, b| b.cmp(a));
    let most = |n: usize, allowed: Option<&RoaringBitmap>| -> RoaringBitmap {
        votes
            .iter()
            .filter(|(_, row)| allowed.is_none_or(|a| a.contains(row.0)))
            .take(n)
            .map(|(_, row)| row.0)
            .collect()
    };
    for n in [0, 1, 20, 500] {
        assert_eq!(store.most_voted(None, n).expect("read"), most(n, None));
        assert_eq!(store.most_voted(Some(&some), n).expect("read"), most(n, Some(&some)));
    }
}

pub fn a_paper_arrives_once(kind: Kind) {
    let store = Fixture::new(kind);
    let change = |store: &Fixture| store.change().expect("read");
    let arrived =
        |store: &Fixture, after| -> Vec<u32> { store.arrived_after(after).expect("read").into_iter().collect() };
    let before = change(&store);
    store.put(&[titled("a", "one"), titled("b", "two")]);
    let first = change(&store);
    store.put(&[titled("c", "three")]);
    assert_eq!(arrived(&store, before), [store.row("a").0, store.row("b").0, store.row("c").0]);
    assert_eq!(arrived(&store, first), [store.row("c").0]);
    // A new text, and a new field: it came when it came.
    let last = change(&store);
    store.put(&[titled("a", "another one"), paper(serde_json::json!({"id": "b", "title": "two", "venue": "here"}))]);
    assert!(change(&store) > last && arrived(&store, last).is_empty());
    assert_eq!(arrived(&store, before).len(), 3);
    // What was taken away and comes again, comes.
    store.delete("c");
    store.put(&[titled("c", "three")]);
    assert_eq!(arrived(&store, last), [store.row("c").0]);
    let store = store.reopened();
    assert_eq!(arrived(&store, last), [store.row("c").0]);
    assert!(arrived(&store, u64::MAX >> 1).is_empty());
}
