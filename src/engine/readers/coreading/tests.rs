//! What the reading of others says, to whom, and what it does not.

use std::collections::HashMap;

use crate::engine::readers::fixture::{engine, event, paper, patient};
use crate::engine::{Answer, Engine, Feed, Part, Recommend, SearchOptions};
use crate::rank::COREADING_STEP;
use crate::user::{Event, Moment, UserId};

fn yesterday() -> i32 {
    Moment::now().day() - 1
}

/// Two schools of readers, each of the papers of one evenness below 40 and each reader of four of them; and `ada`, of the even one.
/// Some more like one more paper each.
fn world(folder: &std::path::Path, more: &[(&str, usize)]) -> Engine {
    let engine = engine(folder, [9; 32]);
    for n in 0..120usize {
        let school = (0..4).map(|j| 2 * ((n / 2 + 5 * j) % 20) + n % 2);
        patient(&engine, &format!("r{n}"), school, yesterday());
    }
    patient(&engine, "ada", [0, 2, 4].into_iter(), yesterday());
    for (name, liked) in more {
        let act = Event { at: Moment::of_day(yesterday()), ..event(*liked) };
        let name = UserId::new(*name).expect("a name");
        engine.readers.store.restore_events(&name, &[act], &[yesterday()]).expect("written");
    }
    engine.tell_readership().expect("told");
    engine
}

/// What others add to each paper of an answer, by its id.
fn others(answer: &Answer) -> HashMap<String, f32> {
    let of = |hit: &crate::engine::Hit| {
        let parts = &hit.why.as_ref().expect("explained").parts;
        parts.iter().find_map(|p| if let Part::Others { value } = p { Some(*value) } else { None }).unwrap_or(0.0)
    };
    answer.papers.iter().map(|hit| (hit.paper.id.to_string(), of(hit))).collect()
}

fn ranked(engine: &Engine, user: &str, papers: impl Iterator<Item = usize>) -> Answer {
    engine.rank_for(user, &papers.map(paper).collect::<Vec<_>>(), &[], true).expect("ranked")
}

#[test]
fn every_call_asks_the_same_of_every_paper() {
    let folder = tempfile::tempdir().expect("a folder");
    let engine = world(folder.path(), &[]);
    let told = others(&ranked(&engine, "ada", 0..70));
    assert!(told.values().all(|v| (v / COREADING_STEP).fract() == 0.0), "{told:?}");
    // More to what the own school reads than to what the other does; to a paper at large nothing.
    let mean = |first: usize| (0..20).map(|k| told[paper(2 * k + first).as_str()]).sum::<f32>() / 20.0;
    assert!(mean(0) > mean(1) + 0.1, "{} {}", mean(0), mean(1));
    let at_large = told.values().sum::<f32>() / 70.0;
    assert!(at_large.abs() < 2.0 * COREADING_STEP, "{at_large}");
    let request = Recommend {
        user: Some("ada".into()),
        candidates: Some((0..70).map(paper).collect()),
        ask: SearchOptions { explain: true, ..SearchOptions::default() },
        ..Recommend::default()
    };
    let answer = engine.recommend(&request).expect("recommended");
    assert_eq!(others(&answer), told);
    // Fewer candidates, ranked otherwise than among themselves; and a feed, of all that it shows.
    for (id, value) in others(&ranked(&engine, "ada", 10..20)) {
        assert_eq!(value, told[&id], "{id}");
    }
    let ask = SearchOptions { explain: true, limit: 80, ..SearchOptions::default() };
    let feed = engine.feed("ada", &Feed { ask: ask.clone(), ..Feed::default() }).expect("a feed");
    let request = Recommend { user: Some("ada".into()), ask, ..Recommend::default() };
    for answer in [feed, engine.recommend(&request).expect("recommended")] {
        let of_feed = others(&answer);
        assert!(of_feed.len() > 20, "{of_feed:?}");
        for (id, value) in of_feed.iter().filter(|(id, _)| told.contains_key(*id)) {
            assert_eq!(*value, told[id], "{id}");
        }
    }
}

#[test]
fn what_was_looked_for_ahead_is_what_is_found_when_asked() {
    let folder = tempfile::tempdir().expect("a folder");
    let engine = world(folder.path(), &[]);
    let at_need = others(&ranked(&engine, "ada", 0..70));
    assert_eq!(engine.prepare_readership().expect("prepared"), 0, "all 80 were asked about, the sample among them");
    let folder = tempfile::tempdir().expect("a folder");
    let engine = world(folder.path(), &[]);
    assert_eq!(engine.prepare_readership().expect("prepared"), 80);
    assert_eq!(others(&ranked(&engine, "ada", 0..70)), at_need);
}

#[test]
fn two_who_read_a_paper_are_told_to_nobody_and_three_are() {
    let told = |more: &[(&str, usize)], to: &str| {
        let folder = tempfile::tempdir().expect("a folder");
        let engine = world(folder.path(), more);
        others(&ranked(&engine, to, 40..70))
    };
    // Nobody reads paper 61. One does, then two, then somebody who asks as well: no value of any paper moves.
    let nobody = told(&[], "ada");
    assert_eq!(told(&[("r0", 61)], "ada"), nobody);
    assert_eq!(told(&[("r0", 61), ("r2", 61)], "ada"), nobody);
    assert_eq!(told(&[("r0", 61), ("r2", 61), ("ada", 61)], "ada"), nobody);
    // Three do, who share her papers: it is told.
    let three = [("r0", 61), ("r2", 61), ("r4", 61)];
    assert!(told(&three, "ada")["p61"] > nobody["p61"], "{:?}", nobody["p61"]);
}

#[test]
fn who_is_forgotten_is_told_of_no_more() {
    let told = |engine: &Engine| others(&ranked(engine, "ada", 0..70));
    let (with, without) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    let three = [("r0", 61), ("r2", 61), ("r4", 61)];
    let engine = world(with.path(), &three);
    let before = told(&engine);
    // Two are left of three: within the same day, at once, as if r4 had never been there. Nothing that was near a paper is
    // near it still for their sake.
    engine.delete_user("r4").expect("forgotten");
    let after = told(&engine);
    let never = world(without.path(), &three[..2]);
    never.delete_user("r4").expect("forgotten");
    assert_eq!(after, told(&never));
    assert_ne!(after, before);
    // Of less than a hundred nothing is told.
    (20..120).for_each(|n| engine.delete_user(&format!("r{n}")).expect("forgotten"));
    assert!(told(&engine).values().all(|v| *v == 0.0));
}
