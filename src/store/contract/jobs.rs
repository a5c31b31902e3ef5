//! Who runs which job: one at a time, and a lease that ends by itself.

use super::{Fixture, Kind};
use crate::store::{Claim, Claimed, JobResult, Lease};
use crate::user::Moment;

fn claim<'a>(holder: &'a str, now: i64, due: Option<i64>) -> Claim<'a> {
    Claim { name: "themes", holder, now: Moment(now), until: Moment(now + 10), due: due.map(Moment) }
}

fn result(error: Option<&str>) -> JobResult {
    JobResult {
        began: Moment(5),
        took_us: 7,
        why: "schedule".into(),
        error: error.map(Into::into),
        did: vec![("papers".into(), 3)],
    }
}

pub fn one_holder_at_a_time_until_the_lease_has_lapsed(kind: Kind) {
    let store = Fixture::new(kind);
    assert_eq!(store.claim_job(&claim("a", 0, None)).expect("asked"), Claimed::Yes);
    let held = Lease { holder: "a".into(), since: Moment(0), until: Moment(10) };
    assert_eq!(store.claim_job(&claim("b", 9, None)).expect("asked"), Claimed::Held(held));
    // Renewed, it is held for longer; lapsed, it is not.
    assert!(store.renew_job("themes", "a", Moment(20)).expect("renewed"));
    assert!(matches!(store.claim_job(&claim("b", 19, None)).expect("asked"), Claimed::Held(_)));
    assert_eq!(store.claim_job(&claim("b", 20, None)).expect("asked"), Claimed::Yes);
    // Who lost it changes nothing.
    assert!(!store.renew_job("themes", "a", Moment(99)).expect("asked"));
    assert!(!store.end_job("themes", "a", Some(&result(None)), None).expect("asked"));
    assert_eq!(store.jobs().expect("read")[0].runs, 0);
    assert!(store.end_job("themes", "b", Some(&result(Some("no"))), None).expect("ended"));
    let known = store.jobs().expect("read").remove(0);
    assert_eq!((known.held, known.runs, known.failures), (None, 1, 1));
    assert_eq!(known.last, Some(result(Some("no"))));
}

pub fn a_time_of_the_schedule_is_served_once(kind: Kind) {
    let store = Fixture::new(kind);
    let due = |at| Some(Moment(at));
    assert_eq!(store.claim_job(&claim("a", 100, Some(95))).expect("asked"), Claimed::Yes);
    assert!(matches!(store.claim_job(&claim("b", 99, Some(95))).expect("asked"), Claimed::Held(_)), "while it runs");
    let at_100 = JobResult { began: Moment(100), ..result(None) };
    assert!(store.end_job("themes", "a", Some(&at_100), due(95)).expect("ended"));
    assert_eq!(store.claim_job(&claim("b", 99, Some(95))).expect("asked"), Claimed::Served);
    assert_eq!(
        store.claim_job(&claim("b", 101, Some(98))).expect("asked"),
        Claimed::Served,
        "what came due before it began"
    );
    // For another reason, or for the next time, it may run.
    assert_eq!(store.claim_job(&claim("b", 101, None)).expect("asked"), Claimed::Yes);
    assert!(store.end_job("themes", "b", None, None).expect("ended"));
    assert_eq!(store.claim_job(&claim("b", 126, Some(125))).expect("asked"), Claimed::Yes);
    assert_eq!(store.jobs().expect("read")[0].runs, 1);
}

pub fn a_time_that_was_not_served_is_to_be_served_still(kind: Kind) {
    let store = Fixture::new(kind);
    let due = Some(Moment(95));
    // Given up, failed, or ended with its runner.
    assert_eq!(store.claim_job(&claim("a", 100, Some(95))).expect("asked"), Claimed::Yes);
    assert!(store.end_job("themes", "a", None, due).expect("ended"));
    assert_eq!(store.claim_job(&claim("a", 101, Some(95))).expect("asked"), Claimed::Yes);
    assert!(store.end_job("themes", "a", Some(&result(Some("no"))), due).expect("ended"));
    assert_eq!(store.claim_job(&claim("a", 102, Some(95))).expect("asked"), Claimed::Yes);
    assert_eq!(store.claim_job(&claim("b", 112, Some(95))).expect("asked"), Claimed::Yes, "its lease has lapsed");
    assert!(store.end_job("themes", "b", Some(&result(None)), due).expect("ended"));
    // What is given up later takes nothing of that back.
    assert_eq!(store.claim_job(&claim("a", 120, None)).expect("asked"), Claimed::Yes);
    assert!(store.end_job("themes", "a", None, None).expect("ended"));
    assert_eq!(store.jobs().expect("read")[0].scheduled, due);
}

pub fn a_clock_that_ran_ahead_serves_nothing(kind: Kind) {
    let store = Fixture::new(kind);
    let ahead = 1_000_000_000_000;
    assert_eq!(store.claim_job(&claim("a", ahead, Some(ahead - 1))).expect("asked"), Claimed::Yes);
    assert!(store.end_job("themes", "a", Some(&result(None)), Some(Moment(ahead - 1))).expect("ended"));
    assert_eq!(store.claim_job(&claim("b", 100, Some(95))).expect("asked"), Claimed::Yes);
}
