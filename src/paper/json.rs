//! JSON as the text that it is. A tree of it takes twenty times the room of its text, so that what nobody looks into is never
//! made one.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// The entries of a list in valid JSON; `None` where it is no list.
pub fn items(list: &str) -> Option<Items<'_>> {
    list.trim_ascii().strip_prefix('[').map(|rest| Items { rest })
}

/// See [`items`].
pub struct Items<'a> {
    rest: &'a str,
}

impl<'a> Iterator for Items<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        let rest = self.rest.trim_start_matches([' ', '\t', '\n', '\r', ',']);
        let (item, behind) = rest.split_at(value_length(rest));
        self.rest = behind;
        (!item.is_empty()).then_some(item)
    }
}

/// The bytes of the value that valid JSON begins with; 0 at the end of what it stands in.
fn value_length(text: &str) -> usize {
    let (bytes, mut depth, mut at) = (text.as_bytes(), 0usize, 0);
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'"' => {
                at += literal_length(&bytes[at..]);
                if depth == 0 {
                    return at;
                }
                continue;
            }
            b'[' | b'{' => depth += 1,
            b']' | b'}' if depth == 0 => return at,
            b']' | b'}' if depth == 1 => return at + 1,
            b']' | b'}' => depth -= 1,
            b',' | b' ' | b'\t' | b'\n' | b'\r' if depth == 0 => return at,
            _ => {}
        }
        at += 1;
    }
    at
}

/// The bytes of the text in quotes that begins here, its quotes included.
fn literal_length(bytes: &[u8]) -> usize {
    let mut at = 1;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'"' => return at + 1,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    bytes.len()
}

/// Valid JSON without its blanks, every number as it stands there.
///
/// # Errors
/// Why it cannot be kept: lists and objects stand deeper in each other than `deepest`, or a text holds half a character.
pub fn compact(json: &str, deepest: usize) -> Result<String, String> {
    let (bytes, mut depth, mut at) = (json.as_bytes(), 0usize, 0);
    let mut out = String::with_capacity(json.len());
    while let Some(&byte) = bytes.get(at) {
        let length = if byte == b'"' { literal_length(&bytes[at..]) } else { 1 };
        let piece = json.get(at..at + length).unwrap_or_default();
        match byte {
            b'"' if piece.contains('\\') => {
                let text: String = serde_json::from_str(piece).map_err(|_| "it holds half a character".to_string())?;
                out.push_str(&quoted(&text));
            }
            b' ' | b'\t' | b'\n' | b'\r' => {}
            _ => out.push_str(piece),
        }
        match byte {
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > deepest {
            return Err(format!("it is nested deeper than {deepest}"));
        }
        // Letters beyond ASCII stand in texts alone, which are taken whole.
        at += length.max(1);
    }
    Ok(out)
}

/// A text as JSON.
pub fn quoted(text: &str) -> String {
    // Writing a text cannot fail.
    serde_json::to_string(text).unwrap_or_default()
}

/// The fields of an object in its order, each value as its text; none where valid JSON is no object.
pub fn object(json: &str) -> Vec<(Cow<'_, str>, &str)> {
    Fields::of(json).0
}

/// The fields of an object in its order, each value as its text.
#[derive(Debug, Default)]
pub struct Fields<'a>(pub Vec<(Cow<'a, str>, &'a str)>);

impl<'a> Fields<'a> {
    /// Those of valid JSON; none where it is no object.
    pub fn of(json: &'a str) -> Self {
        serde_json::from_str(json).unwrap_or_default()
    }
}

impl<'de> Deserialize<'de> for Fields<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut fields = Vec::new();
        each_field(deserializer, |name, value| fields.push((name, value)))?;
        Ok(Fields(fields))
    }
}

/// Calls `take` with each field of an object and the text of its value.
///
/// # Errors
/// Where this is no object, or no JSON.
pub fn each_field<'de, D: Deserializer<'de>>(
    deserializer: D,
    take: impl FnMut(Cow<'de, str>, &'de str),
) -> Result<(), D::Error> {
    struct Each<F>(F);
    impl<'de, F: FnMut(Cow<'de, str>, &'de str)> Visitor<'de> for Each<F> {
        type Value = ();

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
            while let Some(Name(name)) = map.next_key()? {
                (self.0)(name, map.next_value::<&RawValue>()?.get());
            }
            Ok(())
        }
    }
    deserializer.deserialize_map(Each(take))
}

/// The name of a field, which seldom has to be copied.
struct Name<'a>(Cow<'a, str>);

impl<'de> Deserialize<'de> for Name<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl<'de> Visitor<'de> for Text {
            type Value = Name<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a name")
            }

            fn visit_borrowed_str<E>(self, name: &'de str) -> Result<Name<'de>, E> {
                Ok(Name(Cow::Borrowed(name)))
            }

            fn visit_str<E>(self, name: &str) -> Result<Name<'de>, E> {
                Ok(Name(Cow::Owned(name.to_string())))
            }
        }
        deserializer.deserialize_str(Text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::Value;

    #[test]
    fn numbers_stay_as_they_are_written() {
        let json = r#" { "a" : [ 1e400 , 12345678901234567890, -0.10 ], "\u00e9" : "x\/y \" z" } "#;
        assert_eq!(compact(json, 5).as_deref(), Ok("{\"a\":[1e400,12345678901234567890,-0.10],\"é\":\"x/y \\\" z\"}"));
        assert!(compact(&"[".repeat(7), 6).is_err_and(|e| e.contains("deeper")));
        assert!(compact(r#""\ud800""#, 6).is_err_and(|e| e.contains("half")));
    }

    fn json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            "(\\PC|[\"\\\\\\[\\]{},: \n\u{1}]){0,12}".prop_map(Value::from)
        ];
        leaf.prop_recursive(4, 24, 5, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                prop::collection::hash_map("(\\PC|[\"{}]){0,5}", inner, 0..5)
                    .prop_map(|m| Value::Object(m.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn text_is_taken_apart_as_a_tree_is(values in prop::collection::vec(json(), 0..6), pretty: bool) {
            let whole = Value::from(values.clone());
            let text = if pretty { serde_json::to_string_pretty(&whole)? } else { whole.to_string() };
            let taken: Vec<Value> = items(&text).expect("a list").map(|i| serde_json::from_str(i).expect("JSON")).collect();
            prop_assert_eq!(&taken, &values);
            prop_assert_eq!(compact(&text, 50), Ok(whole.to_string()));
            for value in values {
                if let Value::Object(fields) = &value {
                    let text = value.to_string();
                    let found = Fields::of(&text);
                    prop_assert!(found.0.iter().map(|(n, v)| (n.to_string(), serde_json::from_str::<Value>(v).expect("JSON")))
                        .eq(fields.iter().map(|(n, v)| (n.clone(), v.clone()))));
                }
            }
        }
    }
}
