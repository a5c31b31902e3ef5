use std::sync::atomic::{AtomicI64, Ordering};

use super::{Fixture, Kind, MODEL, event, id, records, titled, user};
use crate::error::Error;
use crate::paper::{Paper, PaperId};
use crate::store::{EventPlace, EventsWritten, FiledNow, FolderMade, ReadershipRelease};
use crate::user::{Event, EventKind, Moment};

pub fn events_are_all_or_none(kind: Kind) {
    let store = Fixture::new(kind);
    store.put(&[titled("a", "1"), titled("b", "2")]);
    let (like, save) = (event("a", EventKind::Like, 10), event("b", EventKind::Save, 11));
    let lost = store
        .add_events(&user("ada"), &[like.clone(), event("none", EventKind::Like, 1), event("nor", EventKind::Like, 2)]);
    assert!(matches!(lost, Err(Error::NotFound { what: "paper", id }) if id == "none"));
    assert!(store.user("ada").is_err(), "nothing of it is there, the user neither");
    let written = store.add_events(&user("ada"), &[like.clone(), save.clone(), like.clone()]).expect("written");
    assert_eq!(written, EventsWritten { accepted: 2, unchanged: 1 });
    let ada = store.user("ada").expect("made");
    // The same one again changes nothing, whatever its weight, and may name a paper that is gone.
    store.delete("a");
    let again = store.add_events(&user("ada"), &[Event { weight: 0.5, ..like.clone() }]).expect("written");
    assert_eq!(again, EventsWritten { accepted: 0, unchanged: 1 });
    assert_eq!(store.user("ada").expect("there").version, ada.version);
    assert_eq!(store.history(ada.number).expect("read"), [like, save]);
    assert!(store.add_events(&user("ada"), &[event("a", EventKind::View, 10)]).is_err(), "another one of it may not");
    // Papers of the user's own library are known, those of others are not.
    store.put_library_papers(&user("ada"), &[(&titled("own", "3"), &[1.0, 0.0])], MODEL).expect("written");
    assert_eq!(store.add_events(&user("ada"), &[event("own", EventKind::Like, 12)]).expect("written").accepted, 1);
    assert!(store.add_events(&user("bob"), &[event("own", EventKind::Like, 12)]).is_err());
    assert!(store.user("ada").expect("there").version > ada.version);
    assert_eq!(store.count_events(ada.number).expect("read"), 3);
}

pub fn known_events_are_written_and_others_named(kind: Kind) {
    let store = Fixture::new(kind);
    store.put(&[titled("a", "1"), titled("b", "2")]);
    let like = |paper: &str, at| event(paper, EventKind::Like, at);
    store.add_events(&user("bob"), &[like("b", 1)]).expect("written");
    store.delete("b");
    let (ada, bob, eve) = (user("ada"), user("bob"), user("eve"));
    let of: [(&_, &[Event]); 3] = [
        (&ada, &[like("none", 1), like("a", 2), like("nor", 3)]),
        (&bob, &[like("b", 1), like("b", 9)]),
        (&eve, &[like("none", 1)]),
    ];
    let (written, unknown) = store.add_known_events(&of).expect("written");
    assert_eq!(written, EventsWritten { accepted: 1, unchanged: 1 });
    assert_eq!(unknown, [vec![0, 2], vec![1], vec![0]]);
    assert!(store.user("eve").is_err(), "who has nothing is not made");
    assert_eq!(store.history(store.user("ada").expect("made").number).expect("read"), [like("a", 2)]);
    assert_eq!(store.add_known_events(&[]).expect("written"), (EventsWritten::default(), vec![]));
}

pub fn histories_are_ordered(kind: Kind) {
    let store = Fixture::new(kind);
    let papers: Vec<Paper> = (0..6).map(|k| titled(&format!("p{k}"), &format!("T{k}"))).collect();
    store.put(&papers);
    // Several at one moment: then by paper, then by kind; and some before 1970.
    let mut all: Vec<Event> = (0..40i64)
        .map(|k| event(&format!("p{}", k % 6), EventKind::ALL[(k % 8) as usize], (k / 9 - 2) * 1_000))
        .collect();
    all.dedup();
    let mixed: Vec<Event> = (0..all.len()).map(|k| all[k * 7 % all.len()].clone()).collect();
    store.add_events(&user("ada"), &mixed).expect("written");
    all.sort_by_key(|e| (e.at, e.paper.clone(), e.kind as u8));
    all.dedup();
    let store = store.reopened();
    let ada = store.user("ada").expect("there").number;
    assert_eq!(store.history(ada).expect("read"), all);
    assert_eq!(
        (store.count_events(ada).expect("read"), store.received(ada).expect("read").len()),
        (all.len(), all.len())
    );
    let back: Vec<Event> = all.iter().rev().cloned().collect();
    for n in [1, 7, all.len(), usize::MAX] {
        let (mut seen, mut after) = (Vec::new(), None);
        loop {
            let slice = store.events_back(ada, after.as_ref(), n).expect("read");
            assert_eq!(slice.total, all.len());
            seen.extend(slice.items);
            after = slice.next;
            let (Some(place), Some(last)) = (&after, seen.last()) else { break };
            assert_eq!(place, &EventPlace { at: last.at, paper: last.paper.clone(), kind: last.kind });
        }
        assert_eq!(seen, back, "{n}");
    }
    // From a place where nothing is (any more).
    let nowhere = EventPlace { at: Moment(-999), paper: id("zzz"), kind: EventKind::View };
    let rest = store.events_back(ada, Some(&nowhere), 100).expect("read").items;
    assert_eq!(rest, back.iter().filter(|e| e.at.0 < -999).cloned().collect::<Vec<_>>());
    assert!(!rest.is_empty() && rest.len() < back.len());
    let nobody = store.events_back(ada + 77, None, 5).expect("read");
    assert!(nobody.items.is_empty() && nobody.next.is_none() && nobody.total == 0);
}

pub fn days_of_arrival_are_kept(kind: Kind) {
    let store = Fixture::new(kind);
    store.put(&[titled("a", "1")]);
    let today = Moment::now().day();
    let at = |day: i32| event("a", EventKind::Like, Moment::of_day(day).0);
    // Whoever sends an event chooses its time, and not the day on which it came.
    store.add_events(&user("ada"), &[at(today - 500), at(today + 500)]).expect("written");
    let ada = store.user("ada").expect("made").number;
    assert_eq!(store.received(ada).expect("read"), [today, today]);
    // Exported ones keep theirs; where none is known it is that of the event; and no day is ahead. Papers need not be there.
    let gone = |day: i32| event("gone", EventKind::Save, Moment::of_day(day).0);
    let events = [gone(today - 9), gone(today - 8), gone(today - 7), gone(today + 7)];
    let restored = store.restore_events(&user("bob"), &events, &[today - 3, today + 3]).expect("written");
    assert_eq!(restored.accepted, 4);
    let bob = store.user("bob").expect("made").number;
    assert_eq!(store.received(bob).expect("read"), [today - 3, today, today - 7, today]);
    let mut seen = Vec::new();
    store.each_event_before(today, &mut |user, event, day| seen.push((user, event.at.day(), day))).expect("read");
    assert_eq!(seen, [(bob, today - 9, today - 3), (bob, today - 7, today - 7)]);
    // By a clock that is behind, what came later came the day before.
    seen.clear();
    store.each_event_before(today - 5, &mut |user, _, day| seen.push((user, 0, day))).expect("read");
    let (late, early) = (today - 6, today - 7);
    assert_eq!(seen, [(ada, 0, late), (ada, 0, late), (bob, 0, late), (bob, 0, late), (bob, 0, early), (bob, 0, late)]);
}

pub fn releases_are_remembered(kind: Kind) {
    let store = Fixture::new(kind);
    assert_eq!(store.release().expect("read"), ReadershipRelease::default());
    let secret = store.secret().expect("read");
    assert_ne!(secret, Fixture::new(kind).secret().expect("read"), "each has its own");
    let release = ReadershipRelease { before: Some(-3), batches: 12 };
    store.put_release(release).expect("written");
    store.made("ada");
    store.delete_user("ada").expect("deleted");
    let store = store.reopened();
    assert_eq!((store.release().expect("read"), store.secret().expect("read")), (release, secret));
    store.set_secret(&[7; 32]).expect("written");
    assert_eq!(store.secret().expect("read"), [7; 32]);
}

/// Several say the same of a paper at one time: one of them is the first, and the others see that.
pub fn what_follows_is_written_once(kind: Kind) {
    let store = Fixture::new(kind);
    store.put(&[titled("a", "1"), titled("b", "2")]);
    let save = |paper: &PaperId, before: &[Event]| match before.iter().any(|e| e.kind == EventKind::Save) {
        true => Vec::new(),
        // None of the same moment, which would be one event in any case.
        false => vec![Event { paper: paper.clone(), ..event("a", EventKind::Save, next()) }],
    };
    let written: usize = std::thread::scope(|scope| {
        let all: Vec<_> = (0..8)
            .map(|_| scope.spawn(|| store.add_following(&user("ada"), &id("a"), &save).expect("written")))
            .collect();
        all.into_iter().map(|one| one.join().expect("it ends")).sum()
    });
    let ada = store.user("ada").expect("made");
    assert_eq!((written, store.count_events(ada.number).expect("read")), (1, 1));
    // What follows is told what was done before, oldest first; where nothing follows, nothing changes and nobody is made.
    store.add_events(&user("ada"), &[event("a", EventKind::View, -1)]).expect("written");
    let version = store.user("ada").expect("there").version;
    let look = |_: &PaperId, before: &[Event]| {
        assert_eq!(before.iter().map(|e| e.kind).collect::<Vec<_>>(), [EventKind::View, EventKind::Save]);
        Vec::new()
    };
    assert_eq!(store.add_following(&user("ada"), &id("a"), &look).expect("asked"), 0);
    assert_eq!(store.add_following(&user("bob"), &id("a"), &|_, _| Vec::new()).expect("asked"), 0);
    assert_eq!(store.user("ada").expect("there").version, version);
    let unknown = store.add_following(&user("bob"), &id("nowhere"), &save);
    assert!(matches!(unknown, Err(Error::NotFound { what: "paper", .. })) && store.user("bob").is_err());
    // In a folder as well.
    let folder = match store.make_folder(&user("ada"), "one", Moment(1), 9).expect("asked") {
        FolderMade::Made(folder) => folder.number,
        other => panic!("{other:?}"),
    };
    let put = || {
        let papers = [id("a"), id("b")];
        store.file_papers(ada.number, folder, &papers.each_ref(), &save, Moment(9), 9).expect("filed").expect("room")
    };
    let filed: Vec<FiledNow> = std::thread::scope(|scope| {
        let all: Vec<_> = (0..8).map(|_| scope.spawn(put)).collect();
        all.into_iter().map(|one| one.join().expect("it ends")).collect()
    });
    let (added, events): (usize, usize) = (filed.iter().map(|f| f.added).sum(), filed.iter().map(|f| f.events).sum());
    assert_eq!((added, events, store.count_events(ada.number).expect("read")), (2, 1, 3));
}

/// A number that was not given before.
fn next() -> i64 {
    static LAST: AtomicI64 = AtomicI64::new(0);
    LAST.fetch_add(1, Ordering::Relaxed)
}

pub fn what_was_done_with_some_papers_is_found(kind: Kind) {
    let store = Fixture::new(kind);
    store.put(&["a", "b", "c", "d"].map(|name| titled(name, name)));
    let of = [
        event("a", EventKind::Like, 5),
        event("b", EventKind::View, 4),
        event("a", EventKind::View, 1),
        event("d", EventKind::Save, 2),
    ];
    store.add_events(&user("ada"), &of).expect("written");
    store.add_events(&user("bob"), &[event("c", EventKind::Like, 5)]).expect("written");
    let ada = store.user("ada").expect("made").number;
    // What was done with a paper that became one with another was done with that.
    records::put(&*store, &titled("a", "a"), &[], &[id("d")]);
    let (a, b, c) = (id("a"), id("b"), id("c"));
    let done = store.events_on(ada, &[&c, &a, &b, &a]).expect("read");
    let on_a = [of[2].clone(), event("a", EventKind::Save, 2), of[0].clone()];
    assert_eq!(done, [vec![], on_a.to_vec(), vec![of[1].clone()], on_a.to_vec()]);
}
