//! The fields of a paper that nobody here knows, kept as the text that came.

use std::borrow::Cow;
use std::collections::HashMap;

use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

use super::bounds::{MAX_DEPTH, MAX_EXTRA};
use super::json::{Fields, compact, quoted};
use super::{LeftOut, head};

/// Further fields of a paper, in the order in which they came. They are kept as JSON text, so that every number is given back
/// as it was written, whatever its size.
#[derive(Debug, Clone, Default)]
pub struct Extra(Option<Box<RawValue>>);

impl Extra {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// All of them as a JSON object.
    pub fn as_json(&self) -> &str {
        self.0.as_ref().map_or("{}", |fields| fields.get())
    }

    /// Each with its value as JSON.
    pub fn fields(&self) -> impl Iterator<Item = (Cow<'_, str>, &str)> {
        self.0.as_ref().map(|fields| Fields::of(fields.get()).0).unwrap_or_default().into_iter()
    }

    /// Those of a paper that is stored: an object, as it was written.
    pub(super) fn stored(json: &str) -> Self {
        let fields = RawValue::from_string(json.to_string()).ok();
        Extra(fields.filter(|fields| fields.get() != "{}"))
    }
}

impl PartialEq for Extra {
    fn eq(&self, other: &Self) -> bool {
        self.as_json() == other.as_json()
    }
}

impl Serialize for Extra {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.0 {
            Some(fields) => fields.serialize(serializer),
            None => serializer.collect_map(std::iter::empty::<((), ())>()),
        }
    }
}

/// Fields that come one after the other, as far as there is room.
#[derive(Default)]
pub(super) struct Gathered {
    /// Name and value; none where it was taken back.
    fields: Vec<Option<(String, String)>>,
    /// Where each name stands.
    places: HashMap<String, usize>,
    /// Bytes of the object they make.
    bytes: usize,
    /// What had no place: the first few, and how many.
    left: Vec<String>,
    left_total: usize,
}

/// How many of the fields that had no place are named.
const NAMED: usize = 5;

impl Gathered {
    /// Takes in a field, in the place of one of the same name.
    pub fn put(&mut self, name: &str, json: &str) {
        self.remove(name);
        let room = MAX_EXTRA.saturating_sub(self.bytes + 2);
        // Blanks do not count, but a megabyte of them is not looked through.
        let read = match json.len() > 4 * MAX_EXTRA || room == 0 {
            true => Err(format!("{} bytes", json.len())),
            false => compact(json, MAX_DEPTH),
        };
        let kept = read.and_then(|json| match quoted(name).len() + json.len() + 2 {
            bytes if bytes <= room => Ok((bytes, json)),
            _ => Err(format!("{} bytes", json.len())),
        });
        match kept {
            Ok((bytes, json)) => {
                self.bytes += bytes;
                let field = Some((name.to_string(), json));
                match self.places.get(name) {
                    Some(place) => self.fields[*place] = field,
                    None => {
                        self.places.insert(name.to_string(), self.fields.len());
                        self.fields.push(field);
                    }
                }
            }
            Err(why) => self.leave(name, &why),
        }
    }

    /// Counts a field for which there is no room, whatever it holds.
    pub fn miss(&mut self, name: &str, json: &str) {
        self.leave(name, &format!("{} bytes", json.len()));
    }

    fn leave(&mut self, name: &str, why: &str) {
        self.left_total += 1;
        if self.left.len() < NAMED {
            self.left.push(format!("{:?} ({why})", head(name, 40)));
        }
    }

    /// Takes a field out: it was said to be nothing.
    pub fn remove(&mut self, name: &str) {
        if let Some((name, json)) = self.places.get(name).and_then(|place| self.fields[*place].take()) {
            self.bytes -= quoted(&name).len() + json.len() + 2;
        }
    }

    /// The fields that found room, and what is to be told of the others.
    pub fn finish(self) -> (Extra, Option<LeftOut>) {
        let mut json = String::with_capacity(self.bytes + 2);
        for (name, value) in self.fields.into_iter().flatten() {
            json.push(if json.is_empty() { '{' } else { ',' });
            json += &quoted(&name);
            json.push(':');
            json += &value;
        }
        let extra = match json.is_empty() {
            true => Extra::default(),
            false => Extra::stored(&(json + "}")),
        };
        let more = match self.left_total - self.left.len() {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let reason = format!(
            "{}{more} left out: a paper has room for {MAX_EXTRA} bytes of fields that are not known here, nested {MAX_DEPTH} deep",
            self.left.join(", ")
        );
        (extra, (self.left_total > 0).then_some(LeftOut { field: "extra", reason }))
    }
}
