//! JSON a value at a time: values one behind the other, a list of them, or an object that holds the list. Only the value at
//! hand is in memory.
//!
//! Values are told apart by brackets and quotes alone, so that what is wrong inside of one costs no other. Where brackets or
//! quotes are wrong themselves, values that stand on lines of their own are found again.

use std::collections::VecDeque;
use std::io;

use super::text::Stream;
use super::{Entries, Make, rejected, too_long};
use crate::cancel;
use crate::engine::Incoming;
use crate::paper::bounds::MAX_LINE;

/// What objects call the list that they are around.
pub const LISTS: &[&str] = &["items", "references", "papers", "results", "data", "records", "works", "articles"];

/// Fields that say that an object is an entry itself.
const OWN: &[&str] = &["title", "DOI", "itemType", "corpusid", "paperId", "abstract"];

/// The values of such a file.
pub struct Values<'e> {
    stream: Stream,
    make: Make<'e>,
    level: Level,
    /// Values of the list so far.
    place: usize,
    line: usize,
    /// The value at hand.
    value: Vec<u8>,
}

#[derive(Clone, Copy, PartialEq)]
enum Level {
    Top,
    /// In a list, inside so many objects.
    List(usize),
    /// In an object whose fields are the values.
    Fields(usize),
    End,
}

/// How reading a value ended.
#[derive(PartialEq)]
enum Taken {
    Whole,
    /// There is none here: a comma, a closing bracket, or the end.
    None,
    TooLong,
    /// The text ends in it.
    Cut,
}

impl<'e> Values<'e> {
    /// Of a stream.
    pub fn new(stream: Stream, make: Make<'e>) -> Self {
        Values { stream, make, level: Level::Top, place: 0, line: 1, value: Vec::new() }
    }

    /// The next byte that is no blank, which stays; none at the end.
    fn next_sign(&mut self) -> io::Result<Option<u8>> {
        loop {
            let piece = self.stream.peek()?;
            if piece.is_empty() {
                return Ok(None);
            }
            let blank = |b: &u8| b.is_ascii_whitespace() || *b == 0x1e || *b == 0;
            let n = piece.iter().position(|b| !blank(b)).unwrap_or(piece.len());
            let found = piece.get(n).copied();
            self.line += piece[..n].iter().filter(|b| **b == b'\n').count();
            self.stream.advance(n);
            if found.is_some() {
                return Ok(found);
            }
        }
    }

    /// Takes a value and puts its text behind what is in `value`; of one that is longer than a paper may be the rest is passed
    /// over. So many brackets are open already.
    fn take(&mut self, open: usize) -> io::Result<Taken> {
        let (mut depth, mut text, mut escaped, mut begun) = (open, false, false, open > 0);
        let mut fits = true;
        loop {
            if cancel::check().is_err() {
                return Ok(Taken::Cut);
            }
            let piece = self.stream.peek()?;
            if piece.is_empty() {
                return Ok(if !begun {
                    Taken::None
                } else if depth > 0 || text || escaped {
                    Taken::Cut
                } else {
                    Taken::Whole
                });
            }
            let (mut at, mut ended) = (0, false);
            while at < piece.len() && !ended {
                let byte = piece[at];
                if text {
                    match byte {
                        _ if escaped => escaped = false,
                        b'\\' => escaped = true,
                        b'"' => {
                            text = false;
                            ended = depth == 0;
                        }
                        // No text goes over a line: its end is missing.
                        b'\n' => text = false,
                        _ => {}
                    }
                } else {
                    match byte {
                        b'"' => text = true,
                        b'{' | b'[' => depth += 1,
                        b'}' | b']' | b',' | b' ' | b'\t' | b'\n' | b':' if depth == 0 => {
                            ended = true;
                            break;
                        }
                        b'}' | b']' => {
                            depth -= 1;
                            ended = depth == 0;
                        }
                        _ => {}
                    }
                }
                begun = true;
                at += 1;
            }
            if fits && self.value.len() + at > MAX_LINE + 1 {
                if whole_lines(&self.value) > 0 {
                    return Ok(Taken::TooLong);
                }
                fits = false;
            }
            if fits {
                self.value.extend_from_slice(&piece[..at]);
            }
            self.line += piece[..at].iter().filter(|b| **b == b'\n').count();
            self.stream.advance(at);
            if ended {
                return Ok(match (begun, fits) {
                    (false, _) => Taken::None,
                    (true, true) => Taken::Whole,
                    (true, false) => Taken::TooLong,
                });
            }
        }
    }

    /// Tells what was taken for one value and is none: values that stand on lines of their own are taken, what is between them
    /// is rejected.
    fn mend(&mut self, line: usize, why: &str, out: &mut VecDeque<Incoming>) {
        let text = std::mem::take(&mut self.value);
        let mut bad = None;
        let listed = self.level != Level::Top;
        for (k, each) in text.split(|b| *b == b'\n').enumerate() {
            let bare = trimmed(each);
            if is_object(bare) {
                if let Some(line) = bad.take() {
                    let place = self.next_place(line, listed);
                    out.push_back(rejected(place, None, why));
                }
                let place = self.next_place(line + k, listed);
                out.extend((self.make)(place, bare));
            } else if !bare.is_empty() && !matches!(bare, b"[" | b"]" | b"}" | b"{") {
                bad.get_or_insert(line + k);
            }
        }
        if let Some(line) = bad {
            let place = self.next_place(line, listed);
            out.push_back(rejected(place, None, why));
        }
    }

    /// What a value is counted by: its place in a list, else its line.
    fn next_place(&mut self, line: usize, listed: bool) -> usize {
        if listed {
            self.place += 1;
            self.place
        } else {
            line
        }
    }

    /// Takes a value, and tells what it is.
    fn value(&mut self, open: usize, out: &mut VecDeque<Incoming>) -> io::Result<()> {
        if open == 0 {
            self.value.clear();
            self.value.shrink_to(1 << 16);
        }
        let line = self.line - self.value.iter().filter(|b| **b == b'\n').count();
        let taken = self.take(open)?;
        let listed = self.level != Level::Top;
        match taken {
            Taken::Whole => {
                let place = self.next_place(line, listed);
                out.extend((self.make)(place, &self.value));
            }
            Taken::Cut if cancel::check().is_err() => {}
            Taken::Cut => {
                self.mend(line, "the file breaks off in the middle of this entry", out);
                self.level = Level::End;
            }
            Taken::TooLong if whole_lines(&self.value) > 0 => {
                // The end of it may be the beginning of a value.
                let end = self.value.iter().rposition(|b| *b == b'\n').map_or(self.value.len(), |end| end + 1);
                let rest = self.value.split_off(end);
                self.stream.give_back(rest);
                self.mend(line, "it is no JSON: a bracket or a quote is missing", out);
            }
            Taken::TooLong => {
                let place = self.next_place(line, listed);
                out.push_back(rejected(place, None, too_long("entry", MAX_LINE)));
            }
            // A sign that has no place here.
            Taken::None => self.stream.advance(1),
        }
        Ok(())
    }

    /// Looks into an object for the list of entries; without one it is an entry itself.
    fn object(&mut self, out: &mut VecDeque<Incoming>) -> io::Result<()> {
        self.value.clear();
        let (mut inside, mut own) = (0, false);
        while let Some(sign) = self.next_sign()? {
            match sign {
                b'{' => {
                    inside += 1;
                    self.keep(1)?;
                }
                b'}' => {
                    self.keep(1)?;
                    inside -= 1;
                    if inside == 0 {
                        let text = std::mem::take(&mut self.value);
                        out.extend((self.make)(self.line, &text));
                        return Ok(());
                    }
                }
                b',' => self.keep(1)?,
                b'"' => {
                    let begin = self.value.len();
                    if self.take(0)? != Taken::Whole {
                        break;
                    }
                    let name = String::from_utf8_lossy(trimmed(&self.value[begin..])).trim_matches('"').to_string();
                    own |= inside == 1 && OWN.contains(&name.as_str());
                    if self.next_sign()? != Some(b':') {
                        break;
                    }
                    self.keep(1)?;
                    match self.next_sign()? {
                        Some(b'[') if !own && LISTS.contains(&name.as_str()) => {
                            self.stream.advance(1);
                            self.level = Level::List(inside);
                            return Ok(());
                        }
                        // Older versions of Better BibTeX number them.
                        Some(b'{') if !own && name == "items" => {
                            self.stream.advance(1);
                            self.level = Level::Fields(inside);
                            return Ok(());
                        }
                        Some(b'{') if !own && name == "message" && inside < 4 => {}
                        Some(_) => match self.take(0)? {
                            Taken::Whole | Taken::TooLong => {}
                            Taken::None | Taken::Cut => break,
                        },
                        None => break,
                    }
                }
                _ => break,
            }
        }
        // It is no JSON: whoever reads it says so.
        self.value(inside, out)
    }

    /// Moves so many bytes to the value.
    fn keep(&mut self, n: usize) -> io::Result<()> {
        let piece = self.stream.peek()?;
        let piece = &piece[..n.min(piece.len())];
        if self.value.len() <= MAX_LINE {
            self.value.extend_from_slice(piece);
        }
        self.stream.advance(n);
        Ok(())
    }
}

/// Without blanks around it, nor the comma behind.
fn trimmed(bytes: &[u8]) -> &[u8] {
    let bytes = bytes.trim_ascii();
    bytes.strip_suffix(b",").unwrap_or(bytes).trim_ascii()
}

/// Whether a line is an entry of its own, and no part of another one.
fn is_object(line: &[u8]) -> bool {
    let named = |name: &&str| line.windows(name.len()).any(|window| window == name.as_bytes());
    line.starts_with(b"{") && OWN.iter().any(named) && serde_json::from_slice::<serde::de::IgnoredAny>(line).is_ok()
}

/// How many entries stand on lines of their own in what was taken for one: then its brackets are wrong.
fn whole_lines(text: &[u8]) -> usize {
    text.split(|b| *b == b'\n').skip(1).filter(|line| is_object(trimmed(line))).count()
}

impl Entries for Values<'_> {
    fn more(&mut self, out: &mut VecDeque<Incoming>) -> io::Result<bool> {
        match self.level {
            Level::End => return Ok(false),
            Level::Top => match self.next_sign()? {
                None => self.level = Level::End,
                Some(b'[') => {
                    self.stream.advance(1);
                    self.level = Level::List(0);
                }
                Some(b'{') => self.object(out)?,
                Some(b',') => self.stream.advance(1),
                Some(_) => self.value(0, out)?,
            },
            Level::List(around) | Level::Fields(around) => match self.next_sign()? {
                None => {
                    let place = self.next_place(self.line, true);
                    out.push_back(rejected(place, None, "the file breaks off: its list is not closed"));
                    self.level = Level::End;
                }
                Some(b',') => self.stream.advance(1),
                Some(b']' | b'}') => {
                    self.stream.advance(1);
                    self.level = Level::Top;
                    if around > 0 {
                        // What stands behind the list in the objects around it is no entry.
                        self.value.clear();
                        if self.take(around)? == Taken::Cut && cancel::check().is_ok() {
                            out.push_back(rejected(self.place + 1, None, "the file breaks off behind its list"));
                        }
                    }
                }
                Some(b'"') if matches!(self.level, Level::Fields(_)) => {
                    self.value.clear();
                    self.take(0)?;
                    if self.next_sign()? == Some(b':') {
                        self.stream.advance(1);
                    }
                    self.next_sign()?;
                    self.value(0, out)?;
                }
                Some(_) => self.value(0, out)?,
            },
        }
        Ok(true)
    }

    fn begins_at(&self) -> usize {
        if self.level == Level::Top { self.line } else { self.place + 1 }
    }
}
