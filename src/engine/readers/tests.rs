//! A reader's model, what is kept of it, and what the reading of others adds.

use std::sync::Arc;

use super::coreading::{Asker, LastAnswer};
use super::feed::Feed;
use super::fixture::{engine, event, paper, patient};
use super::pool::{Pool, Pools};
use super::reader::Reader;
use crate::engine::corpus::Followed;
use crate::engine::{Engine, Recommend, SearchOptions};
use crate::index::Plan;
use crate::paper::{PaperId, Row};
use crate::rank::COREADING_STEP;
use crate::user::{Event, EventKind, Moment, Settings};

fn of(engine: &Engine, name: &str) -> Arc<Reader> {
    engine.readers.reader(&engine.corpus.space(), name).expect("a reader")
}

fn act(k: usize, kind: EventKind, day: i32) -> Event {
    Event { kind, at: Moment::of_day(day), ..event(k) }
}

fn likes(papers: impl Iterator<Item = usize>) -> Vec<Event> {
    papers.map(event).collect()
}

fn row(engine: &Engine, k: usize) -> Row {
    engine.readers.store.rows(&[&paper(k)]).expect("read")[0].expect("there")
}

#[test]
fn a_model_learns_from_what_is_liked_and_disliked() {
    let folder = tempfile::tempdir().expect("a folder");
    let engine = engine(folder.path(), [1; 32]);
    let today = Moment::now().day();
    engine.add_events("ada", &[act(70, EventKind::Dislike, today)]).expect("in");
    assert!(of(&engine, "ada").preferences.is_none(), "nothing is liked");
    // Matter 3 is liked, matter 4 is not.
    let of_matter = |m: usize, n: usize| (0..n).map(move |k| m + 11 * k);
    let mut events: Vec<Event> = of_matter(3, 4).map(|k| act(k, EventKind::Like, today)).collect();
    events.extend(of_matter(4, 4).map(|k| act(k, EventKind::Dislike, today)));
    engine.add_events("ada", &events).expect("in");
    let reader = of(&engine, "ada");
    assert!(reader.preferences.is_some());
    assert_eq!(reader.learned.len(), 9);
    for learned in &reader.learned {
        let k: usize = learned.id.as_str()[1..].parse().expect("a number");
        assert_eq!(learned.row, Some(row(&engine, k)));
        assert_eq!(learned.weight > 0.0, k % 11 != 4, "{}: {}", learned.id, learned.weight);
    }
    assert!(reader.learned.is_sorted_by(|a, b| a.weight.abs() >= b.weight.abs()), "what weighs most comes first");
    let seen: Vec<Row> = reader.gone.iter().map(Row).collect();
    assert_eq!(seen.len(), 9, "what was seen is not shown again");
    let unseen = |m: usize| paper(m + 11 * 5);
    let candidates: Vec<PaperId> = [4, 7, 3, 9].into_iter().map(unseen).collect();
    let order = engine.rank_for("ada", &candidates, &[], false).expect("ranked").papers;
    assert_eq!((&order[0].paper.id, &order[3].paper.id), (&unseen(3), &unseen(4)));
}

#[test]
fn what_was_done_long_ago_counts_less() {
    let folder = tempfile::tempdir().expect("a folder");
    let engine = engine(folder.path(), [1; 32]);
    let today = Moment::now().day();
    let settings = Settings { half_life_days: Some(10.0), ..Settings::default() };
    engine.put_user("ada", &settings).expect("made");
    engine.add_events("ada", &[act(1, EventKind::Like, today - 10), act(2, EventKind::Like, today)]).expect("in");
    let weight = |k: usize| {
        let reader = of(&engine, "ada");
        reader.learned.iter().find(|l| l.id == paper(k)).map(|l| l.weight).expect("learned")
    };
    assert!((weight(1) / weight(2) - 0.5).abs() < 1e-3, "{} {}", weight(1), weight(2));
    // What is taken back teaches nothing.
    let now = Event { kind: EventKind::Clear, at: Moment::now(), ..event(2) };
    engine.add_events("ada", &[now]).expect("in");
    assert!(of(&engine, "ada").learned.iter().all(|l| l.id != paper(2)));
}

#[test]
fn a_reader_is_kept_until_something_of_theirs_changes() {
    let folder = tempfile::tempdir().expect("a folder");
    let engine = engine(folder.path(), [1; 32]);
    engine.add_events("ada", &likes(0..5)).expect("in");
    let first = of(&engine, "ada");
    let kept = |what: &str| assert!(Arc::ptr_eq(&first, &of(&engine, "ada")), "{what}");
    kept("asked again");
    engine.add_events("bob", &likes(0..5)).expect("in");
    kept("what another did");
    engine.delete(paper(70).as_str()).expect("gone");
    kept("a paper that it was not made of");
    engine.delete(paper(3).as_str()).expect("gone");
    let without = of(&engine, "ada");
    assert!(!Arc::ptr_eq(&first, &without) && without.learned.len() == 4, "a paper that it was made of");
    engine.add_events("ada", &likes(5..6)).expect("in");
    assert_eq!(of(&engine, "ada").learned.len(), 5);
    // Somebody of the same name is somebody else.
    engine.delete_user("ada").expect("forgotten");
    assert!(engine.readers.reader(&engine.corpus.space(), "ada").is_err());
    engine.add_events("ada", &likes(20..21)).expect("in");
    assert_eq!(of(&engine, "ada").learned.len(), 1);
}

#[test]
fn readers_for_whom_there_is_no_place_are_made_again_the_same() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut engine = engine(folder.path(), [1; 32]);
    // Two readers of five examples fit, and no third.
    engine.readers.kept.most_examples = 12;
    let names = ["ada", "bob", "eve"];
    for (n, name) in names.into_iter().enumerate() {
        engine.add_events(name, &likes(10 * n..10 * n + 5)).expect("in");
    }
    let made: Vec<Arc<Reader>> = names.map(|name| of(&engine, name)).to_vec();
    assert!(Arc::ptr_eq(&made[2], &of(&engine, "eve")), "the last one has its place");
    let still = made[..2].iter().zip(names).filter(|(reader, name)| {
        let space = engine.corpus.space();
        let user = engine.readers.store.user(name).expect("there");
        engine.readers.is_ready(&space, &user) && reader.user.number == user.number
    });
    assert_eq!(still.count(), 1, "one had to go");
    for (reader, name) in made.iter().zip(names) {
        let again = of(&engine, name);
        let of = |r: &Reader| r.learned.iter().map(|l| (l.id.clone(), l.weight.to_bits())).collect::<Vec<_>>();
        assert_eq!(of(reader), of(&again), "{name}");
        let numbers = |r: &Reader| r.interests.iter().map(|i| i.number).collect::<Vec<_>>();
        assert_eq!(numbers(reader), numbers(&again), "{name}: interests keep their ids");
    }
}

#[test]
fn what_was_scored_is_kept_for_the_last_visitors_and_while_nothing_changes() {
    let pools = Pools::default();
    let followed = |papers| Followed { papers, words: 1 };
    let all: Vec<Arc<Pool>> = (0..257).map(|_| Arc::default()).collect();
    for pool in &all {
        pools.keep(pool, followed(1), 60, (Vec::new(), Plan::Exact));
    }
    assert!(all[0].get(followed(1), 60).is_none(), "of 257 the one that came first has gone");
    assert!(all[1..].iter().all(|pool| pool.get(followed(1), 60).is_some()));
    assert!(all[5].get(followed(2), 60).is_none(), "the corpus has changed");
    assert!(all[5].get(followed(1), 240).is_none(), "a page further down needs more");
    // Who comes again is not the next to go.
    pools.keep(&all[1], followed(1), 60, (Vec::new(), Plan::Exact));
    pools.keep(&Arc::default(), followed(1), 60, (Vec::new(), Plan::Exact));
    assert!(all[1].get(followed(1), 60).is_some());
}

#[test]
fn a_feed_is_scored_anew_when_papers_have_come() {
    let folder = tempfile::tempdir().expect("a folder");
    let engine = engine(folder.path(), [1; 32]);
    engine.add_events("ada", &likes([3, 14, 25].into_iter())).expect("in");
    let feed = |limit| {
        let ask = SearchOptions { limit, ..SearchOptions::default() };
        let hits = engine.feed("ada", &Feed { ask, ..Feed::default() }).expect("a feed").papers;
        hits.into_iter().map(|hit| hit.paper.id.to_string()).collect::<Vec<_>>()
    };
    let before = feed(60);
    assert_eq!(before, feed(60));
    engine.delete(&before[0]).expect("gone");
    assert!(!feed(60).contains(&before[0]), "what is gone is not shown from what was kept");
}

/// Two schools of readers, each of its own five papers; `others_add` for somebody who likes two of the first.
fn schools(readers: usize) -> [f32; 3] {
    let folder = tempfile::tempdir().expect("a folder");
    let engine = engine(folder.path(), [9; 32]);
    let yesterday = Moment::now().day() - 1;
    for n in 0..readers {
        // Four of the five papers, each reader another four.
        let school = (0..5).filter(|j| *j != n / 2 % 5).map(|j| 2 * j + n % 2);
        patient(&engine, &format!("r{n}"), school, yesterday);
    }
    engine.tell_readership().expect("told");
    let (liked, last) = ([row(&engine, 0), row(&engine, 2)], LastAnswer::default());
    let asker = Asker { user: -1, liked: &liked, last: &last };
    let rows = [row(&engine, 8), row(&engine, 9), row(&engine, 6)];
    let space = engine.corpus.space();
    let ask = || engine.readers.others_add(&space, asker, &rows).expect("asked");
    let added = ask();
    assert_eq!(added, ask(), "asked again, it is the same");
    let anew = Asker { last: &LastAnswer::default(), ..asker };
    assert_eq!(
        added,
        engine.readers.others_add(&space, anew, &rows).expect("asked"),
        "also where nothing is remembered"
    );
    assert_eq!(added[..1], engine.readers.others_add(&space, asker, &rows[..1]).expect("asked"), "and of fewer papers");
    [added[0], added[1], added[2]]
}

/// Verdicts of somebody who likes even matters: on the first papers, one after the other.
fn verdicts(n: usize) -> Vec<Event> {
    let today = Moment::now().day();
    let kind = |k: usize| if k % 11 % 2 == 0 { EventKind::Like } else { EventKind::Dismiss };
    (0..n).map(|k| act(k, kind(k), today)).collect()
}

#[test]
fn a_chance_comes_with_thirty_verdicts_and_keeps_to_the_order_of_the_scores() {
    let folder = tempfile::tempdir().expect("a folder");
    let engine = engine(folder.path(), [1; 32]);
    let ids = |first: usize| (first..80).map(paper).collect::<Vec<_>>();
    engine.add_events("ada", &verdicts(29)).expect("in");
    let early = engine.rank_for("ada", &ids(40), &[], false).expect("ranked");
    assert!(early.papers.iter().all(|hit| hit.chance.is_none()));
    let early = engine.rank_for("ada", &ids(40), &verdicts(30), false).expect("ranked");
    assert!(early.papers.iter().all(|hit| hit.chance.is_some()), "the thirtieth is taken as if it had been given");
    engine.add_events("ada", &verdicts(30)).expect("in");
    let candidates =
        |first| Recommend { user: Some("ada".into()), candidates: Some(ids(first)), ..Recommend::default() };
    let ask = SearchOptions { limit: 50, ..SearchOptions::default() };
    let answers = [
        engine.rank_for("ada", &ids(40), &[], false).expect("ranked"),
        engine.rank_for("ada", &ids(40), &[], true).expect("ranked"),
        // Ranked among themselves, what was judged included.
        engine.rank_for("ada", &ids(0), &[], false).expect("ranked"),
        engine.recommend(&candidates(40)).expect("recommended"),
        engine
            .recommend(&Recommend { user: Some("ada".into()), ask: ask.clone(), ..Recommend::default() })
            .expect("recommended"),
        engine.feed("ada", &Feed { ask, ..Feed::default() }).expect("a feed"),
    ];
    for answer in answers {
        let mut hits: Vec<(f32, f32)> =
            answer.papers.iter().map(|hit| (hit.score, hit.chance.expect("a chance"))).collect();
        assert!(hits.len() >= 40 && answer.papers.iter().all(|hit| hit.probability == hit.chance));
        hits.sort_by(|a, b| b.0.total_cmp(&a.0));
        assert!(hits.windows(2).all(|w| w[0].1 >= w[1].1), "{hits:?}");
        let (first, last) = (hits[0].1, hits[hits.len() - 1].1);
        assert!(last >= 0.0 && first <= 1.0 && first > last + 0.2, "{first} {last}");
    }
}

#[test]
fn those_who_read_the_same_speak_for_what_else_they_read() {
    let [own, other, own_too] = schools(200);
    assert!(own > 0.0 && own_too > 0.0 && other < own, "{own} {own_too} {other}");
    for value in [own, other, own_too] {
        assert!((value / COREADING_STEP).fract().abs() < 1e-4, "{value} is no step");
    }
    assert_eq!(schools(90), [0.0; 3], "of less than a hundred nothing is told");
}
