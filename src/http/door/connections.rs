//! The connections that are open, what each of them does, and which of them have to go.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use axum::http::Extensions;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

use super::budget::{Budget, Lease};
use crate::config::Server;

/// How often it is looked who has to go.
const LOOK: Duration = Duration::from_millis(250);

/// Whoever stands still for less than this is not sent away to make room.
const PRESENT: Duration = Duration::from_millis(500);

/// Who has taken nothing of an answer for so long may be cut off when the memory for answers is used up.
const SLOW: Duration = Duration::from_secs(2);

/// How long a connection may stand still, by what it does.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// From the first byte of a head to its last; and for a handshake, from the moment it could begin.
    pub header: Duration,
    /// Before the first request, and between two.
    pub idle: Duration,
    /// While an answer is written and nothing of it is taken.
    pub write: Duration,
}

impl From<&Server> for Limits {
    fn from(server: &Server) -> Self {
        Limits {
            header: Duration::from_secs(server.header_timeout_s),
            idle: Duration::from_secs(server.idle_timeout_s),
            write: Duration::from_secs(server.write_timeout_s),
        }
    }
}

/// Where a request comes from.
#[derive(Debug, Clone, Copy)]
pub struct Peer(pub SocketAddr);

/// How a request came over its own connection, which what stands in its headers says nothing of. Every request has one among its
/// extensions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// As it is.
    Http,
    /// By TLS, which ends here.
    Https,
}

impl Scheme {
    /// As it stands in addresses.
    pub fn name(self) -> &'static str {
        match self {
            Scheme::Http => "http",
            Scheme::Https => "https",
        }
    }

    /// That of a request.
    pub fn of(extensions: &Extensions) -> Self {
        extensions.get().copied().unwrap_or(Scheme::Http)
    }
}

/// What a connection does.
const IDLE: u8 = 0;
const WORKING: u8 = 1;
const BRINGING: u8 = 2;
const ANSWERING: u8 = 3;
const SHAKING: u8 = 4;

/// One connection, as it is watched. Times are milliseconds of [`now`]; 0 is never.
pub struct Connection {
    doing: AtomicU8,
    /// Whether it ever brought a request.
    asked: AtomicBool,
    /// Since when it waits for a request.
    since: AtomicU64,
    /// When the first byte of the head came that it waits for.
    head: AtomicU64,
    /// When bytes came or went the last time.
    moved: AtomicU64,
    /// Since when nothing of what is written is taken.
    blocked: AtomicU64,
    cut: Notify,
    reason: OnceLock<&'static str>,
}

/// Milliseconds, from 1 on.
fn now() -> u64 {
    static BEGIN: OnceLock<Instant> = OnceLock::new();
    let begin = BEGIN.get_or_init(Instant::now);
    u64::try_from(begin.elapsed().as_millis()).unwrap_or(u64::MAX - 1) + 1
}

fn get(at: &AtomicU64) -> u64 {
    at.load(Ordering::Relaxed)
}

impl Connection {
    fn new() -> Self {
        let now = now();
        Connection {
            doing: AtomicU8::new(IDLE),
            asked: false.into(),
            since: now.into(),
            head: 0.into(),
            moved: now.into(),
            blocked: 0.into(),
            cut: Notify::new(),
            reason: OnceLock::new(),
        }
    }

    /// Bytes came; whether they are of the head of a request, and the first of it.
    pub fn came(&self) -> (bool, bool) {
        let now = now();
        self.moved.store(now, Ordering::Relaxed);
        let head = matches!(self.doing.load(Ordering::Relaxed), IDLE | SHAKING);
        let first = head && get(&self.head) == 0;
        if first {
            self.head.store(now, Ordering::Relaxed);
        }
        (head, first)
    }

    /// Bytes went.
    pub fn went(&self) {
        self.moved.store(now(), Ordering::Relaxed);
        self.blocked.store(0, Ordering::Relaxed);
    }

    /// Nothing of what is written is taken.
    pub fn blocks(&self) {
        if get(&self.blocked) == 0 {
            self.blocked.store(now(), Ordering::Relaxed);
        }
    }

    /// A handshake has to come first. What comes of it is counted as a head is.
    pub fn shakes(&self) {
        self.doing.store(SHAKING, Ordering::Relaxed);
    }

    /// A request is there.
    pub fn works(&self) {
        self.doing.store(WORKING, Ordering::Relaxed);
        self.asked.store(true, Ordering::Relaxed);
    }

    /// The rest of its body is waited for, or came: as long as there is no answer yet. What is read on after that counts no
    /// more.
    pub fn brings(&self, waits: bool) {
        let (from, to) = if waits { (WORKING, BRINGING) } else { (BRINGING, WORKING) };
        let _ = self.doing.compare_exchange(from, to, Ordering::Relaxed, Ordering::Relaxed);
    }

    /// Its answer is there.
    pub fn answers(&self) {
        self.doing.store(ANSWERING, Ordering::Relaxed);
    }

    /// The answer was handed over, or the handshake is done; the next request may come.
    pub fn rests(&self) {
        self.since.store(now(), Ordering::Relaxed);
        self.head.store(0, Ordering::Relaxed);
        self.doing.store(IDLE, Ordering::Relaxed);
    }

    /// Returns once it has to go.
    pub async fn gone(&self) {
        self.cut.notified().await;
    }

    fn end(&self, reason: &'static str) {
        if self.reason.set(reason).is_ok() {
            metrics::counter!("paperkin_connections_closed_total", "reason" => reason).increment(1);
            self.cut.notify_one();
        }
    }

    /// How long it waits for its client, if it does.
    fn stands(&self, now: u64) -> Option<u64> {
        let blocked = get(&self.blocked);
        match self.doing.load(Ordering::Relaxed) {
            _ if self.reason.get().is_some() => None,
            _ if blocked > 0 => Some(now.saturating_sub(blocked)),
            // A head that comes in drops does not make it younger.
            IDLE | SHAKING => Some(now.saturating_sub(get(&self.since))),
            BRINGING => Some(now.saturating_sub(get(&self.moved))),
            _ => None,
        }
    }

    /// Why it has to go, if it has to.
    fn overdue(&self, limits: &Limits, now: u64) -> Option<&'static str> {
        let over = |at: u64, limit: Duration| at > 0 && u128::from(now.saturating_sub(at)) >= limit.as_millis();
        let doing = self.doing.load(Ordering::Relaxed);
        if over(get(&self.blocked), limits.write) {
            Some("unread")
        } else if doing == SHAKING && over(get(&self.since), limits.header) {
            Some("handshake")
        } else if doing == IDLE && over(get(&self.head), limits.header) {
            Some("header")
        } else if doing == IDLE && over(get(&self.since).max(get(&self.moved)), limits.idle) {
            Some("idle")
        } else {
            None
        }
    }
}

/// All of them.
#[derive(Clone)]
pub struct Connections(Arc<Inner>);

struct Inner {
    places: Arc<Semaphore>,
    limits: Limits,
    heads: Budget,
    // Only for a look, and an exchange.
    open: Mutex<Open>,
}

#[derive(Default)]
struct Open {
    next: u64,
    all: HashMap<u64, Arc<Connection>>,
}

/// A connection's place; dropped, it is free again.
pub struct Entered {
    pub connection: Arc<Connection>,
    number: u64,
    all: Connections,
    _place: OwnedSemaphorePermit,
}

impl Connections {
    /// None yet, and never more than `most`; long heads of requests count against the memory for bodies.
    pub fn new(most: usize, limits: Limits, heads: Budget) -> Self {
        let places = Arc::new(Semaphore::new(most.min(Semaphore::MAX_PERMITS)));
        Connections(Arc::new(Inner { places, limits, heads, open: Mutex::default() }))
    }

    /// Waits for a place. Where there is none, somebody who stands still is [sent away](Self::send_away).
    pub async fn place(&self) -> OwnedSemaphorePermit {
        loop {
            if let Ok(place) = Arc::clone(&self.0.places).try_acquire_owned() {
                return place;
            }
            self.send_away("room");
            let place = Arc::clone(&self.0.places).acquire_owned();
            if let Ok(Ok(place)) = tokio::time::timeout(LOOK / 5, place).await {
                return place;
            }
        }
    }

    /// Lets a connection in.
    pub fn enter(&self, place: OwnedSemaphorePermit) -> Entered {
        let connection = Arc::new(Connection::new());
        let mut open = self.open();
        let number = open.next;
        open.next += 1;
        open.all.insert(number, Arc::clone(&connection));
        drop(open);
        metrics::counter!("paperkin_connections_total").increment(1);
        Entered { connection, number, all: self.clone(), _place: place }
    }

    /// What the head of a request holds of the memory for bodies.
    pub fn head(&self) -> Lease {
        self.0.heads.lease()
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.open().all.len()
    }

    /// Sends away who has stood still longest, of those that never asked for anything first: who only holds a place is not to
    /// push out who uses theirs now and then.
    pub fn send_away(&self, reason: &'static str) {
        let (open, now) = (self.open(), now());
        let still = open.all.values().filter_map(|c| Some((c.stands(now)?, c)));
        // While those that asked for nothing are too young to go, whoever comes waits for that moment.
        let first = still.max_by_key(|(stood, c)| (!c.asked.load(Ordering::Relaxed), *stood));
        if let Some((_, connection)) = first.filter(|(stood, _)| u128::from(*stood) >= PRESENT.as_millis()) {
            connection.end(reason);
        }
    }

    /// Cuts off who has taken nothing of an answer for longest: the memory for answers is used up.
    pub fn cut_slowest_reader(&self) {
        let (open, now) = (self.open(), now());
        let slowest = open.all.values().filter(|c| get(&c.blocked) > 0 && c.reason.get().is_none());
        let slowest = slowest.min_by_key(|c| get(&c.blocked));
        if let Some(slowest) = slowest.filter(|c| u128::from(now.saturating_sub(get(&c.blocked))) >= SLOW.as_millis()) {
            slowest.end("memory");
        }
    }

    /// Closes who stands still for too long, for as long as the service runs.
    pub async fn watch(self) {
        let mut clock = tokio::time::interval(LOOK);
        clock.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            clock.tick().await;
            let now = now();
            for connection in self.open().all.values() {
                if let Some(reason) = connection.overdue(&self.0.limits, now) {
                    connection.end(reason);
                }
            }
        }
    }

    fn open(&self) -> std::sync::MutexGuard<'_, Open> {
        self.0.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        self.all.open().all.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits =
        Limits { header: Duration::from_secs(10), idle: Duration::from_secs(60), write: Duration::from_secs(30) };

    fn later(seconds: u64) -> u64 {
        now() + seconds * 1000
    }

    #[test]
    fn each_waits_as_long_as_what_it_does_may_take() {
        let c = Connection::new();
        assert_eq!((c.overdue(&LIMITS, later(59)), c.overdue(&LIMITS, later(61))), (None, Some("idle")));
        c.came();
        assert_eq!(c.overdue(&LIMITS, later(11)), Some("header"), "a head has to come whole");
        c.works();
        assert_eq!(c.overdue(&LIMITS, later(1000)), None, "work has its own limits");
        c.answers();
        c.blocks();
        assert_eq!((c.overdue(&LIMITS, later(29)), c.overdue(&LIMITS, later(31))), (None, Some("unread")));
        c.went();
        assert_eq!(c.overdue(&LIMITS, later(1000)), None);
        c.rests();
        assert_eq!((c.overdue(&LIMITS, later(59)), c.overdue(&LIMITS, later(61))), (None, Some("idle")));
        c.came();
        assert_eq!(c.overdue(&LIMITS, later(11)), Some("header"));
    }

    #[test]
    fn a_handshake_has_the_time_of_a_head_whatever_comes_of_it() {
        let c = Connection::new();
        c.shakes();
        assert_eq!((c.overdue(&LIMITS, later(9)), c.overdue(&LIMITS, later(11))), (None, Some("handshake")));
        assert_eq!(c.came(), (true, true));
        assert_eq!(c.overdue(&LIMITS, later(11)), Some("handshake"), "drops do not make it younger");
        assert!(c.stands(later(2)).is_some(), "it makes room for others");
        c.rests();
        assert_eq!((c.overdue(&LIMITS, later(59)), c.came()), (None, (true, true)));
        assert_eq!(c.overdue(&LIMITS, later(11)), Some("header"));
    }

    #[test]
    fn who_works_is_not_sent_away() {
        let c = Connection::new();
        assert!(c.stands(later(2)).is_some_and(|stood| stood >= 2000));
        c.works();
        assert_eq!(c.stands(later(100)), None);
        c.brings(true);
        assert!(c.stands(later(3)).is_some());
        c.answers();
        assert_eq!(c.stands(later(100)), None, "it may be the service that takes its time");
        c.blocks();
        assert!(c.stands(later(3)).is_some());
        c.end("room");
        assert_eq!(c.stands(later(100)), None, "one that goes already makes no more room");
    }
}
