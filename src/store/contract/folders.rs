use super::{Fixture, Kind, MODEL, event, id, titled, user};
use crate::error::Error;
use crate::paper::PaperId;
use crate::store::{FiledNow, FiledPaper, FolderMade, FolderWithPapers, ImportStatus, ImportWindow, StoredFolder};
use crate::user::{Event, EventKind, Moment};

const MOST: usize = 9;

fn made(store: &Fixture, reader: &str, name: &str) -> StoredFolder {
    match store.make_folder(&user(reader), name, Moment(5), MOST).expect("asked") {
        FolderMade::Made(folder) => folder,
        other => panic!("{other:?}"),
    }
}

fn is_missing<T>(done: crate::Result<T>, what: &str) -> bool {
    matches!(done, Err(Error::NotFound { what: w, .. }) if w == what)
}

fn filed_now(added: usize, events: usize) -> Option<FiledNow> {
    Some(FiledNow { added, events })
}

fn ids(names: &[&str]) -> Vec<PaperId> {
    names.iter().map(|name| id(name)).collect()
}

/// What is in the folders of a reader: number of the folder and id of the paper.
fn filed(store: &Fixture, reader: &str) -> Vec<(i64, String)> {
    let number = store.user(reader).expect("there").number;
    store.filed(number).expect("read").into_iter().map(|(folder, filed)| (folder, filed.paper.to_string())).collect()
}

pub fn papers_stand_in_folders(kind: Kind) {
    let store = Fixture::new(kind);
    store.put(&["a", "b", "c"].map(|name| titled(name, name)));
    let odd = "<script>\u{202e}'; DROP TABLE folders; -- ü";
    let (one, two) = (made(&store, "ada", odd), made(&store, "ada", "two"));
    assert!(two.number > one.number && one.name == odd && one.created == Moment(5));
    assert_eq!(store.make_folder(&user("ada"), odd, Moment(9), MOST).expect("asked"), FolderMade::There(one.clone()));
    assert_eq!(store.make_folder(&user("ada"), "three", Moment(9), 2).expect("asked"), FolderMade::TooMany);
    let theirs = made(&store, "bob", odd);
    let (ada, bob) = (store.user("ada").expect("made").number, store.user("bob").expect("made").number);
    let version = || store.user("ada").expect("there").version;
    let before = version();
    let put = |folder: &StoredFolder, names: &[&str], most| {
        let ids = ids(names);
        store.file_papers(ada, folder.number, &ids.iter().collect::<Vec<_>>(), &|_, _| Vec::new(), Moment(7), most)
    };
    assert_eq!(put(&one, &["a", "b", "a"], 9).expect("filed"), filed_now(2, 0));
    assert_eq!(put(&two, &["b"], 9).expect("filed"), filed_now(1, 0));
    assert_eq!(put(&one, &["a", "b"], 3).expect("filed"), filed_now(0, 0), "they are there");
    assert_eq!(put(&one, &["c"], 3).expect("asked"), None, "one too many");
    assert!(is_missing(put(&one, &["c", "nowhere"], 9), "paper"), "all or none");
    assert!(is_missing(put(&theirs, &["a"], 9), "folder"));
    assert_eq!(version(), before, "it teaches nothing");
    let wanted = |all: &[(&StoredFolder, &str)]| -> Vec<(i64, String)> {
        all.iter().map(|(folder, paper)| (folder.number, paper.to_string())).collect()
    };
    assert_eq!(filed(&store, "ada"), wanted(&[(&one, "a"), (&one, "b"), (&two, "b")]));
    let (a, b, c) = (id("a"), id("b"), id("c"));
    let of = store.folders_of(ada, &[&b, &c, &a, &b]).expect("read");
    assert_eq!(of, [vec![one.number, two.number], vec![], vec![one.number], vec![one.number, two.number]]);
    // A save goes with it where what was done says so, once for each paper.
    let save = event("c", EventKind::Save, 8);
    let save_first = |paper: &PaperId, before: &[Event]| match before.is_empty() {
        true => vec![Event { paper: paper.clone(), ..save.clone() }],
        false => Vec::new(),
    };
    for (papers, wanted) in [(vec![&c, &c], filed_now(1, 1)), (vec![&c], filed_now(0, 0))] {
        assert_eq!(store.file_papers(ada, two.number, &papers, &save_first, Moment(8), 9).expect("filed"), wanted);
    }
    assert_eq!(store.history(ada).expect("read"), std::slice::from_ref(&save));
    assert!(version() > before);
    // Named again, and not as another is.
    assert_eq!(store.rename_folder(ada, two.number, odd).expect("asked"), None);
    let renamed = store.rename_folder(ada, two.number, "zwei").expect("renamed").expect("it is free");
    assert_eq!(renamed, StoredFolder { name: "zwei".into(), ..two.clone() });
    assert_eq!(store.rename_folder(ada, two.number, "zwei").expect("renamed"), Some(renamed.clone()));
    for of in [bob, ada + 99] {
        assert!(is_missing(store.rename_folder(of, two.number, "x"), "folder"));
        assert!(is_missing(store.delete_folder(of, two.number), "folder"));
        assert!(is_missing(store.unfile_papers(of, two.number, &[&b]), "folder"));
    }
    assert_eq!(store.unfile_papers(ada, one.number, &[&a, &c]).expect("out"), 1);
    // What is in it outlives the paper.
    store.delete("b");
    let store = store.reopened();
    assert_eq!(store.folders(ada).expect("read"), [one.clone(), renamed]);
    assert_eq!(filed(&store, "ada"), wanted(&[(&one, "b"), (&two, "b"), (&two, "c")]));
    store.delete_folder(ada, two.number).expect("deleted");
    assert_eq!(filed(&store, "ada"), wanted(&[(&one, "b")]));
    assert!(made(&store, "ada", "two").number > theirs.number, "numbers are used once");
}

pub fn what_is_filed_is_the_readers_own(kind: Kind) {
    let store = Fixture::new(kind);
    store.put(&[titled("a", "one"), titled("b", "two")]);
    let (own, loose) = (titled("own", "mine"), titled("loose", "too"));
    let (ada, import) = store.begin_import(&user("ada"), 1, "{}").expect("begun");
    let events = ["a", "b", "own", "loose"].map(|name| event(name, EventKind::Save, 1));
    let window = ImportWindow {
        papers: vec![(&own, &[1.0, 0.0][..]), (&loose, &[1.0, 0.0][..])],
        fingerprint: MODEL,
        events: &events,
        done: 1,
    };
    store.add_to_import(ada, import, &window, &|_| "{}".into()).expect("written");
    store.end_import(ada, import, ImportStatus::Done, "{}", None).expect("noted");
    let folder = made(&store, "ada", "mine");
    store.file_papers(ada, folder.number, &[&id("a"), &id("own")], &|_, _| Vec::new(), Moment(2), 9).expect("filed");
    store.put_note(&user("ada"), &id("loose"), "a thought", Moment(3), 9).expect("written").expect("room");
    // The import goes; what was filed stays saved, and what has a note stays.
    store.undo_import(ada, import).expect("undone");
    let left: Vec<String> = store.history(ada).expect("read").iter().map(|e| e.paper.to_string()).collect();
    assert_eq!(left, ["a", "own"]);
    let library: Vec<String> = store.library(ada).expect("read").iter().map(|p| p.id.to_string()).collect();
    assert_eq!(library, ["loose", "own"]);
    // Taken out of the library, a paper goes with everything.
    store.remove_library_paper(ada, "own").expect("gone");
    store.remove_library_paper(ada, "loose").expect("gone");
    assert_eq!(filed(&store, "ada"), [(folder.number, "a".to_string())]);
    assert_eq!(store.notes(ada, 0, 9).expect("read").total, 0);
}

pub fn folders_are_restored(kind: Kind) {
    let store = Fixture::new(kind);
    let here = made(&store, "ada", "both");
    let ada = store.user("ada").expect("made").number;
    let papers = |n: usize| (0..n).map(|k| FiledPaper { paper: id(&format!("p{k}")), at: Moment(k as i64) }).collect();
    let brought = [("both", 2), ("new", 3)].map(|(name, n)| FolderWithPapers {
        name: name.into(),
        created: Moment(1),
        papers: papers(n),
    });
    for _ in 0..2 {
        assert_eq!(store.restore_folders(ada, &brought, 9, 99).expect("restored"), 0);
    }
    assert_eq!(store.restore_folders(ada + 1, &brought, 9, 99).expect("nobody's is no error"), 0);
    let all = store.folders(ada).expect("read");
    assert_eq!((all.len(), &all[0], all[1].name.as_str(), all[1].created), (2, &here, "new", Moment(1)));
    assert_eq!(filed(&store, "ada").len(), 5);
    assert!(store.filed(ada).expect("read").iter().any(|(_, filed)| filed.at == Moment(2)));
    let more = [FolderWithPapers { name: "more".into(), created: Moment(1), papers: papers(4) }];
    assert_eq!(store.restore_folders(ada, &more, 2, 99).expect("restored"), 5, "a folder and what was in it");
    assert_eq!(store.restore_folders(ada, &more, 9, 7).expect("restored"), 2);
    assert_eq!(filed(&store, "ada").len(), 7);
}
