use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use roaring::RoaringBitmap;

use super::{Fixture, Kind, MODEL, event, id, titled, user, vector};
use crate::cancel::Cancel;
use crate::error::Error;
use crate::paper::Paper;
use crate::store::ListOrder;
use crate::user::{EventKind, Settings};

/// Writers put and delete from several threads; a follower reads the number, then what has changed since the one before. What
/// it has is then what there is: no change came in later under a number that it had passed already.
pub fn who_follows_the_changes_misses_nothing(kind: Kind) {
    let store = Fixture::new(kind);
    let (writing, numbers) = (AtomicUsize::new(4), std::sync::Mutex::new(Vec::new()));
    let (deleted, looked) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let (seen, looks) = std::thread::scope(|scope| {
        for w in 0..4 {
            let (store, writing, numbers, deleted, looked) = (&store, &writing, &numbers, &deleted, &looked);
            scope.spawn(move || {
                for k in 0..25 {
                    if k == 12 {
                        // One whole look of the follower comes between the two halves.
                        let (before, began) = (looked.load(Ordering::SeqCst), Instant::now());
                        while looked.load(Ordering::SeqCst) < before + 2 {
                            assert!(began.elapsed() < Duration::from_secs(60), "nobody follows");
                            std::thread::yield_now();
                        }
                    }
                    let papers: Vec<Paper> =
                        (0..3).map(|j| titled(&format!("{w}-{}", (k + j) % 7), &format!("{w} {k} {j}"))).collect();
                    let vectors: Vec<[f32; 2]> = papers.iter().map(vector).collect();
                    let all: Vec<(&Paper, Option<&[f32]>)> =
                        papers.iter().zip(&vectors).map(|(p, v)| (p, Some(v.as_slice()))).collect();
                    let change = store.put_papers(&all, MODEL).expect("written").change;
                    numbers.lock().expect("whole").push(change);
                    if k % 5 == 4 {
                        let gone = store.delete(&format!("{w}-{}", k % 7));
                        deleted.fetch_add(usize::from(gone.is_some()), Ordering::SeqCst);
                    }
                }
                writing.fetch_sub(1, Ordering::SeqCst);
            });
        }
        let (mut seen, mut at, mut looks) = (RoaringBitmap::new(), 0, Vec::new());
        loop {
            let done = writing.load(Ordering::SeqCst) == 0;
            let now = store.change().expect("read");
            assert!(now >= at, "numbers only rise");
            seen |= store.changes_since(at).expect("read").came;
            at = now;
            looks.push(now);
            looked.fetch_add(1, Ordering::SeqCst);
            if done {
                break (seen, looks);
            }
        }
    });
    let all = store.rows_of_all().expect("read");
    assert!(all.is_subset(&seen), "missed {:?}", &all - &seen);
    // Each transaction that changed something has a number of its own, and no number was given to anything else.
    let mut numbers = numbers.into_inner().expect("whole");
    numbers.sort_unstable();
    assert!(numbers.windows(2).all(|pair| pair[0] < pair[1]), "{numbers:?}");
    let (last, deleted) = (store.change().expect("read"), deleted.into_inner());
    assert_eq!((numbers.len(), deleted, last), (100, 20, 120));
    assert!(numbers.iter().all(|number| (1..=last).contains(number)), "{numbers:?}");
    assert!(
        looks.len() > 2 && looks.iter().any(|now| (1..last).contains(now)),
        "it followed while they wrote: {looks:?}"
    );
    for since in [last / 3, last / 2, last] {
        let changed = store.changes_since(since).expect("read").came;
        assert!(changed.is_subset(&all));
    }
}

/// While batches of ten come and go, whoever reads sees all of a batch or nothing of it.
pub fn readers_see_whole_transactions(kind: Kind) {
    let store = Fixture::new(kind);
    let batch =
        |n: usize| -> Vec<Paper> { (0..10).map(|k| titled(&format!("p{k}"), &format!("text {n} of {k}"))).collect() };
    store.put(&batch(0));
    let writing = AtomicBool::new(true);
    std::thread::scope(|scope| {
        for reader in 0..3 {
            let (store, writing) = (&store, &writing);
            scope.spawn(move || {
                let mut reads = 0;
                while writing.load(Ordering::SeqCst) || reads < 3 {
                    reads += 1;
                    let text = |p: &Paper| p.title.split(' ').nth(1).map(str::to_string);
                    let papers: Vec<Paper> = match reader {
                        0 => store.papers_after(None, 100).expect("read").into_iter().map(|(_, p)| p).collect(),
                        1 => {
                            let slice = store.list(ListOrder::Votes, None, None, 100).expect("read");
                            assert_eq!(slice.total, slice.items.len());
                            slice.items
                        }
                        _ => {
                            let ids: Vec<_> = (0..10).map(|k| id(&format!("p{k}"))).collect();
                            let rows = store.rows(&ids.iter().collect::<Vec<_>>()).expect("read");
                            let (least, most) = (rows.iter().min(), rows.iter().max());
                            assert!(
                                matches!((least, most), (Some(Some(a)), Some(Some(b))) if b.0 - a.0 == 9),
                                "{rows:?}"
                            );
                            continue;
                        }
                    };
                    assert_eq!((papers.len(), store.count_papers().expect("read")), (10, 10));
                    assert!(papers.iter().all(|p| text(p) == text(&papers[0])), "half of a batch");
                }
            });
        }
        for n in 1..60 {
            store.put(&batch(n));
        }
        writing.store(false, Ordering::SeqCst);
    });
}

pub fn writers_lose_nothing_of_each_other(kind: Kind) {
    let store = Fixture::new(kind);
    store.put(&(0..50).map(|k| titled(&format!("p{k}"), &format!("T{k}"))).collect::<Vec<_>>());
    // All of them make the same user, and do some of the same.
    let accepted: usize = std::thread::scope(|scope| {
        let one = |w: usize| {
            let store = &store;
            scope.spawn(move || {
                let own = (0..40).map(|k| event(&format!("p{k}"), EventKind::View, (1_000 * (w % 4) + k) as i64));
                own.map(|e| store.add_events(&user("ada"), &[e]).expect("written").accepted).sum::<usize>()
            })
        };
        (0..8).map(one).collect::<Vec<_>>().into_iter().map(|t| t.join().expect("ends")).sum()
    });
    let ada = store.user("ada").expect("made");
    assert_eq!(
        (accepted, store.count_events(ada.number).expect("read"), store.count_users().expect("read")),
        (160, 160, 1)
    );
    assert_eq!(ada.version, 161, "once for each that was accepted");
    // The same papers from all sides: each is there once.
    std::thread::scope(|scope| {
        for w in 0..6 {
            let store = &store;
            scope.spawn(move || {
                for k in 0..10 {
                    store.put(&[
                        titled(&format!("p{k}"), &format!("of {w}")),
                        titled(&format!("q{w}"), &format!("{k}")),
                    ]);
                    store
                        .put_user(&user("bob"), &Settings { per_author: Some(w * 10 + k + 1), ..Settings::default() })
                        .expect("written");
                }
            });
        }
    });
    assert_eq!((store.count_papers().expect("read"), store.rows_of_all().expect("read").len()), (56, 56));
    let store = store.reopened();
    assert_eq!((store.count_papers().expect("read"), store.user("bob").expect("made").version), (56, 60));
}

pub fn who_gave_up_writes_nothing(kind: Kind) {
    let store = Fixture::new(kind);
    let gone = Cancel::new();
    gone.cancel();
    let paper = titled("a", "1");
    gone.scope(|| {
        assert!(matches!(store.put_papers(&[(&paper, Some(&[0.0, 1.0]))], MODEL), Err(Error::Cancelled)));
        assert!(matches!(store.put_user(&user("ada"), &Settings::default()), Err(Error::Cancelled)));
        assert_eq!(store.count_papers().expect("reads"), 0);
    });
    assert!(store.user("ada").is_err());
    assert_eq!(store.put(&[paper]).len(), 1);
}
