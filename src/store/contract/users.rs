use super::{Fixture, Kind, MODEL, event, model, titled, user};
use crate::error::Error;
use crate::paper::{Paper, PaperId};
use crate::store::{
    FolderMade, ImportStatus, ImportWindow, NewCall, NewSearch, NewWebhook, SearchSaved, SignedInWith, StoredInterest,
    StoredLink, StoredSession,
};
use crate::user::{Edits, EventKind, Follow, Moment, Settings};

fn is_missing<T>(done: crate::Result<T>) -> bool {
    matches!(done, Err(Error::NotFound { what: "user", .. }))
}

pub fn users_are_made_and_restored(kind: Kind) {
    let store = Fixture::new(kind);
    assert!(is_missing(store.user("ada")));
    let own = Settings { per_author: Some(2), exploration: Some(0.25), ..Settings::default() };
    let ada = store.put_user(&user("ada"), &own).expect("made");
    assert_eq!((&ada.settings, ada.name.as_str()), (&own, "ada"));
    let same = store.put_user(&user("ada"), &own).expect("written");
    assert_eq!(same, ada, "the same settings change nothing");
    let other = store.put_user(&user("ada"), &Settings::default()).expect("written");
    assert!(other.version > ada.version && (other.number, other.created) == (ada.number, ada.created));
    assert_eq!(store.user("ada").expect("there"), other);
    assert!(is_missing(store.user("Ada")), "names are compared to the byte");
    // The earlier day counts, and a token that was given out stays.
    let token = store.feed_token("ada", "first").expect("given");
    store.restore_user(&user("ada"), &own, Moment(5), Some("theirs")).expect("written");
    let restored = store.user("ada").expect("there");
    assert_eq!((&restored.settings, restored.created, restored.number), (&own, Moment(5), ada.number));
    assert!(restored.version > other.version);
    assert_eq!(store.known_feed_token("ada").expect("read"), Some(token));
    store.restore_user(&user("bob"), &Settings::default(), Moment(7), Some("his")).expect("written");
    assert_eq!(store.known_feed_token("bob").expect("read").as_deref(), Some("his"));
    assert_eq!(store.user("bob").expect("there").created, Moment(7));
    // In the order in which they came, from one that is gone as well.
    let names = ["😀 ü'\"%", "carol", "dave"];
    let numbers: Vec<i64> = names.map(|name| store.made(name)).to_vec();
    let after = |n: Option<i64>, k: usize| -> Vec<String> {
        store.users_after(n, k).expect("read").iter().map(|u| u.name.to_string()).collect()
    };
    assert_eq!(after(None, 2), ["ada", "bob"]);
    assert_eq!(store.delete_user("carol").expect("deleted"), numbers[1]);
    assert_eq!(after(Some(numbers[1]), usize::MAX), ["dave"]);
    assert_eq!(after(Some(ada.number), 2), ["bob", names[0]]);
    assert_eq!(store.count_users().expect("read"), 4);
    let all = store.user_names().expect("read");
    assert_eq!((all.len(), all[&numbers[0]].as_str()), (4, names[0]));
    assert_eq!(store.reopened().user(names[0]).expect("there").number, numbers[0]);
}

pub fn tokens_are_given_once(kind: Kind) {
    let store = Fixture::new(kind);
    assert!(is_missing(store.feed_token("ada", "x")) && is_missing(store.revoke_feed_token("ada")));
    assert_eq!(store.known_feed_token("ada").expect("read"), None);
    store.made("ada");
    assert_eq!(store.known_feed_token("ada").expect("read"), None);
    let given: Vec<String> = std::thread::scope(|scope| {
        let one = |k: usize| {
            let store = &store;
            scope.spawn(move || store.feed_token("ada", &format!("fresh {k}")).expect("given"))
        };
        (0..8).map(one).collect::<Vec<_>>().into_iter().map(|t| t.join().expect("ends")).collect()
    });
    assert!(given.iter().all(|token| *token == given[0]), "{given:?}");
    assert_eq!(store.known_feed_token("ada").expect("read"), Some(given[0].clone()));
    store.revoke_feed_token("ada").expect("taken back");
    store.revoke_feed_token("ada").expect("there is none, which is no error");
    assert_eq!(store.known_feed_token("ada").expect("read"), None);
    assert_eq!(store.feed_token("ada", "another").expect("given"), "another");
}

pub fn numbers_are_used_once(kind: Kind) {
    let mut store = Fixture::new(kind);
    let mut last = 0;
    for _ in 0..4 {
        let number = store.made("ada");
        assert!(number > last);
        last = number;
        assert_eq!(store.delete_user("ada").expect("deleted"), number);
        assert!(is_missing(store.delete_user("ada")));
        store = store.reopened();
    }
}

/// Everything that a user can have, with a word in it that nobody else has.
fn fill(store: &Fixture, name: &str, secret: &str) {
    let name = user(name);
    let paper = |k: usize| {
        let value = serde_json::json!({
            "id": format!("{secret}-{k}"), "title": format!("{secret} {k}"), "abstract": "x".repeat(k * 40),
        });
        Paper::from_json(value).expect("a paper")
    };
    let papers: Vec<Paper> = (0..200).map(paper).collect();
    let kept: Vec<(&Paper, &[f32])> = papers.iter().map(|p| (p, &[1.0, 0.0][..])).collect();
    store.put_library_papers(&name, &kept, MODEL).expect("written");
    let like = |p: &Paper| event(p.id.as_str(), EventKind::Like, Moment::now().0);
    store.add_events(&name, &papers.iter().map(like).collect::<Vec<_>>()).expect("written");
    let number = store.user(name.as_str()).expect("there").number;
    for round in 0..5 {
        let interest = |number| StoredInterest {
            number,
            edits: Edits { name: Some(format!("{secret} {round}")), ..Edits::default() },
            merged: None,
            papers: papers.iter().take(100).map(|p| p.id.to_string()).collect(),
            anchor: vec![format!("{secret}-1")],
        };
        let all: Vec<StoredInterest> = (1..10 - round).map(interest).collect();
        store.replace_interests(number, &all).expect("written");
    }
    let about = format!("{{\"name\":\"{secret}\"}}");
    let (number, import) = store.begin_import(&name, 1, &about).expect("begun");
    // In no order of the table, so that its pages are split in their middle.
    let seen: Vec<_> =
        (0..200).map(|k| event(papers[k * 77 % 200].id.as_str(), EventKind::View, Moment::now().0)).collect();
    let window = ImportWindow { papers: kept.clone(), fingerprint: MODEL, events: &seen, done: 1 };
    store.add_to_import(number, import, &window, &|_| about.clone()).expect("written");
    let answer = format!("[\"{}\"]", secret.repeat(5000));
    store.end_import(number, import, ImportStatus::Done, &about, Some(&answer)).expect("written");
    store.feed_token(name.as_str(), &format!("token {secret}")).expect("given");
    let what = Follow::Query(format!("{secret} searched"));
    let own = format!("{secret} named");
    let search = NewSearch { what: &what, name: Some(&own), created: Moment(1), seen: 0 };
    let SearchSaved::Made(search) = store.save_search(&name, search, 9).expect("saved") else { panic!("it is new") };
    let url = format!("https://{secret}.example");
    let (created, search) = (Moment(1), Some(search.number));
    let hook = NewWebhook { user: Some(number), search, what: &what, url: &url, created, told: 0 };
    let hook = store.add_webhook(hook, 9).expect("made").expect("room");
    let call = NewCall { papers: vec![papers[0].id.clone()], left_out: 0 };
    assert!(store.make_calls(hook.number, 0, 1, &[call], Moment(1)).expect("made"));
    let session = StoredSession {
        id: format!("session {secret}"),
        hash: *blake3::hash(secret.as_bytes()).as_bytes(),
        with: SignedInWith::Link,
        reader: Some(name.clone()),
        created: Moment(1),
        seen: Moment(1),
        until: Moment::now(),
        browser: format!("browser {secret}"),
    };
    store.add_session(&session).expect("written");
    let link = StoredLink { hash: session.hash, reader: name, created: Moment(1), until: Moment(2), used: None };
    store.add_link(&link, Moment(0)).expect("written");
    for (k, of) in papers.chunks(20).enumerate() {
        let folder = format!("{secret} folder {k}");
        let made = store.make_folder(&link.reader, &folder, Moment(1), 99).expect("made");
        let FolderMade::Made(folder) = made else { panic!("{made:?}") };
        let ids: Vec<&PaperId> = of.iter().map(|p| &p.id).collect();
        store.file_papers(number, folder.number, &ids, &|_, _| Vec::new(), Moment(2), 999).expect("filed");
        let text = format!("{secret} written {}", "so ".repeat(k * 70));
        store.put_note(&link.reader, ids[k], &text, Moment(3), 99).expect("written").expect("room");
    }
}

pub fn a_deleted_user_leaves_nothing(kind: Kind) {
    let store = Fixture::new(kind);
    fill(&store, "stays", "KEPT");
    fill(&store, "zebra-user", "QUIXOTIC");
    fill(&store, "other", "OTHER");
    let kept = |store: &Fixture| {
        let number = store.user("stays").expect("there").number;
        (
            store.history(number).expect("read"),
            store.library(number).expect("read"),
            store.interests(number).expect("read"),
            store.imports_with_claims(number).expect("read"),
            (
                store.searches(number).expect("read"),
                store.folders(number).expect("read"),
                store.filed(number).expect("read"),
                store.notes(number, 0, 999).expect("read"),
            ),
        )
    };
    let before = kept(&store);
    let gone = store.user("zebra-user").expect("there").number;
    let theirs = store.library(gone).expect("read");
    assert_eq!(store.delete_user("zebra-user").expect("deleted"), gone);
    store.settle_forgotten();
    // Nothing is said of them, by name or by number.
    assert!(is_missing(store.user("zebra-user")) && store.known_feed_token("zebra-user").expect("read").is_none());
    assert_eq!((store.count_events(gone).expect("read"), store.history(gone).expect("read").len()), (0, 0));
    assert!(store.library(gone).expect("read").is_empty() && store.interests(gone).expect("read").is_empty());
    assert!(store.searches(gone).expect("read").is_empty() && store.webhooks(Some(gone)).expect("read").is_empty());
    assert_eq!((store.webhooks(None).expect("read").len(), store.count_calls(None).expect("read").waiting), (2, 2));
    let signed_in = |name: &str| {
        let all = store.sessions().expect("read");
        all.iter().filter(|s| s.reader.as_ref().is_some_and(|r| r.as_str() == name)).count()
    };
    assert_eq!((signed_in("zebra-user"), signed_in("stays"), signed_in("other")), (0, 1, 1));
    let link = |secret: &str| store.link(blake3::hash(secret.as_bytes()).as_bytes()).expect("read");
    assert!(link("QUIXOTIC").is_none() && link("KEPT").is_some());
    assert!(store.folders(gone).expect("read").is_empty() && store.filed(gone).expect("read").is_empty());
    assert_eq!(store.notes(gone, 0, 9).expect("read").total, 0);
    assert!(store.imports(gone).expect("read").is_empty() && store.received(gone).expect("read").is_empty());
    store
        .each_event_before(i32::MAX, &mut |user, event, _| {
            assert!(user != gone && !event.paper.as_str().contains("QUIX"))
        })
        .expect("read");
    let known = store.known_vectors(&model(MODEL), &theirs.iter().collect::<Vec<_>>()).expect("read");
    assert!(known.iter().all(Option::is_none));
    // Nor does anything of them lie about in the folder.
    for file in std::fs::read_dir(store.folder.path()).expect("a folder").flatten() {
        let bytes = std::fs::read(file.path()).expect("readable");
        for word in ["QUIXOTIC", "zebra-user"] {
            let found = bytes.windows(word.len()).filter(|w| *w == word.as_bytes()).count();
            assert_eq!(found, 0, "{word} is still in {:?}", file.file_name());
        }
    }
    assert_eq!(kept(&store), before, "others lose nothing");
    assert_eq!(before.0.len(), 400);
    // One of the same name who comes later begins with nothing.
    store.put(&[titled("a", "One")]);
    store.add_events(&user("zebra-user"), &[event("a", EventKind::Save, 1)]).expect("written");
    let again = store.user("zebra-user").expect("there").number;
    assert!(again > gone && store.history(again).expect("read").len() == 1);
    assert!(store.imports(again).expect("read").is_empty());
}
