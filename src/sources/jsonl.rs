//! JSON Lines: one paper a line; plain, gzip or Zstandard; a file or standard input.

use std::fs::File;
use std::io::{BufRead, Read};
use std::path::Path;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::unpack::{Unpacking, unpacked};
use crate::bounds;
use crate::cancel;
use crate::engine::{Incoming, Rejection};
use crate::error::{Error, Result};
use crate::paper::bounds::MAX_LINE;
use crate::paper::{LeftOut, Paper, PaperFields, head, items, object};

/// Opens a file by what it holds, not by how it is called; `-` is standard input.
///
/// # Errors
/// [`Error::Io`] when it is not there or cannot be read.
pub fn open(path: &Path) -> Result<Box<dyn BufRead + Send>> {
    let raw: Box<dyn Read + Send> = if path.as_os_str() == "-" {
        Box::new(std::io::stdin())
    } else {
        let file = File::open(path).map_err(|e| Error::io(path, "cannot open", e))?;
        if file.metadata().is_ok_and(|m| m.is_dir()) {
            return Err(Error::io(path, "cannot read", std::io::ErrorKind::IsADirectory.into()));
        }
        Box::new(file)
    };
    unpacked(path, raw, Unpacking::default())
}

/// The papers of a text, line by line. A line that holds none is told with its number; only a source that cannot be
/// read further (`name` says which), or [`Error::Cancelled`], ends it.
pub fn read<'a>(name: &'a str, mut reader: impl BufRead + 'a) -> impl Iterator<Item = Result<Incoming>> + 'a {
    let (mut line, mut done, mut bytes) = (0, false, Vec::new());
    std::iter::from_fn(move || {
        while !done {
            line += 1;
            bytes.clear();
            // One long line among short ones holds no memory for them.
            bytes.shrink_to(1 << 16);
            if let Err(e) = cancel::check() {
                done = true;
                return Some(Err(e));
            }
            let next = match next_line(&mut reader, &mut bytes) {
                Ok(Line::End) => {
                    done = true;
                    continue;
                }
                Ok(Line::Whole) if bytes.trim_ascii().is_empty() => continue,
                Ok(Line::Whole) => Ok(Incoming::new(line, one(&bytes))),
                Ok(Line::TooLong) => {
                    let reason = format!("the line is longer than {MAX_LINE} bytes, which is the most there may be");
                    Ok(Incoming::new(line, Err(Rejection { id: None, reason })))
                }
                Err(e) => {
                    done = true;
                    Err(Error::io(name, "cannot be read further (is it whole?)", e))
                }
            };
            return Some(next);
        }
        None
    })
}

enum Line {
    Whole,
    TooLong,
    End,
}

fn next_line(reader: &mut impl BufRead, bytes: &mut Vec<u8>) -> std::io::Result<Line> {
    let limit = MAX_LINE as u64 + 1;
    if reader.by_ref().take(limit).read_until(b'\n', bytes)? == 0 {
        return Ok(Line::End);
    }
    if bytes.len() as u64 == limit && bytes.last() != Some(&b'\n') {
        bytes.clear();
        skip_line(reader)?;
        return Ok(Line::TooLong);
    }
    Ok(Line::Whole)
}

/// Goes on to the next line. One that never ends can be given up.
fn skip_line(reader: &mut impl BufRead) -> std::io::Result<()> {
    loop {
        if cancel::check().is_err() {
            // What is read next tells it.
            return Ok(());
        }
        let piece = reader.fill_buf()?;
        let (length, ends) = match piece.iter().position(|b| *b == b'\n') {
            Some(end) => (end + 1, true),
            None => (piece.len(), piece.is_empty()),
        };
        reader.consume(length);
        if ends {
            return Ok(());
        }
    }
}

/// Reads one paper from the bytes of a line, and tells which fields of it could not be read.
pub fn one(bytes: &[u8]) -> std::result::Result<(Paper, Vec<LeftOut>), Rejection> {
    let rejection = |id: Option<String>, reason: String| Rejection { id, reason };
    // A byte order mark is what Windows programs put at the head of a file.
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let text = std::str::from_utf8(bytes)
        .map_err(|e| rejection(None, format!("not UTF-8 (byte {} of the line)", e.valid_up_to() + 1)))?;
    // Without its end, so that a line that breaks off is said to do so.
    let text = text.trim_ascii_end();
    let list = || {
        let reason = "a list of papers; write one object a line (`jq -c '.[]'` or `jq -c '.papers[]'` does)";
        Err(rejection(None, reason.into()))
    };
    let read = |given: PaperFields<'_>| {
        if given.is_list() || text.trim_ascii_start().starts_with('[') {
            return list();
        }
        in_it(text, given)
    };
    match PaperFields::parse(text) {
        Ok(given) => read(given),
        Err(e) => {
            let mended = without_numbers_that_are_none(text);
            match mended.as_deref().map(PaperFields::parse) {
                Some(Ok(given)) => read(given),
                _ => Err(rejection(
                    None,
                    format!("not JSON: {}", e.to_string().replace("at line 1 column", "at column")),
                )),
            }
        }
    }
}

fn in_it(text: &str, given: PaperFields<'_>) -> std::result::Result<(Paper, Vec<LeftOut>), Rejection> {
    let id = given.id();
    let read = if text.trim_ascii_start().starts_with('{') {
        Paper::of(given)
    } else {
        Err(Error::BadRequest("a paper is a JSON object".into()))
    };
    read.map_err(|e| Rejection { id, reason: e.to_string() })
}

/// The papers of a JSON text, none of which is taken apart before its turn comes: a tree of all would take twenty times the
/// room of the text.
pub struct InJson {
    text: String,
    /// Where the list lies in it; none for a paper alone.
    list: Option<std::ops::Range<usize>>,
}

impl InJson {
    /// One paper, or `{"papers": [...]}`.
    ///
    /// # Errors
    /// [`Error::BadRequest`] when it is no JSON, or neither of these; [`Error::Invalid`] when the papers are too many for one
    /// body.
    pub fn new(bytes: Vec<u8>) -> Result<Self> {
        let broken = |why: String| Error::BadRequest(format!("the body is not JSON: {why}"));
        let text = String::from_utf8(bytes)
            .map_err(|e| broken(format!("not UTF-8 (byte {})", e.utf8_error().valid_up_to() + 1)))?;
        let neither = || Error::BadRequest("the body must be a paper or {\"papers\": [...]}".into());
        let whole: &RawValue = serde_json::from_str(&text).map_err(|e| broken(e.to_string()))?;
        if !whole.get().starts_with('{') {
            return Err(neither());
        }
        let fields: Top<'_> = serde_json::from_str(&text).map_err(|e| broken(e.to_string()))?;
        let list = match (fields.papers, fields.has_id, fields.other) {
            (None, ..) | (_, true, _) => None,
            (_, _, Some(name)) => {
                return Err(Error::BadRequest(format!("unknown field `{}` beside `papers`", head(&name, 80))));
            }
            (Some(papers), ..) if papers.get().starts_with('[') => {
                let n = items(papers.get()).map_or(0, Iterator::count);
                bounds::at_most("papers", n, bounds::PAPERS)?;
                let begin = papers.get().as_ptr() as usize - text.as_ptr() as usize;
                Some(begin..begin + papers.get().len())
            }
            _ => return Err(Error::BadRequest("`papers` must be a list".into())),
        };
        Ok(InJson { text, list })
    }

    /// Each in its place, counted from 1; [`Error::Cancelled`] ends it.
    pub fn papers(&self) -> impl Iterator<Item = Result<Incoming>> + '_ {
        let list = self.list.clone().and_then(|list| items(&self.text[list]));
        let alone = self.list.is_none().then_some(self.text.as_str());
        list.into_iter().flatten().chain(alone).enumerate().map(|(k, text)| {
            cancel::check()?;
            Ok(Incoming::new(k + 1, in_list(text)))
        })
    }
}

fn in_list(text: &str) -> std::result::Result<(Paper, Vec<LeftOut>), Rejection> {
    if text.len() > MAX_LINE {
        let reason = format!("it is {} bytes long; a paper has at most {MAX_LINE}", text.len());
        return Err(Rejection { id: None, reason });
    }
    let given = PaperFields::parse(text).map_err(|e| Rejection { id: None, reason: format!("not JSON: {e}") })?;
    in_it(text, given)
}

/// What a JSON body with a reading list is.
pub enum ListInJson {
    /// A CSL-JSON list, as it is.
    Itself,
    /// An object that holds the list, as a text, beside what is asked for.
    Fields(Map<String, Value>),
}

/// Bytes of a field beside the text of a list.
const MAX_BESIDE: usize = 64 << 10;

/// Tells what a JSON body with a reading list is, without taking the list apart.
///
/// # Errors
/// [`Error::BadRequest`] when it is no JSON, or neither of these.
pub fn list_in_json(bytes: &[u8]) -> Result<ListInJson> {
    let broken = |e: serde_json::Error| Error::BadRequest(format!("the body is not JSON: {e}"));
    let whole: &RawValue = serde_json::from_slice(bytes).map_err(broken)?;
    if whole.get().starts_with('[') {
        return Ok(ListInJson::Itself);
    }
    if !whole.get().starts_with('{') {
        return Err(Error::BadRequest("the body must be a JSON object, or a CSL-JSON list".into()));
    }
    let fields = object(whole.get());
    let field = |name: &str| fields.iter().rev().find(|(known, _)| known == name).map(|(_, value)| *value);
    if field("text").is_none() && field("items").is_some_and(|items| items.starts_with('[')) {
        return Ok(ListInJson::Itself);
    }
    let mut read = Map::new();
    for (name, value) in &fields {
        // A text is no tree, whatever its length.
        if value.len() > MAX_BESIDE && !(name == "text" && value.starts_with('"')) {
            return Err(Error::BadRequest(format!("{}: it is {} bytes long", head(name, 80), value.len())));
        }
        read.insert(name.to_string(), serde_json::from_str(value).map_err(broken)?);
    }
    Ok(ListInJson::Fields(read))
}

/// What stands beside the papers of a body.
#[derive(Default)]
struct Top<'a> {
    papers: Option<&'a RawValue>,
    has_id: bool,
    /// The first other field.
    other: Option<String>,
}

impl<'de> Deserialize<'de> for Top<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct Each;
        impl<'de> Visitor<'de> for Each {
            type Value = Top<'de>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<Top<'de>, A::Error> {
                let mut top = Top::default();
                while let Some(name) = map.next_key::<String>()? {
                    match name.as_str() {
                        "papers" => top.papers = Some(map.next_value()?),
                        _ => {
                            top.has_id |= name == "id";
                            top.other.get_or_insert(name);
                            map.next_value::<IgnoredAny>()?;
                        }
                    }
                }
                Ok(top)
            }
        }
        deserializer.deserialize_map(Each)
    }
}

/// The text with `NaN` and `Infinity` as `null`: what Python writes for a field that a table lacks, and no JSON. `None` where
/// there is none.
fn without_numbers_that_are_none(text: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let (mut rest, mut found) = (text, false);
    while let Some(k) = rest.find(['"', 'N', 'I', '-']) {
        out.push_str(&rest[..k]);
        rest = &rest[k..];
        if let Some(inner) = rest.strip_prefix('"') {
            let mut escaped = false;
            let end = inner.bytes().position(|b| {
                let ends = b == b'"' && !escaped;
                escaped = b == b'\\' && !escaped;
                ends
            })?;
            out.push_str(&rest[..end + 2]);
            rest = &rest[end + 2..];
        } else if let Some(word) = ["NaN", "Infinity", "-Infinity"].into_iter().find(|word| rest.starts_with(word)) {
            out.push_str("null");
            rest = &rest[word.len()..];
            found = true;
        } else {
            out.push_str(&rest[..1]);
            rest = &rest[1..];
        }
    }
    out.push_str(rest);
    found.then_some(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::io::Write;

    const GOOD: &str = r#"{"id":"a","title":"T"}"#;

    #[test]
    fn bad_lines_are_numbered_and_the_rest_goes_on() {
        let mut text = format!("{GOOD}\n\n{{broken\n{{\"id\":\"b\"}}\n").into_bytes();
        text.extend(b"\xff\xfe\n");
        text.extend(format!("{{\"id\":\"{}\",\"title\":\"x\"}}\n{GOOD}", "i".repeat(10_000)).bytes());
        let lines: Vec<_> = read("x", &text[..]).map(|l| l.expect("readable")).collect();
        let bad: Vec<usize> = lines.iter().filter(|l| l.paper.is_err()).map(|l| l.line).collect();
        assert_eq!(bad, [3, 4, 5, 6]);
        assert_eq!(lines.iter().filter(|l| l.paper.is_ok()).map(|l| l.line).collect::<Vec<_>>(), [1, 7]);
        let reasons: Vec<_> = lines.iter().filter_map(|l| l.paper.as_ref().err()).map(|r| r.reason.as_str()).collect();
        assert!(
            reasons[1].contains("title") && reasons[2].contains("UTF-8") && reasons[3].contains("256"),
            "{reasons:?}"
        );
    }

    #[test]
    fn what_a_table_lacks_costs_no_paper() {
        let line = r#"{"id": 7.0, "title": "A \"NaN\" in it", "date": NaN, "upvotes": -Infinity, "x": [Infinity, -1]}"#;
        let (paper, left_out) = one(line.as_bytes()).expect("a paper");
        assert_eq!((paper.id.as_str(), paper.title.as_str(), left_out.len()), ("7", "A \"NaN\" in it", 0));
        assert!(one(br#"{"id": "a", "title": NaN}"#).is_err_and(|r| r.reason.contains("title")));
        assert!(one(br#"{"id": "a", NaN "#).is_err_and(|r| r.reason.contains("not JSON")));
        let (_, left_out) = one(br#"{"id": "a", "title": "T", "date": "soon"}"#).expect("a paper");
        assert_eq!(left_out.len(), 1);
    }

    #[test]
    fn an_endless_line_is_passed_over() {
        let mut text = vec![b'x'; MAX_LINE + 5];
        text.extend(format!("\n{GOOD}\n").bytes());
        let lines: Vec<_> = read("x", &text[..]).map(|l| l.expect("readable")).collect();
        assert_eq!(lines.iter().map(|l| (l.line, l.paper.is_ok())).collect::<Vec<_>>(), [(1, false), (2, true)]);
    }

    #[test]
    fn packed_files_are_known_by_their_bytes() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("papers");
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(GOOD.as_bytes()).expect("packs");
        let packed = [
            GOOD.as_bytes().to_vec(),
            gzip.finish().expect("packs"),
            zstd::encode_all(GOOD.as_bytes(), 1).expect("packs"),
        ];
        for bytes in packed {
            std::fs::write(&path, &bytes).expect("written");
            let lines: Vec<_> = read("x", open(&path).expect("opens")).collect();
            assert!(matches!(&lines[..], [Ok(Incoming { paper: Ok(p), .. })] if p.id.as_str() == "a"));
        }
        // A packed file that ends in the middle is an error of the file, not of a line.
        let whole = zstd::encode_all(GOOD.repeat(50).as_bytes(), 1).expect("packs");
        std::fs::write(&path, &whole[..whole.len() - 3]).expect("written");
        assert!(read("x", open(&path).expect("opens")).any(|l| l.is_err()));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            prop_assert!(read("x", &bytes[..]).all(|l| l.is_ok()));
        }
    }
}
