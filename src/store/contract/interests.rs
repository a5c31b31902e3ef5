use super::{Fixture, Kind};
use crate::error::Error;
use crate::store::{FoundInterests, StoredInterest};
use crate::user::Edits;

fn interest(number: u32, papers: &[&str]) -> StoredInterest {
    StoredInterest {
        number,
        edits: Edits::default(),
        merged: None,
        papers: papers.iter().map(ToString::to_string).collect(),
        anchor: Vec::new(),
    }
}

fn named(of: StoredInterest, name: &str) -> StoredInterest {
    StoredInterest { edits: Edits { name: Some(name.into()), ..of.edits }, ..of }
}

pub fn edits_are_whole(kind: Kind) {
    let store = Fixture::new(kind);
    let ada = store.made("ada");
    store.replace_interests(ada, &[interest(2, &["b"]), interest(1, &["a", "ü'\""])]).expect("written");
    let first = store.interests(ada).expect("read");
    assert_eq!(first, [interest(1, &["a", "ü'\""]), interest(2, &["b"])], "in the order of their numbers");
    let version = store.user("ada").expect("there").version;
    // What is refused changes nothing.
    let refused = store.edit_interests(ada, &mut |all| {
        all.clear();
        Err(Error::Invalid("no".into()))
    });
    assert!(matches!(refused, Err(Error::Invalid(why)) if why == "no"));
    assert_eq!((store.interests(ada).expect("read"), store.user("ada").expect("there").version), (first, version));
    // Of many who edit at once none loses what another did.
    std::thread::scope(|scope| {
        for k in 0..6u32 {
            let store = &store;
            scope.spawn(move || {
                for round in 0..5 {
                    let edit = &mut |all: &mut Vec<StoredInterest>| {
                        all.push(named(interest(100 + 10 * k + round, &["a"]), "mine"));
                        Ok(())
                    };
                    store.edit_interests(ada, edit).expect("written");
                }
            });
        }
    });
    assert_eq!(store.interests(ada).expect("read").len(), 32);
    assert!(store.user("ada").expect("there").version >= version + 30);
}

pub fn what_was_said_stays(kind: Kind) {
    let store = Fixture::new(kind);
    let ada = store.made("ada");
    let said = StoredInterest { merged: Some(7), anchor: vec!["a".into()], ..named(interest(1, &["a"]), "Mine") };
    store.replace_interests(ada, std::slice::from_ref(&said)).expect("written");
    let version = store.user("ada").expect("there").version;
    // Who found these has read nothing of the name.
    store.put_found_interests(ada, &[interest(1, &["a", "b"]), interest(3, &["c"])]).expect("written");
    let store = store.reopened();
    let papers = vec!["a".to_string(), "b".to_string()];
    assert_eq!(store.interests(ada).expect("read"), [StoredInterest { papers, ..said }, interest(3, &["c"])]);
    assert_eq!(store.user("ada").expect("there").version, version);
    store.replace_interests(ada, &[]).expect("written");
    assert!(store.interests(ada).expect("read").is_empty());
}

pub fn of_nobody_nothing_is_kept(kind: Kind) {
    let store = Fixture::new(kind);
    let gone = store.made("ada");
    store.delete_user("ada").expect("deleted");
    store.put_found_interests(gone, &[interest(1, &["a"])]).expect("no error");
    store.replace_interests(gone, &[interest(2, &["a"])]).expect("no error");
    let edit = &mut |all: &mut Vec<StoredInterest>| {
        all.push(interest(3, &["a"]));
        Ok(())
    };
    store.edit_interests(gone, edit).expect("no error");
    assert!(store.interests(gone).expect("read").is_empty());
}

pub fn who_changed_is_to_be_found_again(kind: Kind) {
    let store = Fixture::new(kind);
    let (ada, bob) = (store.made("ada"), store.made("bob"));
    let waiting = |store: &Fixture| -> Vec<i64> {
        store.interests_to_find(None, 9).expect("read").iter().map(|user| user.number).collect()
    };
    assert_eq!(waiting(&store), [ada, bob]);
    assert_eq!(store.interests_to_find(Some(ada), 9).expect("read").len(), 1);
    assert_eq!(store.interests_to_find(None, 1).expect("read")[0].number, ada);
    let version = store.user("ada").expect("there").version;
    let found = |user, version, paper: &str| FoundInterests { user, version, interests: vec![interest(1, &[paper])] };
    assert_eq!(store.keep_found_interests(&[found(ada, version, "a")]).expect("written"), [true]);
    assert_eq!(waiting(&store), [bob]);
    assert_eq!(store.user("ada").expect("there").version, version, "nothing that is shown has changed");
    // What was found of a state that is past is not kept, and no more of whoever is gone.
    store.edit_interests(ada, &mut |_| Ok(())).expect("written");
    store.delete_user("bob").expect("deleted");
    let late = [found(ada, version, "b"), found(bob, 1, "b")];
    assert_eq!(store.keep_found_interests(&late).expect("written"), [false, false]);
    assert_eq!((waiting(&store), store.any_interests_to_find().expect("read")), (vec![ada], true));
    assert_eq!(store.interests(ada).expect("read"), [interest(1, &["a"])]);
    let store = store.reopened();
    let version = store.user("ada").expect("there").version;
    store.keep_found_interests(&[found(ada, version, "b")]).expect("written");
    assert!(waiting(&store).is_empty() && !store.any_interests_to_find().expect("read"));
    assert_eq!(store.interests(ada).expect("read"), [interest(1, &["b"])]);
}
