//! Who hears of what changes in the corpus. What knows the corpus follows it; the corpus knows nobody by name.

use std::sync::{Arc, Mutex, PoisonError, Weak};

/// What became of the corpus between two states of the store.
#[derive(Debug, Clone, Copy)]
pub struct Changes {
    /// What was known before.
    pub from: u64,
    /// The change of the store up to which vectors and versions have followed now.
    pub to: u64,
    /// Whether the papers have moved to another model, so that their vectors are others.
    pub other_space: bool,
}

/// Who hears of changes. It is called on the thread that wrote, once everything in the corpus has followed, and must be
/// quick: it notes what there is to do, and leaves that to whoever keeps it up to date.
pub trait Follower: Send + Sync {
    /// Hears what has changed.
    fn hear(&self, changes: &Changes);
}

/// Those who follow.
#[derive(Default)]
pub struct Followers(Mutex<Vec<Weak<dyn Follower>>>);

impl Followers {
    /// One more, for as long as it lives.
    pub fn add(&self, follower: &Arc<dyn Follower>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::downgrade(follower));
    }

    /// Tells all of them.
    pub fn tell(&self, changes: &Changes) {
        let Changes { from, to, other_space } = changes;
        tracing::debug!("what is derived has followed from change {from} to {to}, other vectors: {other_space}");
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        all.iter().filter_map(Weak::upgrade).for_each(|follower| follower.hear(changes));
    }
}
