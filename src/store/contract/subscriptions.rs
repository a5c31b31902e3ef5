//! Subscriptions and deliveries: against a model of them in memory, and what must hold of each mail.

use std::collections::{BTreeMap, HashSet};

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::{Fixture, Kind, user};
use crate::store::{
    Attempt, DeliveryNote, DeliveryState, Issue, Looked, NewDelivery, StoredSubscription, SubscriptionState,
};
use crate::user::{Follow, MailPlan, Moment, Subject};

fn subscription(id: &str, email: &str, state: SubscriptionState) -> StoredSubscription {
    StoredSubscription {
        id: id.into(),
        email: email.into(),
        reader: None,
        plan: MailPlan::of(Subject::Daily, "Europe/Berlin"),
        state,
        reason: None,
        until: None,
        created: Moment(1),
        confirmed: None,
        since: Moment(1),
        failures: 0,
        next: (state == SubscriptionState::Active).then_some(Moment(100)),
        issue: None,
        looked: Looked::default(),
    }
}

fn mail(of: &str, issue: Issue, papers: &[&str]) -> NewDelivery {
    NewDelivery {
        subscription: of.into(),
        issue,
        message_id: format!("{of}.{issue:?}@here"),
        content: format!("<{papers:?}> ü'\""),
        papers: papers.iter().map(|id| (*id).to_string()).collect(),
        first_day: 19_990,
        looked: match issue {
            Issue::Day(day) => Looked { day: Some(day), change: 1000 + day as u64 },
            Issue::Confirmation(_) => Looked::default(),
        },
        next: Some(Moment(200)),
    }
}

fn had(store: &Fixture, email: &str) -> Vec<String> {
    let mut had: Vec<String> = store.had_papers(email).expect("read").into_iter().collect();
    had.sort();
    had
}

const NOW: Moment = Moment(100);

fn note(store: &Fixture, number: i64, at: Moment, note: DeliveryNote) -> crate::Result<bool> {
    store.note_deliveries(at, &[(number, note)]).map(|noted| noted[0])
}

fn sending(store: &Fixture, number: i64, at: Moment) -> crate::Result<bool> {
    note(store, number, at, DeliveryNote::Sending)
}

fn became(store: &Fixture, number: i64, at: Moment, attempt: Attempt) -> crate::Result<bool> {
    note(store, number, at, DeliveryNote::Became(attempt))
}

pub fn subscriptions_are_what_was_added_and_changed(kind: Kind) {
    let store = Fixture::new(kind);
    let whole = StoredSubscription {
        reader: Some(user("ada ü")),
        plan: MailPlan {
            budget: 3,
            min_score: Some(0.25),
            weekday: Some(crate::user::DayOfWeek::Friday),
            ..MailPlan::of(Subject::Follow(Follow::Query("“quoted”\nlines".into())), "UTC")
        },
        reason: Some("why".into()),
        until: Some(Moment(5)),
        confirmed: Some(Moment(6)),
        failures: 2,
        issue: Some(20_000),
        looked: Looked { day: Some(20_001), change: 77 },
        ..subscription("b", "b@x.example", SubscriptionState::Paused)
    };
    let all = [
        subscription("a", "A@x.example", SubscriptionState::Pending),
        whole,
        subscription("c", "A@x.example", SubscriptionState::Active),
    ];
    all.iter().rev().for_each(|s| store.add_subscription(s).expect("written"));
    assert!(store.add_subscription(&all[0]).is_err(), "an id is used once");
    let store = store.reopened();
    assert_eq!(store.subscriptions(None, 10).expect("read"), all);
    assert_eq!(store.subscriptions(Some("a"), 1).expect("read"), all[1..2]);
    assert_eq!(store.count_subscriptions().expect("read"), 3);
    assert_eq!(store.subscriptions_of("A@x.example").expect("read"), [all[0].clone(), all[2].clone()]);
    assert_eq!(store.subscription("b").expect("read").as_ref(), Some(&all[1]));
    assert_eq!(store.subscription("x").expect("read"), None);
    let changed = store
        .change_subscription("b", &|s| {
            s.id = "other".into();
            s.reader = None;
            s.until = None;
        })
        .expect("written")
        .expect("there");
    assert_eq!(changed, StoredSubscription { reader: None, until: None, ..all[1].clone() });
    assert_eq!(store.subscription("b").expect("read"), Some(changed));
    assert_eq!(store.change_subscription("x", &|_| panic!("there is none")).expect("asked"), None);
}

pub fn what_is_due_is_found(kind: Kind) {
    let store = Fixture::new(kind);
    let add = |id: &str, state, next: Option<i64>, until: Option<i64>| {
        let s = subscription(id, "a@x.example", state);
        store
            .add_subscription(&StoredSubscription { next: next.map(Moment), until: until.map(Moment), ..s })
            .expect("written");
    };
    add("a", SubscriptionState::Active, Some(100), None);
    add("b", SubscriptionState::Active, Some(101), None);
    add("c", SubscriptionState::Active, Some(50), None);
    add("d", SubscriptionState::Paused, Some(60), Some(55));
    add("e", SubscriptionState::Paused, Some(60), None);
    add("f", SubscriptionState::Paused, Some(60), Some(120));
    add("g", SubscriptionState::Ended, Some(60), None);
    add("h", SubscriptionState::Active, None, None);
    let behind = |after: Option<&StoredSubscription>, n| store.due_subscriptions(NOW, after, n).expect("read");
    let ids = |found: Vec<StoredSubscription>| -> String { found.into_iter().map(|s| s.id).collect() };
    let due = |n| ids(behind(None, n));
    assert_eq!((due(10), due(2), due(0)), ("cda".into(), "cd".into(), String::new()));
    // Of one moment they come in the order of their ids, and each once however few are asked for.
    add("i", SubscriptionState::Active, Some(60), None);
    let (mut last, mut one_by_one) = (None, String::new());
    while let Some(next) = behind(last.as_ref(), 1).pop() {
        one_by_one.push_str(&next.id);
        last = Some(next);
    }
    assert_eq!(one_by_one, "cdia");
}

pub fn a_mail_is_begun_once_and_its_papers_are_had(kind: Kind) {
    let store = Fixture::new(kind);
    store.add_subscription(&subscription("s", "a@x.example", SubscriptionState::Active)).expect("written");
    store.add_subscription(&subscription("p", "a@x.example", SubscriptionState::Pending)).expect("written");
    store.add_subscription(&subscription("e", "e@x.example", SubscriptionState::Ended)).expect("written");
    let new = [
        mail("s", Issue::Day(20_000), &["p1", "p2"]),
        mail("s", Issue::Day(20_000), &["p3"]),
        mail("p", Issue::Day(20_000), &["p4"]),
        mail("p", Issue::Confirmation(0), &[]),
        mail("e", Issue::Day(20_000), &["p5"]),
        mail("nobody", Issue::Day(20_000), &["p6"]),
    ];
    let begun = store.begin_deliveries(NOW, &new).expect("written");
    assert_eq!(begun.iter().map(Option::is_some).collect::<Vec<_>>(), [true, false, false, true, false, false]);
    assert_eq!(had(&store, "a@x.example"), ["p1", "p2"]);
    assert!(had(&store, "e@x.example").is_empty());
    let s = store.subscription("s").expect("read").expect("there");
    assert_eq!((s.issue, s.looked, s.next), (Some(20_000), new[0].looked, Some(Moment(200))));
    let store = store.reopened();
    let waiting = store.waiting_deliveries(NOW, 0, 10).expect("read");
    assert_eq!(waiting.iter().map(|d| Some(d.number)).collect::<Vec<_>>(), [begun[0], begun[3]]);
    assert_eq!((&waiting[0].content, &waiting[0].message_id), (&new[0].content, &new[0].message_id));
    assert_eq!((waiting[0].state, waiting[0].issue), (DeliveryState::Waiting, Issue::Day(20_000)));
    assert_eq!(store.waiting_deliveries(NOW, waiting[0].number, 10).expect("read"), waiting[1..]);
    // A day without papers is looked at, and nothing is sent for it.
    assert_eq!(store.begin_deliveries(NOW, &[mail("s", Issue::Day(20_001), &[])]).expect("written"), [None]);
    let s = store.subscription("s").expect("read").expect("there");
    assert_eq!((s.issue, s.looked.day), (Some(20_001), Some(20_001)));
    assert_eq!(store.deliveries(Some("s"), None, 10).expect("read").len(), 1);
    // An earlier day than the last turns nothing back, and makes nothing known that came since.
    let early = store.begin_deliveries(NOW, &[mail("s", Issue::Day(19_000), &["p7"])]).expect("written");
    assert!(early[0].is_some());
    let s = store.subscription("s").expect("read").expect("there");
    assert_eq!((s.issue, s.looked.day, s.looked.change), (Some(20_001), Some(20_001), 21_001));
}

pub fn what_becomes_of_a_mail_is_noted(kind: Kind) {
    let store = Fixture::new(kind);
    store.add_subscription(&subscription("s", "a@x.example", SubscriptionState::Active)).expect("written");
    let begin = |day, papers: &[&str]| {
        store.begin_deliveries(NOW, &[mail("s", Issue::Day(day), papers)]).expect("written")[0].expect("begun")
    };
    let of = |store: &Fixture| store.subscription("s").expect("read").expect("there");
    let first = begin(20_000, &["p1"]);
    assert!(sending(&store, first, NOW).expect("written"));
    let store = &store;
    // In doubt until it is known: it is among what is to be sent.
    let waiting = store.waiting_deliveries(NOW, 0, 10).expect("read");
    assert_eq!((waiting.len(), waiting[0].state, waiting[0].attempts), (1, DeliveryState::Sending, 1));
    assert_eq!(
        store.take_back_waiting("s", false).expect("asked").expect("there"),
        of(store),
        "it was given to a server"
    );
    became(store, first, NOW, Attempt::Later("451 later".into(), Moment(150))).expect("written");
    assert_eq!(of(store).failures, 1);
    assert!(store.waiting_deliveries(NOW, 0, 10).expect("read").is_empty());
    let again = store.waiting_deliveries(Moment(150), 0, 10).expect("read");
    assert_eq!((again.len(), again[0].error.as_deref()), (1, Some("451 later")));
    sending(store, first, Moment(150)).expect("written");
    became(store, first, Moment(151), Attempt::Sent).expect("written");
    assert_eq!((of(store).failures, of(store).state), (0, SubscriptionState::Active));
    assert!(store.waiting_deliveries(Moment(1_000), 0, 10).expect("read").is_empty());
    assert!(!sending(store, first, Moment(160)).expect("asked"), "what was sent is not sent again");
    let sent = store.delivery(first).expect("read").expect("there");
    assert_eq!((sent.state, sent.error, sent.attempts, sent.since), (DeliveryState::Sent, None, 2, Moment(151)));

    // A server that cannot be reached says nothing of a recipient.
    let unreached = begin(20_003, &["p9"]);
    sending(store, unreached, NOW).expect("written");
    became(store, unreached, NOW, Attempt::NotTaken("nobody answers".into(), Moment(150))).expect("written");
    let stands = store.delivery(unreached).expect("read").expect("there");
    assert_eq!((stands.state, stands.attempts, of(store).failures), (DeliveryState::Waiting, 0, 0));
    assert!(store.waiting_deliveries(NOW, 0, 10).expect("read").is_empty(), "not before its time");
    assert_eq!(store.waiting_deliveries(Moment(150), 0, 10).expect("read").len(), 1);
    assert_eq!(store.take_back_waiting("s", false).expect("written").expect("there").issue, Some(20_000));

    // Nothing goes out to who has ended it meanwhile, and what no server has taken of it was not had.
    let queued = begin(20_004, &["p10"]);
    let end = |s: &mut StoredSubscription| s.state = SubscriptionState::Ended;
    store.change_subscription("s", &end).expect("written");
    assert!(!sending(store, queued, NOW).expect("asked"));
    assert!(had(store, "a@x.example").contains(&"p10".to_string()));
    store.change_subscription("s", &|s| s.state = SubscriptionState::Active).expect("written");
    sending(store, queued, NOW).expect("written");
    became(store, queued, NOW, Attempt::Later("451".into(), Moment(150))).expect("written");
    assert_eq!(store.take_back_waiting("s", false).expect("asked").expect("there").issue, Some(20_004));
    assert_eq!(store.take_back_waiting("s", true).expect("written").expect("there").issue, Some(20_000));
    assert!(!had(store, "A@X.example").contains(&"p10".to_string()), "whatever the case of its letters");
    store.change_subscription("s", &|s| s.failures = 0).expect("written");

    // Given up: what it held was not had, and what it looked at is looked at again.
    let second = begin(20_001, &["p1", "p2"]);
    assert_eq!(had(store, "a@x.example"), ["p1", "p2"]);
    sending(store, second, NOW).expect("written");
    became(store, second, NOW, Attempt::Failed("550 nobody here".into())).expect("written");
    let s = of(store);
    assert_eq!((s.state, s.reason.as_deref(), s.failures), (SubscriptionState::Paused, Some("550 nobody here"), 1));
    assert_eq!((s.issue, s.looked), (Some(20_000), Looked { day: Some(20_000), change: 21_000 }));
    assert_eq!(had(store, "a@x.example"), ["p1"]);
    assert!(store.begin_deliveries(NOW, &[mail("s", Issue::Day(20_001), &["p2"])]).expect("asked")[0].is_none());
    store.change_subscription("s", &|s| s.state = SubscriptionState::Active).expect("written");
    let third = begin(20_001, &["p2"]);
    assert!(third > second, "numbers are used once");
    // What waits can be taken back and chosen anew.
    let back = store.take_back_waiting("s", false).expect("written").expect("there");
    assert_eq!((back.issue, back.looked.day), (Some(20_000), Some(20_000)));
    assert_eq!(had(store, "a@x.example"), ["p1"]);
    assert!(store.delivery(third).expect("read").is_none());
    let states = store.deliveries(Some("s"), None, 10).expect("read");
    assert_eq!(states.iter().map(|d| d.number).collect::<Vec<_>>(), [first], "the newest first");
    assert!(store.deliveries(None, Some(first), 10).expect("read").is_empty());
    became(store, 77, NOW, Attempt::Sent).expect("it is gone");
}

pub fn old_mail_is_forgotten(kind: Kind) {
    let store = Fixture::new(kind);
    let add = |id: &str, email: &str, state, since| {
        store
            .add_subscription(&StoredSubscription { since: Moment(since), ..subscription(id, email, state) })
            .expect("written");
    };
    add("old", "gone@x.example", SubscriptionState::Ended, 10);
    add("ended", "a@x.example", SubscriptionState::Ended, 60);
    add("asked", "b@x.example", SubscriptionState::Pending, 10);
    add("asked2", "b@x.example", SubscriptionState::Pending, 60);
    add("runs", "gone2@x.example", SubscriptionState::Active, 1);
    let n =
        store.begin_deliveries(NOW, &[mail("runs", Issue::Day(20_000), &["p1"])]).expect("written")[0].expect("begun");
    became(&store, n, Moment(20), Attempt::Sent).expect("written");
    let forget = || store.forget_subscriptions(Moment(50), Moment(50), Moment(50)).expect("written");
    assert_eq!((forget(), forget()), (2, 0));
    let ids: Vec<String> = store.subscriptions(None, 10).expect("read").into_iter().map(|s| s.id).collect();
    assert_eq!(ids, ["asked2", "ended", "runs"]);
    assert!(store.delivery(n).expect("read").is_none());
    assert_eq!(had(&store, "gone2@x.example"), ["p1"], "what was had stays");
}

pub fn subscriptions_go_with_their_reader(kind: Kind) {
    let store = Fixture::new(kind);
    let of_ada = |id: &str, email: &str| StoredSubscription {
        reader: Some(user("ada")),
        ..subscription(id, email, SubscriptionState::Active)
    };
    store.add_subscription(&of_ada("a", "ada@x.example")).expect("written");
    store.add_subscription(&subscription("b", "both@x.example", SubscriptionState::Active)).expect("written");
    store.add_subscription(&of_ada("c", "both@x.example")).expect("written");
    let new = [mail("a", Issue::Day(20_000), &["p1"]), mail("b", Issue::Day(20_000), &["p2"])];
    store.begin_deliveries(NOW, &new).expect("written");
    store.delete_user("ada").expect("forgotten");
    let ids: Vec<String> = store.subscriptions(None, 10).expect("read").into_iter().map(|s| s.id).collect();
    assert_eq!(ids, ["b"]);
    assert!(had(&store, "ada@x.example").is_empty());
    assert_eq!(had(&store, "both@x.example"), ["p2"]);
    assert_eq!(store.deliveries(None, None, 10).expect("read").len(), 1);
}

#[derive(Debug, Clone)]
enum Step {
    Begin(u8, i32, Vec<u8>),
    Sending(u8),
    Note(u8, u8),
    TakeBack(u8),
    Reopen,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        5 => (0u8..3, 20_000..20_006, prop::collection::vec(0u8..9, 0..4)).prop_map(|(s, day, p)| Step::Begin(s, day, p)),
        3 => any::<u8>().prop_map(Step::Sending),
        4 => (any::<u8>(), 0u8..3).prop_map(|(k, what)| Step::Note(k, what)),
        1 => (0u8..3).prop_map(Step::TakeBack),
        1 => Just(Step::Reopen),
    ]
}

/// Whatever happens in which order: a paper is had if and only if it was in a mail that was neither given up nor taken back.
pub fn what_was_had_is_what_was_in_mails(kind: Kind) {
    let mut runner = TestRunner::new(Config { cases: 24, ..Config::default() });
    runner
        .run(&prop::collection::vec(step(), 1..40), |steps| {
            let mut store = Fixture::new(kind);
            for k in 0..3 {
                let s = subscription(&format!("s{k}"), "a@x.example", SubscriptionState::Active);
                store.add_subscription(&s).expect("written");
            }
            // By number: its papers as far as it brought them, and whether it is still to be sent.
            let mut model: BTreeMap<i64, (String, Vec<String>, bool, bool)> = BTreeMap::new();
            for step in steps {
                let nth = |k: u8, model: &BTreeMap<i64, _>| model.keys().nth(k as usize % model.len().max(1)).copied();
                match step {
                    Step::Begin(s, day, papers) => {
                        let known: HashSet<String> = model.values().flat_map(|m| m.1.clone()).collect();
                        let papers: Vec<String> = papers.iter().map(|p| format!("p{p}")).collect();
                        let refs: Vec<&str> = papers.iter().map(String::as_str).collect();
                        let id = format!("s{s}");
                        let begun = store.begin_deliveries(NOW, &[mail(&id, Issue::Day(day), &refs)]).expect("written");
                        if let Some(number) = begun[0] {
                            let own = papers.into_iter().filter(|p| !known.contains(p)).collect();
                            model.insert(number, (id, own, true, false));
                        }
                    }
                    Step::Sending(k) => {
                        if let Some(number) = nth(k, &model) {
                            let open = sending(&store, number, NOW).expect("written");
                            let known = model.get_mut(&number).expect("known");
                            prop_assert_eq!(open, known.2);
                            known.3 |= open;
                        }
                    }
                    Step::Note(k, what) => {
                        if let Some(number) = nth(k, &model).filter(|n| model[n].2) {
                            let attempt = match what {
                                0 => Attempt::Sent,
                                1 => Attempt::Later("later".into(), NOW),
                                _ => Attempt::Failed("never".into()),
                            };
                            became(&store, number, NOW, attempt).expect("written");
                            let known = model.get_mut(&number).expect("known");
                            known.2 = what == 1;
                            if what == 2 {
                                known.1.clear();
                                let active = |s: &mut StoredSubscription| s.state = SubscriptionState::Active;
                                store.change_subscription(&known.0, &active).expect("written");
                            }
                        }
                    }
                    Step::TakeBack(s) => {
                        let id = format!("s{s}");
                        store.take_back_waiting(&id, false).expect("written");
                        model.retain(|_, m| m.0 != id || !m.2 || m.3);
                    }
                    Step::Reopen => store = store.reopened(),
                }
                let mut had: Vec<String> = store.had_papers("a@x.example").expect("read").into_iter().collect();
                let mut wanted: Vec<String> = model.values().flat_map(|m| m.1.clone()).collect();
                had.sort();
                wanted.sort();
                wanted.dedup();
                prop_assert_eq!(had, wanted);
            }
            Ok(())
        })
        .expect("holds");
}
