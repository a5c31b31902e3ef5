//! What a service says of a paper, on its way in.

use serde_json::{Map, Value};

use crate::engine::{Incoming, Rejection};
use crate::paper::{Paper, head};

/// The fields of a paper, as the service has them.
#[derive(Debug, Default)]
pub struct Record(Map<String, Value>);

impl Record {
    /// A paper of this id.
    pub fn new(id: impl Into<String>) -> Self {
        let mut record = Record::default();
        record.text("id", &id.into());
        record
    }

    /// A field, unless there is nothing in it.
    pub fn text(&mut self, field: &str, text: &str) -> &mut Self {
        let text = text.trim();
        if !text.is_empty() {
            self.0.insert(field.into(), Value::String(text.into()));
        }
        self
    }

    /// A field of several texts; blank ones are left out.
    pub fn list(&mut self, field: &str, texts: impl IntoIterator<Item = String>) -> &mut Self {
        let texts: Vec<Value> = texts.into_iter().filter(|t| !t.trim().is_empty()).map(Value::String).collect();
        if !texts.is_empty() {
            self.0.insert(field.into(), Value::Array(texts));
        }
        self
    }

    /// A number.
    pub fn number(&mut self, field: &str, number: Option<u64>) -> &mut Self {
        if let Some(number) = number {
            self.0.insert(field.into(), number.into());
        }
        self
    }

    /// As it goes in, as the entry of this number: read by the one door of all papers.
    pub fn finish(self, entry: usize) -> Incoming {
        let id = self.0.get("id").and_then(Value::as_str).map(|id| head(id, 80));
        let read = Paper::read(Value::Object(self.0));
        Incoming::new(entry, read.map_err(|e| Rejection { id, reason: e.to_string() }))
    }
}

/// An entry that holds no paper.
pub fn rejected(entry: usize, id: Option<&str>, reason: impl Into<String>) -> Incoming {
    Incoming::new(entry, Err(Rejection { id: id.map(|id| head(id, 80)), reason: reason.into() }))
}
