//! JSON that a terminal does not heed.

use std::io::{self, Write};

use serde_json::ser::Formatter;

use super::hides;

/// JSON for a log, or a stream that may be a terminal: characters that could steer it ([`hides`]) are escaped. What is read back
/// is the same.
pub struct EscapedJson<F>(pub F);

impl<F: Formatter> Formatter for EscapedJson<F> {
    fn write_string_fragment<W: ?Sized + Write>(&mut self, out: &mut W, text: &str) -> io::Result<()> {
        let mut rest = text;
        while let Some((at, c)) = rest.char_indices().find(|(_, c)| !c.is_ascii_graphic() && hides(*c)) {
            out.write_all(&rest.as_bytes()[..at])?;
            escape(out, c)?;
            rest = &rest[at + c.len_utf8()..];
        }
        out.write_all(rest.as_bytes())
    }

    /// JSON that was written elsewhere: inside of its texts the same holds, and between them such characters are ends of lines
    /// and tabs.
    fn write_raw_fragment<W: ?Sized + Write>(&mut self, out: &mut W, json: &str) -> io::Result<()> {
        let mut rest = json;
        while let Some((at, c)) = rest.char_indices().find(|(_, c)| hides(*c)) {
            out.write_all(&rest.as_bytes()[..at])?;
            match c {
                '\n' | '\r' | '\t' => out.write_all(b" ")?,
                c => escape(out, c)?,
            }
            rest = &rest[at + c.len_utf8()..];
        }
        out.write_all(rest.as_bytes())
    }

    fn begin_array<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.begin_array(out)
    }

    fn end_array<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.end_array(out)
    }

    fn begin_array_value<W: ?Sized + Write>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_array_value(out, first)
    }

    fn end_array_value<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.end_array_value(out)
    }

    fn begin_object<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.begin_object(out)
    }

    fn end_object<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.end_object(out)
    }

    fn begin_object_key<W: ?Sized + Write>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_object_key(out, first)
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.begin_object_value(out)
    }

    fn end_object_value<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.end_object_value(out)
    }
}

fn escape<W: ?Sized + Write>(out: &mut W, c: char) -> io::Result<()> {
    c.encode_utf16(&mut [0; 2]).iter().try_for_each(|unit| write!(out, "\\u{unit:04x}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde::Serialize;
    use serde_json::ser::{CompactFormatter, Serializer};
    use serde_json::value::RawValue;

    fn written(value: &impl Serialize) -> String {
        let mut out = Vec::new();
        value.serialize(&mut Serializer::with_formatter(&mut out, EscapedJson(CompactFormatter))).expect("written");
        String::from_utf8(out).expect("UTF-8")
    }

    proptest! {
        #[test]
        fn what_is_read_back_is_the_same_and_nothing_hides_in_it(text in any::<String>(), pretty in any::<bool>()) {
            let value = serde_json::json!({ &text: [&text, 1.5, null] });
            let given = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) }.expect("JSON");
            let raw = RawValue::from_string(given).expect("JSON");
            for out in [written(&value), written(&raw)] {
                prop_assert!(!out.chars().any(hides), "{out:?}");
                prop_assert_eq!(&serde_json::from_str::<serde_json::Value>(&out).expect("JSON"), &value);
            }
        }
    }
}
