//! Mails as they would be sent.

use std::collections::{HashMap, HashSet};

use rayon::prelude::*;

use super::compose::{self, Content};
use super::due::{Due, DueMail, When};
use super::outbox::{Outbox, is_of_one};
use crate::cancel;
use crate::engine::Windows;
use crate::error::Result;
use crate::store::Issue;
use crate::user::Moment;

/// A mail as it would be sent.
#[derive(Debug, Clone)]
pub struct Preview {
    /// The subscription.
    pub subscription: String,
    /// Where it would go.
    pub email: String,
    /// Its day.
    pub date: String,
    /// Its subject.
    pub subject: String,
    /// Its Message-ID.
    pub message_id: String,
    /// The papers in it.
    pub papers: Vec<String>,
    /// The whole of it (RFC 5322).
    pub message: Vec<u8>,
}

/// What gets each mail.
pub type TakeMail<'a> = dyn FnMut(Preview) -> Result<()> + 'a;

/// Subscriptions of which there is no preview.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Without {
    /// They have nothing to be sent.
    pub nothing: u64,
    /// No mail can be made of them; when mails are sent, they are paused.
    pub failed: u64,
}

impl Outbox<'_> {
    /// Makes the mails that are due without sending or noting anything; `take` gets each with its subscription. Gives those that
    /// have none.
    ///
    /// # Errors
    /// Whatever `take` returns; when the store fails.
    pub fn preview(&self, when: When, take: &mut TakeMail<'_>) -> Result<Without> {
        let (windows, now, mut without) = (Windows::default(), when.moment(), Without::default());
        let mut due = Due::new(self.engine, when, now);
        // What would be in one mail to an address is in no other.
        let mut shown: HashMap<String, HashSet<String>> = HashMap::new();
        loop {
            cancel::check()?;
            let parts = due.next()?;
            if parts.is_empty() {
                return Ok(without);
            }
            for part in parts {
                let made: Vec<(String, Result<Option<Preview>>)> = part
                    .par_iter()
                    .map(|due| {
                        let had = shown.get(&due.s.email.to_ascii_lowercase());
                        (due.s.id.clone(), self.preview_of(due, now, &windows, had.unwrap_or(&HashSet::new())))
                    })
                    .collect();
                for (id, made) in made {
                    match made {
                        Ok(Some(preview)) => {
                            let shown = shown.entry(preview.email.to_ascii_lowercase()).or_default();
                            shown.extend(preview.papers.iter().cloned());
                            take(preview)?;
                        }
                        Ok(None) => without.nothing += 1,
                        Err(e) if is_of_one(&e) => {
                            tracing::warn!("no mail can be made of the subscription {id}: {e}");
                            without.failed += 1;
                        }
                        Err(e) => return Err(e),
                    }
                }
            }
        }
    }

    /// The mail of a subscription, as it would be sent; none where there is nothing to be sent.
    fn preview_of(
        &self,
        due: &DueMail,
        now: Moment,
        windows: &Windows,
        had: &HashSet<String>,
    ) -> Result<Option<Preview>> {
        let s = &due.s;
        let issue = due.day.map_or_else(|| s.plan.day_at(now), Ok)?;
        let chosen = self.engine.choose(s, issue, windows, had)?;
        let content = Content::of(&chosen);
        if content.ids().is_empty() {
            return Ok(None);
        }
        let Some(rendered) = compose::digest(self.engine, self.base, s, issue, &content)? else { return Ok(None) };
        let of = Issue::Day(issue);
        let message_id = compose::message_id(&s.id, of, self.mailer.domain());
        let message = self.message(s, of, &message_id, Moment::now(), &rendered)?;
        Ok(Some(Preview {
            subscription: s.id.clone(),
            email: s.email.clone(),
            date: compose::iso(issue),
            subject: rendered.subject,
            message_id,
            papers: content.ids(),
            message,
        }))
    }
}
