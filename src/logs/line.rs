//! One line for each thing that is told.

use std::fmt::{Debug, Write};

use jiff::Timestamp;
use serde::Serializer as _;
use serde::ser::SerializeMap;
use serde_json::ser::{CompactFormatter, Serializer};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::layer::{Context, Layer};
use tracing_subscriber::registry::LookupSpan;

use super::writer::WRITER;
use crate::config::LogFormat;
use crate::paper::{EscapedJson, escaped, head, hides};

/// Characters of a text in a line at most.
const LONGEST: usize = 8 << 10;

/// Makes lines of what is told, each with what is known of the work that it belongs to (the fields of its spans).
pub struct Lines {
    format: LogFormat,
    colours: bool,
}

/// A value of a field.
#[derive(Debug, Clone, PartialEq)]
enum Value {
    Bool(bool),
    Int(i64),
    Unsigned(u64),
    Float(f64),
    Text(String),
}

/// Fields, in their order; of two with one name the first counts.
#[derive(Debug, Default)]
struct Fields(Vec<(&'static str, Value)>);

/// What a line says.
struct Line<'a> {
    time: Timestamp,
    level: Level,
    target: &'a str,
    message: &'a str,
    fields: &'a [(&'static str, Value)],
}

impl Lines {
    pub fn new(format: LogFormat, colours: bool) -> Self {
        Lines { format, colours }
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Lines {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        if let Some(span) = context.span(id) {
            span.extensions_mut().insert(fields);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        if let Some(span) = context.span(id)
            && let Some(fields) = span.extensions_mut().get_mut::<Fields>()
        {
            values.record(fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut own = Fields::default();
        event.record(&mut own);
        let message = own.take("message");
        // What other crates tell through `log` says there where it comes from.
        let target = own.take("log.target");
        own.0.retain(|(name, _)| !name.starts_with("log."));
        let mut fields = Fields::default();
        for span in context.event_scope(event).into_iter().flat_map(|scope| scope.from_root()) {
            if let Some(of_span) = span.extensions().get::<Fields>() {
                of_span.0.iter().for_each(|(name, value)| fields.add(name, value.clone()));
            }
        }
        own.0.into_iter().for_each(|(name, value)| fields.add(name, value));
        let metadata: &Metadata<'_> = event.metadata();
        let line = Line {
            time: Timestamp::now(),
            level: *metadata.level(),
            target: target.as_deref().unwrap_or(metadata.target()),
            message: message.as_deref().unwrap_or_default(),
            fields: &fields.0,
        };
        WRITER.put(&match self.format {
            LogFormat::Text => line.text(self.colours),
            LogFormat::Json => line.json(),
        });
    }
}

impl Line<'_> {
    /// For people: when, how grave, from where, what, and the fields as `name=value`.
    fn text(&self, colours: bool) -> Vec<u8> {
        let mut out = String::with_capacity(256);
        let level = self.level.as_str();
        let colour = match self.level {
            Level::ERROR => "31",
            Level::WARN => "33",
            Level::INFO => "32",
            _ => "34",
        };
        // Writing to a string cannot fail.
        let _ = write!(out, "{:.6} ", self.time);
        let _ = match colours {
            true => write!(out, "\x1b[{colour}m{level:>5}\x1b[0m"),
            false => write!(out, "{level:>5}"),
        };
        let _ = write!(out, " {}: {}", escaped(self.target), escaped(self.message));
        for (name, value) in self.fields {
            let _ = match value {
                Value::Bool(value) => write!(out, " {name}={value}"),
                Value::Int(value) => write!(out, " {name}={value}"),
                Value::Unsigned(value) => write!(out, " {name}={value}"),
                Value::Float(value) => write!(out, " {name}={value}"),
                Value::Text(text) => write!(out, " {name}={}", quoted(text)),
            };
        }
        out.push('\n');
        out.into_bytes()
    }

    /// For programs.
    fn json(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(384);
        // Fails only where writing fails, which it cannot.
        let _ = self.write_json(&mut out);
        out.push(b'\n');
        out
    }

    fn write_json(&self, out: &mut Vec<u8>) -> serde_json::Result<()> {
        let mut json = Serializer::with_formatter(out, EscapedJson(CompactFormatter));
        let mut line = json.serialize_map(None)?;
        line.serialize_entry("time", &format_args!("{:.6}", self.time))?;
        line.serialize_entry("level", self.level.as_str())?;
        line.serialize_entry("target", self.target)?;
        line.serialize_entry("message", self.message)?;
        for (name, value) in self.fields.iter().filter(|(name, _)| !OWN.contains(name)) {
            match value {
                Value::Bool(value) => line.serialize_entry(name, value)?,
                Value::Int(value) => line.serialize_entry(name, value)?,
                Value::Unsigned(value) => line.serialize_entry(name, value)?,
                Value::Float(value) => line.serialize_entry(name, value)?,
                Value::Text(text) => line.serialize_entry(name, text)?,
            }
        }
        line.end()
    }
}

/// The names in a line of JSON that no field has.
const OWN: [&str; 4] = ["time", "level", "target", "message"];

/// A text as the value of a field: it cannot look like another field.
fn quoted(text: &str) -> String {
    // A filler of Hangul is a letter, and nothing is seen of it.
    let bare =
        |c: char| (c.is_alphanumeric() && !hides(c)) || (c.is_ascii_punctuation() && !matches!(c, '"' | '\\' | '='));
    if !text.is_empty() && text.chars().all(bare) {
        return text.to_string();
    }
    let inside = text.replace('\\', "\\\\").replace('"', "\\\"");
    format!("\"{}\"", escaped(&inside))
}

impl Fields {
    fn add(&mut self, name: &'static str, value: Value) {
        if !self.0.iter().any(|(known, _)| *known == name) {
            self.0.push((name, value));
        }
    }

    /// Takes a text out.
    fn take(&mut self, name: &str) -> Option<String> {
        let at = self.0.iter().position(|(known, _)| *known == name)?;
        match self.0.remove(at).1 {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }
}

impl Visit for Fields {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.add(field.name(), Value::Float(value));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.add(field.name(), Value::Int(value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.add(field.name(), Value::Unsigned(value));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.add(field.name(), Value::Bool(value));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        let text = if value.len() <= LONGEST { value.to_string() } else { head(value, LONGEST) };
        self.add(field.name(), Value::Text(text));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.record_str(field, &format!("{value:?}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn line<'a>(message: &'a str, target: &'a str, fields: &'a [(&'static str, Value)]) -> Line<'a> {
        Line { time: Timestamp::UNIX_EPOCH, level: Level::INFO, target, message, fields }
    }

    #[test]
    fn a_line_says_when_how_grave_from_where_and_what() {
        let fields = [
            ("request_id", Value::Text("a-1".into())),
            ("who", Value::Text("a b=\"c\"".into())),
            ("empty", Value::Text(String::new())),
            ("status", Value::Unsigned(200)),
            ("duration_ms", Value::Float(1.5)),
        ];
        let line = line("request", "paperkin::request", &fields);
        let text = String::from_utf8(line.text(false)).expect("UTF-8");
        assert_eq!(
            text,
            "1970-01-01T00:00:00.000000Z  INFO paperkin::request: request request_id=a-1 who=\"a b=\\\"c\\\"\" empty=\"\" \
             status=200 duration_ms=1.5\n"
        );
        let json: serde_json::Value = serde_json::from_slice(&line.json()).expect("JSON");
        let wanted = serde_json::json!({
            "time": "1970-01-01T00:00:00.000000Z", "level": "INFO", "target": "paperkin::request", "message": "request",
            "request_id": "a-1", "who": "a b=\"c\"", "empty": "", "status": 200, "duration_ms": 1.5,
        });
        assert_eq!(json, wanted);
    }

    #[test]
    fn a_field_of_the_work_counts_before_one_of_the_line_and_none_has_the_name_of_another() {
        let mut fields = Fields::default();
        fields.add("request_id", Value::Text("its own".into()));
        fields.add("request_id", Value::Text("another".into()));
        fields.add("level", Value::Text("none".into()));
        let json = String::from_utf8(line("", "t", &fields.0).json()).expect("UTF-8");
        assert!(json.contains("its own") && !json.contains("another") && !json.contains("none"), "{json}");
    }

    #[test]
    fn a_letter_that_nobody_sees_is_told() {
        for filler in ['\u{ffa0}', '\u{3164}', '\u{115f}'] {
            assert!(!quoted(&filler.to_string()).contains(filler), "{filler:?}");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_quoted_the_line_is_one_and_steers_nothing(message in any::<String>(), value in any::<String>()) {
            let fields = [("quoted", Value::Text(value.clone())), ("float", Value::Float(f64::NAN))];
            let line = line(&message, "t", &fields);
            for text in [line.text(false), line.json()] {
                let text = String::from_utf8(text).expect("UTF-8");
                let inside = text.strip_suffix('\n').expect("a line");
                prop_assert!(!inside.chars().any(hides), "{inside:?}");
            }
            let json: serde_json::Value = serde_json::from_slice(&line.json()).expect("JSON");
            prop_assert_eq!(json["message"].as_str(), Some(&*message));
            prop_assert_eq!(json["quoted"].as_str(), Some(&*value));
        }

        #[test]
        fn a_value_looks_like_no_other_field(value in "[ -~]{0,40}") {
            let fields = [("v", Value::Text(value))];
            let text = String::from_utf8(line("m", "t", &fields).text(false)).expect("UTF-8");
            let value = text.split_once(" v=").expect("the field").1.trim_end_matches('\n');
            let inside = value.strip_prefix('"').and_then(|v| v.strip_suffix('"')).unwrap_or(value);
            // Outside of quotes there is no space and no sign of equality, inside of them no quote that would end them.
            let bare = !inside.contains([' ', '=']);
            let ends = inside.replace("\\\\", "").replace("\\\"", "").contains('"');
            prop_assert!(bare || (value.len() >= inside.len() + 2 && !ends), "{value}");
        }
    }
}
