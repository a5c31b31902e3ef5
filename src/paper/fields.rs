//! A JSON object that may be a paper, taken apart: the fields that are known, and those that are not.

use std::borrow::Cow;

use serde_json::value::RawValue;

use super::bounds::{AROUND, MAX_EXTRA};
use super::extra::Gathered;
use super::head;
use super::json::{Fields, each_field};
use super::values::id_text;

/// The fields that a paper has, in the order in which they are read.
pub(super) const KNOWN: [&str; 15] = [
    "id",
    "title",
    "abstract",
    "authors",
    "date",
    "categories",
    "keywords",
    "venue",
    "organization",
    "url",
    "upvotes",
    "comments",
    "submitted_by",
    "listed",
    "extra",
];

/// A JSON object that may be a paper: its fields as the text that they are.
#[derive(Default)]
pub struct PaperFields<'a> {
    pub(super) known: [Option<&'a str>; KNOWN.len()],
    pub(super) gathered: Gathered,
    has_list: bool,
}

impl<'a> PaperFields<'a> {
    /// Takes JSON apart. Fields that nobody knows are gathered as far as there is room for them.
    ///
    /// # Errors
    /// What is wrong with the JSON; nothing is, where it is no object: then there are no fields.
    pub fn parse(json: &'a str) -> std::result::Result<Self, serde_json::Error> {
        let mut given = PaperFields::default();
        if !json.trim_ascii_start().starts_with('{') {
            return serde_json::from_str::<&RawValue>(json).map(|_| given);
        }
        let mut reader = serde_json::Deserializer::from_str(json);
        let mut unknown: Vec<(Cow<'a, str>, &'a str)> = Vec::new();
        let (mut room, known) = (4 * MAX_EXTRA, &mut given.known);
        let gathered = &mut given.gathered;
        // What is given under `extra` comes before the others, so these wait, as far as they can have a place at all.
        each_field(&mut reader, |name, value| match KNOWN.iter().position(|known| *known == name) {
            Some(k) => known[k] = Some(value).filter(|v| *v != "null"),
            None if room > 0 => {
                room = room.saturating_sub(name.len() + value.len().min(1024) + 8);
                unknown.push((name, value));
            }
            None => gathered.miss(&name, value),
        })?;
        reader.end()?;
        let mut put = |name: &str, value: &str, keep_null: bool| match value {
            "null" if !keep_null => gathered.remove(name),
            value => gathered.put(name, value),
        };
        match given.known[KNOWN.len() - 1] {
            // What went out under `extra` comes back in at the same place.
            Some(extra) if extra.starts_with('{') => {
                Fields::of(extra).0.iter().for_each(|(name, value)| put(name, value, true));
            }
            Some(other) => put("extra", other, false),
            None => {}
        }
        for (name, value) in &unknown {
            put(name, value, false);
            given.has_list |= name == "papers" && value.starts_with('[');
        }
        Ok(given)
    }

    /// Whether it holds papers and is none: `{"papers": [...]}`.
    pub fn is_list(&self) -> bool {
        self.has_list && self.known[0].is_none()
    }

    /// The id that is given, be it that this is no paper: for messages.
    pub fn id(&self) -> Option<String> {
        let json = self.known[0].filter(|json| json.len() <= AROUND)?;
        id_text(&serde_json::from_str(json).ok()?).map(|id| head(&id, 80))
    }

    pub(super) fn take(&mut self, name: &str) -> Option<&'a str> {
        KNOWN.iter().position(|known| *known == name).and_then(|k| self.known[k].take())
    }
}
