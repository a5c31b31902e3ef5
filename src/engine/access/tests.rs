use std::sync::Arc;

use super::{Access, KeyRefused, NewKey};
use crate::access::{Identity, Scope};
use crate::error::{Error, Result};
use crate::store::{self, Store};
use crate::user::Moment;

fn opened(folder: &tempfile::TempDir) -> (Access, Arc<dyn Store>) {
    let store = store::open(folder.path()).expect("opens");
    (Access::open(Arc::clone(&store)).expect("opens"), store)
}

fn new(name: &str, scopes: &[Scope], user: Option<&str>) -> NewKey {
    NewKey { name: name.into(), scopes: scopes.to_vec(), user: user.map(Into::into), expires: None }
}

fn is_invalid<T>(done: Result<T>) -> bool {
    matches!(done, Err(Error::Invalid(_)))
}

#[test]
fn a_key_opens_until_it_is_taken_back() {
    let folder = tempfile::tempdir().expect("a folder");
    let (access, store) = opened(&folder);
    let now = Moment::now();
    let made = access.add_key(&new(" Ada's laptop ", &[], Some("ada"))).expect("made");
    assert_eq!((made.name.as_str(), made.scopes.given().collect::<Vec<_>>()), ("Ada's laptop", vec![Scope::Read]));
    let caller = access.caller_of_key(&made.key, now).expect("opens");
    assert_eq!(caller.identity, Identity::Key(made.id.clone()));
    assert!(caller.may_act_for("ada") && !caller.may_act_for("bob"));
    let other = access.add_key(&new("other", &[Scope::Write], None)).expect("made");
    // Another secret, another id, a part of it, more than it: all the same.
    let secret = &made.key[made.key.rfind('_').expect("there")..];
    let crossed = format!("pk_{}{secret}", other.id);
    let longer = format!("{}0", made.key);
    let upper = made.key.to_uppercase();
    for text in ["", "pk_", "x", &crossed, &longer, &upper, &made.key[..made.key.len() - 1], &made.id] {
        assert_eq!(access.caller_of_key(text, now), Err(KeyRefused::Wrong), "{text}");
    }
    let hash = blake3::hash(made.key.as_bytes()).to_hex();
    assert_eq!(access.caller_of_key(&format!("pk_{}_{hash}", made.id), now), Err(KeyRefused::Wrong));
    drop((access, store));
    // Opened again it is the same, and nothing of the secret lies in the folder.
    let (access, store) = opened(&folder);
    assert_eq!(access.caller_of_key(&made.key, now).expect("opens"), caller);
    for file in std::fs::read_dir(folder.path()).expect("a folder").flatten() {
        let bytes = std::fs::read(file.path()).expect("readable");
        assert!(!bytes.windows(secret.len()).any(|w| w == secret.as_bytes()), "{:?}", file.file_name());
    }
    access.revoke_key(&made.id).expect("taken back");
    assert_eq!(access.caller_of_key(&made.key, now), Err(KeyRefused::Wrong));
    assert!(matches!(access.revoke_key(&made.id), Err(Error::NotFound { what: "key", .. })));
    assert_eq!(access.keys().iter().map(|key| key.id.clone()).collect::<Vec<_>>(), [other.id]);
    drop((access, store));
    let (access, _store) = opened(&folder);
    assert_eq!(access.caller_of_key(&made.key, now), Err(KeyRefused::Wrong));
}

#[test]
fn what_is_not_allowed_makes_no_key() {
    let folder = tempfile::tempdir().expect("a folder");
    let (access, _store) = opened(&folder);
    for (name, scopes, user) in [
        ("", &[][..], None),
        ("  ", &[][..], None),
        ("a\u{1b}[2Jb", &[][..], None),
        ("bound", &[Scope::Admin][..], Some("ada")),
        ("bound", &[Scope::Read, Scope::Admin][..], Some("ada")),
        ("nameless", &[][..], Some("")),
    ] {
        assert!(is_invalid(access.add_key(&new(name, scopes, user))), "{name:?} {scopes:?} {user:?}");
    }
    assert!(is_invalid(access.add_key(&new(&"x".repeat(201), &[], None))));
    let over = NewKey { expires: Some(Moment(5)), ..new("over", &[], None) };
    assert!(is_invalid(access.add_key(&over)));
    assert!(access.keys().is_empty());
}

#[test]
fn an_expired_key_says_so_to_its_holder_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let (access, _store) = opened(&folder);
    let until = Moment(Moment::now().0 + 3_600_000_000);
    let made = access.add_key(&NewKey { expires: Some(until), ..new("short", &[Scope::Admin], None) }).expect("made");
    assert!(access.caller_of_key(&made.key, Moment(until.0 - 1)).is_ok());
    assert_eq!(access.caller_of_key(&made.key, until), Err(KeyRefused::Expired(until)));
    let wrong = format!("{}0", &made.key[..made.key.len() - 1]);
    if wrong != made.key {
        assert_eq!(access.caller_of_key(&wrong, until), Err(KeyRefused::Wrong));
    }
    assert!(access.first_admin_key().expect("looked").is_none(), "it still opens");
}

#[test]
fn the_first_admin_key_is_made_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let (access, _store) = opened(&folder);
    access.add_key(&new("reads", &[Scope::Read, Scope::Write, Scope::Users], None)).expect("made");
    let first = access.first_admin_key().expect("made").expect("there was none");
    let caller = access.caller_of_key(&first.key, Moment::now()).expect("opens");
    assert!(caller.has(Scope::Admin) && caller.may_act_for("anybody"));
    assert!(access.first_admin_key().expect("looked").is_none());
    access.revoke_key(&first.id).expect("taken back");
    assert!(access.first_admin_key().expect("made").is_some_and(|second| second.id != first.id));
}

#[test]
fn uses_are_written_down_when_asked_for_and_keys_go_with_their_reader() {
    let folder = tempfile::tempdir().expect("a folder");
    let (access, store) = opened(&folder);
    let of_ada = access.add_key(&new("a", &[], Some("ada"))).expect("made");
    let of_bob = access.add_key(&new("b", &[], Some("bob"))).expect("made");
    let used = |access: &Access| access.keys().into_iter().map(|key| key.last_used).collect::<Vec<_>>();
    let at = Moment(Moment::now().0 + 7);
    access.caller_of_key(&of_bob.key, at).expect("opens");
    // A clock that went back takes nothing back.
    access.caller_of_key(&of_bob.key, Moment(at.0 - 5)).expect("opens");
    assert_eq!(used(&access), [None, Some(at)]);
    assert!(store.keys().expect("read").iter().all(|key| key.last_used.is_none()), "no request waits for the store");
    access.note_key_uses().expect("written");
    access.note_key_uses().expect("nothing to do");
    assert_eq!(store.keys().expect("read")[1].last_used, Some(at));
    access.forgetting("ada", || store.delete_user("ada").map(drop)).expect("forgotten");
    assert_eq!(access.caller_of_key(&of_ada.key, at), Err(KeyRefused::Wrong));
    assert!(access.caller_of_key(&of_bob.key, at).is_ok());
    assert!(access.forgetting("nobody", || store.delete_user("nobody").map(drop)).is_err());
    assert_eq!(store.keys().expect("read").len(), 1);
}
