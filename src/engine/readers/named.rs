//! Which papers a user names.

use std::borrow::Cow;
use std::collections::HashMap;

use crate::engine::readers::Readers;
use crate::error::{Error, Result};
use crate::paper::{Identifier, PaperId, Row};
use crate::user::Event;

impl Readers {
    /// Events with the ids that their papers were given.
    pub(super) fn events_of_given_ids<'a>(&self, user: &str, events: &'a [Event]) -> Result<Cow<'a, [Event]>> {
        let ids: Vec<&PaperId> = events.iter().map(|e| &e.paper).collect();
        let mut out = Cow::Borrowed(events);
        for (k, id) in self.given_ids(user, &ids)?.into_iter().enumerate() {
            if let Cow::Owned(id) = id {
                out.to_mut()[k].paper = id;
            }
        }
        Ok(out)
    }

    /// The ids that papers were given, which some texts name; owned where they are others. What names no paper of the corpus stays as
    /// it is, but that it takes the id of the same work in the user's library, where it is there.
    pub(super) fn given_ids<'a>(&self, user: &str, ids: &[&'a PaperId]) -> Result<Vec<Cow<'a, PaperId>>> {
        let exactly = self.store.rows(ids)?;
        let mut out: Vec<Cow<'a, PaperId>> = ids.iter().map(|id| Cow::Borrowed(*id)).collect();
        let mut library: Option<HashMap<String, PaperId>> = None;
        // An id that a paper had before names it, and stands for the one that it has.
        let (places, rows): (Vec<usize>, Vec<Row>) =
            exactly.iter().enumerate().filter_map(|(k, row)| Some((k, (*row)?))).unzip();
        for (k, id) in places.into_iter().zip(self.store.ids(&rows)?) {
            if let Some(id) = id.filter(|id| *id != ids[k].as_str()) {
                out[k] = Cow::Owned(PaperId::new(id)?);
            }
        }
        for (k, _) in exactly.iter().enumerate().filter(|(_, row)| row.is_none()) {
            let text = ids[k].as_str();
            let given = match self.corpus.named_otherwise(text)? {
                Some(row) => self.store.papers(&[row])?.pop().map(|(_, paper)| paper.id),
                None => {
                    // Read once, by the first that needs it.
                    let known = match library.take() {
                        Some(known) => known,
                        None => self.library(user)?,
                    };
                    let same = || known.get(Identifier::parse(text)?.key());
                    let given = known.get(text).or_else(same).cloned();
                    library = Some(known);
                    given
                }
            };
            if let Some(id) = given.filter(|id| id != ids[k]) {
                out[k] = Cow::Owned(id);
            }
        }
        Ok(out)
    }

    /// The papers of a user's library that are not in the corpus, by their ids and by the keys of these; none for a user who is
    /// not there.
    fn library(&self, user: &str) -> Result<HashMap<String, PaperId>> {
        let papers = match self.store.user(user) {
            Ok(user) => self.store.library(user.number)?,
            Err(Error::NotFound { .. }) => Vec::new(),
            Err(e) => return Err(e),
        };
        let mut known: HashMap<String, PaperId> =
            papers.iter().map(|paper| (paper.id.to_string(), paper.id.clone())).collect();
        for paper in &papers {
            if let Some(identifier) = Identifier::parse(paper.id.as_str()) {
                known.entry(identifier.key().to_string()).or_insert_with(|| paper.id.clone());
            }
        }
        Ok(known)
    }
}
