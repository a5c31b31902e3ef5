use super::{Fixture, Kind, id, user};
use crate::error::Error;
use crate::store::{CallState, CallTried, NewCall, NewSearch, NewWebhook, SearchSaved, StoredSearch};
use crate::user::{Follow, Moment};

fn new(what: &Follow) -> NewSearch<'_> {
    NewSearch { what, name: None, created: Moment(5), seen: 3 }
}

fn made(saved: SearchSaved) -> StoredSearch {
    match saved {
        SearchSaved::Made(search) => search,
        other => panic!("{other:?}"),
    }
}

fn is_missing<T>(done: crate::Result<T>) -> bool {
    matches!(done, Err(Error::NotFound { .. }))
}

pub fn the_same_is_followed_once(kind: Kind) {
    let store = Fixture::new(kind);
    let (cats, ada) = (Follow::Query("cats \"and\" ü".into()), Follow::Author("Ada".into()));
    let reader = user("reader");
    let first = made(store.save_search(&reader, new(&cats), 2).expect("saved"));
    let number = store.user("reader").expect("made").number;
    let version = || store.user("reader").expect("there").version;
    assert_eq!((&first.what, first.seen, first.muted, first.created), (&cats, 3, false, Moment(5)));
    let before = version();
    assert_eq!(store.save_search(&reader, new(&cats), 2).expect("saved"), SearchSaved::There(first.clone()));
    assert_eq!(version(), before);
    let second = made(store.save_search(&reader, NewSearch { name: Some("Mine"), ..new(&ada) }, 2).expect("saved"));
    assert!(second.number > first.number && version() > before);
    let third = Follow::Theme("t1".into());
    assert_eq!(store.save_search(&reader, new(&third), 2).expect("asked"), SearchSaved::TooMany);
    // Another reader may follow the same.
    let other = made(store.save_search(&user("other"), new(&cats), 2).expect("saved"));
    let theirs = store.user("other").expect("made").number;
    assert!(
        is_missing(store.delete_search(number, other.number)) && is_missing(store.see_search(number, other.number, 9))
    );
    assert!(is_missing(store.change_search(number, other.number, None, Some(true))));
    assert_eq!(store.search(other.number).expect("read"), Some((theirs, other)));
    let before = version();
    let changed = store.change_search(number, first.number, Some(Some("Cats")), Some(true)).expect("changed");
    assert_eq!((changed.name.as_deref(), changed.muted), (Some("Cats"), true));
    assert!(version() > before);
    let before = version();
    store.see_search(number, first.number, 8).expect("seen");
    store.see_search(number, first.number, 7).expect("seen");
    assert_eq!(version(), before);
    let changed = store.change_search(number, first.number, Some(None), None).expect("changed");
    assert_eq!((changed.name.as_deref(), changed.muted, changed.seen), (None, true, 8));
    store.delete_search(number, second.number).expect("deleted");
    let store = store.reopened();
    assert_eq!(store.searches(number).expect("read"), [changed]);
    let again = made(store.save_search(&reader, new(&ada), 2).expect("saved"));
    assert!(again.number > second.number, "numbers are used once");
}

pub fn searches_are_restored(kind: Kind) {
    let store = Fixture::new(kind);
    let cats = Follow::Query("cats".into());
    let kept = made(store.save_search(&user("ada"), new(&cats), 9).expect("saved"));
    let ada = store.user("ada").expect("there").number;
    let of = |what, name: &str| StoredSearch {
        number: 77,
        what,
        name: Some(name.into()),
        muted: true,
        created: Moment(1),
        seen: 99,
    };
    let brought = [of(cats, "theirs"), of(Follow::Category("cs".into()), "both")];
    store.restore_searches(ada, &brought, 4, 9).expect("restored");
    store.restore_searches(ada, &brought, 4, 9).expect("restored twice");
    store.restore_searches(ada + 1, &brought, 4, 9).expect("nobody's is no error");
    let all = store.searches(ada).expect("read");
    assert_eq!((all.len(), &all[0]), (2, &kept));
    assert_eq!((all[1].name.as_deref(), all[1].muted, all[1].seen, all[1].created), (Some("both"), true, 4, Moment(1)));
    assert_ne!(all[1].number, 77);
    // No more than anybody may have, and what is left out is counted.
    let more: Vec<StoredSearch> = (0..4).map(|k| of(Follow::Author(format!("a{k}")), "more")).collect();
    assert_eq!(store.restore_searches(ada, &more, 4, 3).expect("restored"), 3);
    assert_eq!(store.searches(ada).expect("read").len(), 3);
    assert_eq!(store.restore_searches(ada, &brought, 4, 3).expect("restored"), 0, "these are there");
}

pub fn calls_are_made_tried_and_kept(kind: Kind) {
    let store = Fixture::new(kind);
    let what = Follow::Query("cats".into());
    let hook = |user, search| NewWebhook { user, search, what: &what, url: "https://x", created: Moment(1), told: 3 };
    let search = made(store.save_search(&user("ada"), new(&what), 9).expect("saved"));
    let ada = store.user("ada").expect("there").number;
    assert_eq!(store.add_webhook(hook(Some(ada + 9), None), 9).expect("asked"), None, "of nobody who is there");
    assert_eq!(store.add_webhook(hook(None, Some(search.number)), 9).expect("asked"), None, "not of this reader");
    let one = store.add_webhook(hook(Some(ada), Some(search.number)), 1).expect("made").expect("room");
    assert_eq!(store.add_webhook(hook(Some(ada), None), 1).expect("asked"), None, "there is one");
    let open = store.add_webhook(hook(None, None), 1).expect("made").expect("room");
    assert_eq!(store.webhooks(None).expect("read"), [one.clone(), open.clone()]);
    assert_eq!(
        (one.owner.as_deref(), open.owner.as_deref(), store.last_error(one.number).expect("read")),
        (Some("ada"), None, None)
    );
    assert_eq!(store.webhooks(Some(ada)).expect("read"), std::slice::from_ref(&one));
    let call = |n: u64| NewCall { papers: vec![id(&format!("p{n}")), id("ü\"")], left_out: n };
    let calls: Vec<NewCall> = (0..4).map(call).collect();
    assert!(store.make_calls(one.number, 3, 8, &calls, Moment(10)).expect("made"));
    assert!(!store.make_calls(one.number, 3, 9, &calls, Moment(10)).expect("asked"), "it was told of these");
    assert!(store.make_calls(open.number, 3, 8, &[call(7)], Moment(11)).expect("made"));
    let (due, next) = (store.due_calls(Moment(20), 9).expect("read"), store.next_call().expect("read"));
    assert_eq!((due.len(), next), (2, Some(Moment(10))), "one of each");
    assert_eq!((due[0].webhook, &due[0].papers, due[0].state), (one.number, &call(0).papers, CallState::Waiting));
    assert!(store.due_calls(Moment(9), 9).expect("read").is_empty());
    // Begun: until it is to be tried again nobody else begins it.
    let begun = store.begin_call(due[0].number, Moment(20), Moment(60)).expect("begun").expect("it waits");
    assert_eq!((begun.tries, begun.tried, begun.due), (1, Some(Moment(20)), Some(Moment(60))));
    assert_eq!(store.begin_call(begun.number, Moment(21), Moment(61)).expect("asked"), None);
    let store = store.reopened();
    assert_eq!(store.begin_call(begun.number, Moment(60), Moment(90)).expect("begun").expect("it waits").tries, 2);
    let failed = |state, due| CallTried { status: Some(500), error: Some("no".into()), state, due, is_down: true };
    store.end_call(begun.number, &failed(CallState::Waiting, Some(Moment(99))), 1).expect("noted");
    let waiting = store.calls(one.number, 9).expect("read");
    assert!(waiting.iter().all(|c| c.due == Some(Moment(99))), "the others wait as long: {waiting:?}");
    assert_eq!(store.last_error(one.number).expect("read").as_deref(), Some("no"));
    // Of one that is refused for what it says the others know nothing.
    let refused = CallTried { is_down: false, ..failed(CallState::Waiting, Some(Moment(500))) };
    store.end_call(waiting[2].number, &refused, 1).expect("noted");
    let dues: Vec<_> = store.calls(one.number, 9).expect("read").iter().map(|c| c.due).collect();
    assert_eq!(dues, [99, 99, 500, 99].map(|at| Some(Moment(at))), "the newest first");
    assert_eq!((waiting[0].left_out, waiting[3].error.as_deref()), (3, Some("no")));
    let done = CallTried { status: Some(200), error: None, state: CallState::Done, due: None, is_down: false };
    store.end_call(waiting[3].number, &failed(CallState::Dead, None), 1).expect("noted");
    store.end_call(waiting[2].number, &done, 2).expect("noted");
    let counts = store.count_calls(Some(one.number)).expect("read");
    assert_eq!((counts.waiting, counts.dead, store.calls(one.number, 9).expect("read").len()), (2, 1, 4));
    // Of those that do not wait the newest stay.
    store.end_call(waiting[1].number, &done, 2).expect("noted");
    let left: Vec<i64> = store.calls(one.number, 9).expect("read").iter().map(|c| c.number).collect();
    assert_eq!(left, [waiting[0].number, waiting[1].number, waiting[2].number]);
    // Its receiver ends it; a dead letter that is taken up again lets it begin anew.
    store.end_webhook(one.number, Moment(120)).expect("ended");
    assert!(!store.make_calls(one.number, 8, 9, &calls, Moment(121)).expect("asked"));
    assert_eq!(store.due_calls(Moment(999), 9).expect("read").len(), 1);
    assert_eq!(store.revive_calls(one.number, Some(waiting[1].number), Moment(130)).expect("asked"), 0, "it is done");
    assert_eq!(store.revive_calls(one.number, None, Moment(130)).expect("revived"), 1);
    let again = store.calls(one.number, 1).expect("read").remove(0);
    assert_eq!((again.since, again.due, again.tries, again.made), (Moment(130), Some(Moment(130)), 0, Moment(10)));
    assert_eq!(store.webhook(one.number).expect("read").expect("there").ended, None);
    // It goes with its search, and others stay.
    store.delete_search(ada, search.number).expect("deleted");
    assert_eq!(store.webhook(one.number).expect("read"), None);
    assert!(store.calls(one.number, 9).expect("read").is_empty());
    assert_eq!(store.count_calls(None).expect("read").waiting, 1);
    store.delete_webhook(open.number).expect("deleted");
    assert!(is_missing(store.delete_webhook(open.number)) && store.next_call().expect("read").is_none());
    let later = store.add_webhook(hook(None, None), 1).expect("made").expect("room");
    assert!(later.number > open.number, "numbers are used once");
}
