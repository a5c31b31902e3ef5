//! Readers for tests, of a small corpus.

use super::readership::EVENTS;
use crate::engine::{Engine, Incoming};
use crate::paper::PaperId;
use crate::user::{Event, EventKind, Moment};

/// A like of a paper, long ago.
pub fn event(k: usize) -> Event {
    Event { paper: paper(k), kind: EventKind::Like, at: Moment(0), weight: 1.0 }
}

/// The id of a paper of [`engine`].
pub fn paper(k: usize) -> PaperId {
    PaperId::new(format!("p{k}")).expect("an id")
}

/// 80 papers of six topics and eleven matters, the model `hash`, and a secret that decides what is told of readers.
pub fn engine(folder: &std::path::Path, secret: [u8; 32]) -> Engine {
    let config = crate::config::Config { model: Some("hash".into()), ..crate::config::Config::new(folder) };
    let engine = Engine::open(config).expect("opens").engine;
    let incoming = |k: usize| {
        let value = serde_json::json!({
            "id": format!("p{k}"), "title": format!("Study {k} of topic{} and matter{}", k % 6, k % 11),
            "abstract": format!("We look at matter{} and thing{k}, as others did.", k % 11),
            "date": "2026-01-01", "upvotes": k % 5,
        });
        Ok(Incoming::new(k + 1, crate::paper::Paper::read(value).map_err(|_| panic!("a paper"))))
    };
    engine.ingest(&mut (0..80).map(incoming), &|_| {}).expect("goes in");
    engine.readers.store.set_secret(&secret).expect("written");
    engine
}

/// Somebody who came on ten days, and likes some papers.
pub fn patient(engine: &Engine, name: &str, papers: impl Iterator<Item = usize>, day: i32) {
    let views = (0..EVENTS).map(|k| (paper(70 + k), EventKind::View, day - 20 + k as i32));
    let likes = papers.map(|k| (paper(k), EventKind::Like, day));
    let (events, received): (Vec<Event>, Vec<i32>) = views
        .chain(likes)
        .map(|(paper, kind, day)| (Event { paper, kind, at: Moment::of_day(day), weight: 1.0 }, day))
        .unzip();
    let name = crate::user::UserId::new(name).expect("a name");
    engine.readers.store.restore_events(&name, &events, &received).expect("written");
}
