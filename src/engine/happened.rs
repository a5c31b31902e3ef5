//! Telling whoever listens that something of the folder has changed. What is made of it is theirs: the engine does not wait.

use std::sync::{Arc, PoisonError, RwLock};

use crate::engine::corpus::{Changes, Corpus, Follower};

/// What has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Happened {
    /// Papers came, changed or went.
    Papers,
    /// A reader did something, set something, or is forgotten.
    Readers,
    /// A subscription by mail was asked for, or changed.
    Mail,
}

type Listener = Box<dyn Fn(Happened) + Send + Sync>;

/// Who listens.
#[derive(Default)]
pub struct Listeners(RwLock<Vec<Listener>>);

impl Follower for Listeners {
    fn hear(&self, _: &Changes) {
        self.tell(Happened::Papers);
    }
}

impl Listeners {
    /// Those who hear of what changes in a corpus, and of what its readers do.
    pub fn over(corpus: &Corpus) -> Arc<Self> {
        let listeners: Arc<Self> = Arc::default();
        corpus.tell(&(Arc::clone(&listeners) as Arc<dyn Follower>));
        listeners
    }

    /// Tells all of them. They hear of it when it is in every answer.
    pub fn tell(&self, happened: Happened) {
        self.0.read().unwrap_or_else(PoisonError::into_inner).iter().for_each(|listener| listener(happened));
    }

    /// One more; it is called on the thread of whoever writes, and has to return at once.
    pub fn add(&self, listener: Listener) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).push(listener);
    }
}
