//! What others can see of readers, and what not.

use super::*;
use crate::engine::readers::fixture::{engine, event, paper, patient};
use crate::engine::{Answer, Engine, Feed, Part, QuestionsOptions, SearchOptions};
use proptest::prelude::*;

#[test]
fn a_history_is_ten_events_of_five_days() {
    let of = |days: &[i32]| {
        let events = days.iter().enumerate().map(|(k, day)| (event(k), *day)).collect();
        with_history((1, events)).map(|(_, events)| events.iter().map(|e| e.1).collect::<Vec<_>>())
    };
    assert_eq!(of(&[7; 1000]), None, "all of one day");
    assert_eq!(of(&[1, 2, 3, 4, 5, 6, 7, 8, 9]), None, "nine events");
    assert_eq!(of(&[1, 1, 1, 1, 1, 1, 2, 3, 4, 5]), Some(vec![5; 10]), "nothing is told of before");
    assert_eq!(of(&[1, 2, 3, 4, 5, 5, 5, 5, 5, 5, 9]).map(|d| d[10]), Some(9));
}

#[test]
fn a_batch_waits_for_enough_readers() {
    let days = |of: &[&[i64]]| (10..).zip(of.iter().map(|u| u.to_vec())).collect::<BTreeMap<i32, Vec<i64>>>();
    assert_eq!(told_through(&days(&[&[1, 2], &[1, 2], &[2]]), 0, |_| 3).0, i32::MIN, "two readers, however often");
    assert_eq!(told_through(&days(&[&[1, 2], &[3], &[4, 5]]), 0, |_| 3), (12, 1));
    assert_eq!(told_through(&days(&[&[1, 2, 3], &[4, 5], &[6]]), 7, |_| 3), (13, 9));
}

proptest! {
    #[test]
    fn what_comes_today_takes_back_nothing_that_is_told(
        active in prop::collection::btree_map(0i32..20, prop::collection::vec(0i64..40, 0..15), 0..15)
    ) {
        let before = told_through(&active, 0, |_| 20).0;
        let mut more = active.clone();
        more.entry(20).or_default().push(99);
        let after = told_through(&more, 0, |_| 20).0;
        prop_assert!(after == before || after == 21, "{before} {after}");
    }

    #[test]
    fn a_dither_lies_within_a_step(secret in any::<[u8; 32]>(), row in any::<u32>()) {
        prop_assert!((0.0..1.0).contains(&dither(&secret, row)));
    }
}

/// What somebody can ask, all of it, but for the time that it took.
fn answers(engine: &Engine, askers: &[String]) -> String {
    let mut all = String::new();
    let mut note = |answer: Answer| {
        let papers = serde_json::to_string(&answer.papers).expect("JSON");
        all.push_str(&format!("{papers} {}\n", answer.meta.total));
    };
    for explain in [false, true] {
        let ask = SearchOptions { limit: 100, explain, ..SearchOptions::default() };
        for window in [1.0, 7.0, 3650.0] {
            note(engine.trending(window, &ask).expect("trending"));
        }
        for name in askers {
            note(engine.feed(name, &Feed { ask: ask.clone(), ..Feed::default() }).expect("a feed"));
            let ids: Vec<PaperId> = (0..60).map(paper).collect();
            note(engine.rank_for(name, &ids, &[], explain).expect("ranked"));
        }
    }
    let newcomer = QuestionsOptions { limit: 50, ..QuestionsOptions::default() };
    note(engine.questions("nobody", &newcomer).expect("questions"));
    note(engine.questions(&askers[0], &newcomer).expect("questions"));
    all
}

/// An attacker with `k` readers who have kept at it for weeks and one of today asks everything there is, where one of `real` readers
/// likes a paper and where they do not. Gives in how many of some worlds, each with a secret of its own, anything differs.
fn seen(k: usize, real: usize, worlds: u8) -> usize {
    let yesterday = Moment::now().day() - 1;
    let mut askers: Vec<String> = (0..k.min(2)).map(|n| format!("mole{n}")).collect();
    askers.push("fresh".into());
    let world = |secret: u8, acts: bool| {
        let folder = tempfile::tempdir().expect("a folder");
        let engine = engine(folder.path(), [secret; 32]);
        for n in 0..real {
            patient(&engine, &format!("real{n}"), (0..4).map(|j| (n * 7 + j * 5) % 60), yesterday - 1);
        }
        for n in 0..k {
            patient(&engine, &format!("mole{n}"), [61, n % 60, (n * 3) % 60].into_iter(), yesterday);
        }
        engine.add_events("fresh", &[Event { at: Moment::now(), ..event(61) }]).expect("written");
        if acts {
            let name = crate::user::UserId::new("real0").expect("a name");
            let act = Event { at: Moment::of_day(yesterday), ..event(61) };
            engine.readers.store.restore_events(&name, &[act], &[yesterday]).expect("written");
        }
        engine.tell_readership().expect("told");
        answers(&engine, &askers)
    };
    (0..worlds).filter(|secret| world(*secret, false) != world(*secret, true)).count()
}

#[test]
fn what_one_reader_does_is_not_seen_by_three_or_by_a_crowd_of_invented_ones() {
    assert_eq!(seen(0, 1, 1), 0);
    assert_eq!(seen(2, 1, 2), 0);
    assert_eq!(seen(19, 1, 1), 0);
    // More readers than a batch takes: one act in sixteen counts, and has to fall together with others.
    let seen = seen(50, 10, 5);
    assert!(seen <= 1, "{seen}");
}

#[test]
fn a_crowd_is_told_and_who_is_forgotten_is_not() {
    let folder = tempfile::tempdir().expect("a folder");
    let engine = engine(folder.path(), [3; 32]);
    let yesterday = Moment::now().day() - 1;
    let trending = |engine: &Engine| {
        let answer = engine
            .trending(7.0, &SearchOptions { limit: 100, explain: true, ..SearchOptions::default() })
            .expect("trending");
        serde_json::to_string(&answer.papers).expect("JSON")
    };
    let (before, unasked) =
        (trending(&engine), engine.questions("nobody", &QuestionsOptions::default()).expect("asked"));
    for n in 0..200 {
        patient(&engine, &format!("r{n}"), [61, 2 * (n % 20), 2 * (n % 25)].into_iter(), yesterday);
    }
    assert_eq!(trending(&engine), before, "within a day nothing changes");
    // As if a day had passed.
    engine.tell_readership().expect("told");
    let released = engine.readers.released().expect("made");
    let acts = released.attended_since(i32::MIN).find(|(id, _)| **id == paper(61)).map(|(_, acts)| acts.len());
    assert!((5..25).contains(&acts.expect("attended")), "{acts:?} of 200");
    assert!(trending(&engine).contains("\"others\""));
    engine
        .add_events("ada", &(0..5).map(|k| Event { at: Moment::now(), ..event(2 * k) }).collect::<Vec<_>>())
        .expect("in");
    let feed = Feed { ask: SearchOptions { limit: 50, explain: true, ..SearchOptions::default() }, ..Feed::default() };
    let others = |engine: &Engine| -> Vec<f32> {
        let hits = engine.feed("ada", &feed).expect("a feed").papers;
        let parts = hits.into_iter().filter_map(|hit| hit.why).flat_map(|why| why.parts);
        parts.filter_map(|p| if let Part::Others { value } = p { Some(value) } else { None }).collect()
    };
    let told = others(&engine);
    assert!(!told.is_empty() && told.iter().all(|v| (v / crate::rank::COREADING_STEP).fract() == 0.0), "{told:?}");
    (0..200).for_each(|n| engine.delete_user(&format!("r{n}")).expect("forgotten"));
    assert_eq!(trending(&engine), before, "who is forgotten is so at once");
    assert!(others(&engine).is_empty());
    let after = engine.questions("nobody", &QuestionsOptions::default()).expect("asked");
    let ids = |answer: &Answer| answer.papers.iter().map(|hit| hit.paper.id.to_string()).collect::<Vec<_>>();
    assert_eq!(ids(&after), ids(&unasked));
}

#[test]
fn one_act_in_sixteen_counts_and_no_coin_tells_of_another() {
    let secret = [7; 32];
    let heads =
        |name: &str| (0..16_000).filter(|k| coin(&secret, name, &format!("p{k}")).is_multiple_of(ONE_IN)).count();
    assert!((900..1100).contains(&heads("ada")), "{}", heads("ada"));
    let both = (0..16_000)
        .filter(|k| ["ada", "bob"].iter().all(|n| coin(&secret, n, &format!("p{k}")).is_multiple_of(ONE_IN)))
        .count();
    assert!((30..100).contains(&both), "{both}");
}
