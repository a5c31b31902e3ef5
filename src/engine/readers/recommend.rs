//! Papers for a stored user and a set of examples.

use crate::engine::answer::Answer;
use crate::engine::corpus::{Example, Recommend};
use crate::engine::readers::Readers;
use crate::engine::readers::feed::Feed;
use crate::error::Result;
use crate::user::{Event, EventKind, Moment};

impl Readers {
    /// Papers for a stored user: their feed, or the candidates in their order.
    pub fn recommend(&self, user: &str, request: &Recommend) -> Result<Answer> {
        request.check()?;
        let at = Moment::now();
        let said = |kind| move |e: &Example| Event { paper: e.id.clone(), kind, at, weight: e.weight };
        let likes = request.like.iter().map(said(EventKind::Like));
        let hypothetical_events: Vec<Event> =
            likes.chain(request.dislike.iter().map(said(EventKind::Dislike))).collect();
        // A preview may be of somebody who does not exist; a recommendation for them is a mistake in the name.
        self.store.user(user)?;
        if let Some(candidates) = &request.candidates {
            return self.rank_for(user, candidates, &hypothetical_events, request.ask.explain);
        }
        let ask = request.ask.clone();
        let diversity = Some(ask.diversity).filter(|d| *d > 0.0);
        self.feed(
            user,
            &Feed { ask, diversity, per_author: request.per_author, hypothetical_events, ..Feed::default() },
        )
    }
}
