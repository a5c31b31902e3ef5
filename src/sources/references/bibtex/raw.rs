//! Entries and fields of a BibTeX file as they stand there, whatever is wrong with them. No value is understood here, and
//! no mistake costs more than its field: an entry ends with its own bracket or, at the latest, before the next line that
//! begins one.

use std::borrow::Cow;
use std::cell::Cell;

use crate::cancel;

/// An entry: `@kind{key, name = value, ...}`.
#[derive(Debug, Default, PartialEq)]
pub struct Entry<'a> {
    /// Where it begins, in bytes.
    pub start: usize,
    /// The word behind the `@`.
    pub kind: &'a str,
    /// Its key; empty for none.
    pub key: &'a str,
    /// Its fields with a value.
    pub fields: Vec<Field<'a>>,
    /// The first thing that is wrong with it.
    pub fault: Option<String>,
    /// Whether its own bracket never came.
    pub open: bool,
}

/// A field of an entry.
#[derive(Debug, PartialEq)]
pub struct Field<'a> {
    /// Its name as it is written.
    pub name: &'a str,
    /// The parts that `#` puts together; most have one.
    first: Piece<'a>,
    more: Vec<Piece<'a>>,
}

/// A part of a value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Piece<'a> {
    /// What stood in braces or quotes.
    Text(&'a str),
    /// A bare word: a number, or an abbreviation.
    Word(&'a str),
}

/// The first part of a value, and what `#` adds to it.
type Value<'a> = (Piece<'a>, Vec<Piece<'a>>);

impl<'a> Field<'a> {
    /// A field of these parts.
    pub fn new(name: &'a str, first: Piece<'a>, more: Vec<Piece<'a>>) -> Self {
        Field { name, first, more }
    }

    /// The parts of its value.
    pub fn pieces(&self) -> impl Iterator<Item = Piece<'a>> + '_ {
        std::iter::once(self.first).chain(self.more.iter().copied())
    }
}

/// How braces are counted. Writers of LaTeX escape what is no bracket; BibTeX itself counts all.
#[derive(Clone, Copy, PartialEq)]
enum Braces {
    Escaped,
    All,
    /// Escaped, and no value reaches over a line that begins like a field: one of them was never closed.
    Lines,
}

/// The entries of a text in its order, `@string` among them; `@comment` and `@preamble` hold nothing. A `%` comments the rest
/// of its line out, where it stands between entries or fields.
pub fn entries(text: &str) -> Vec<Entry<'_>> {
    let (mut entries, mut at, mut fence) = (Vec::new(), 0, 0);
    let vain = Cell::new((1 << 20) + 16 * text.len());
    while let Some(sign) = text[at..].find(['@', '%']).map(|found| at + found) {
        if cancel::check().is_err() {
            break;
        }
        if text.as_bytes()[sign] == b'%' {
            // `100% @misc{...` says nothing of a comment.
            let word = text[..sign].chars().next_back().is_some_and(char::is_alphanumeric);
            at = if word { sign + 1 } else { end_of_line(text, sign) };
            continue;
        }
        let Some((kind, body)) = head(&text[sign..]) else {
            at = sign + 1;
            continue;
        };
        if fence <= sign {
            fence = next_line_with_entry(text, sign + 1);
        }
        let body = sign + body;
        if ["comment", "preamble"].iter().any(|word| kind.eq_ignore_ascii_case(word)) {
            at = skipped(text, body, fence, &vain);
            continue;
        }
        let round = text.as_bytes()[body - 1] == b'(';
        let parse = |braces| {
            let scan = Scan { text, at: body, limit: fence, round, braces, vain: &vain, field: body };
            scan.entry(Entry { start: sign, kind, ..Entry::default() })
        };
        // All ways to count agree on nearly every entry; on the others one of them finds its end, or at least most fields.
        let (mut entry, mut end) = parse(Braces::Escaped);
        for braces in [Braces::All, Braces::Lines] {
            if entry.fault.is_some() {
                let (other, other_end) = parse(braces);
                if other.fault.is_none() || other.fields.len() > entry.fields.len() {
                    (entry, end) = (other, other_end);
                }
            }
        }
        entries.push(entry);
        at = end;
    }
    entries
}

/// Whether a line begins an entry, wherever the ones before it end: nothing but blanks stands before its `@article{`.
pub fn begins_line(line: &str) -> bool {
    begins(line.trim_start_matches([' ', '\t', '\u{a0}']))
}

/// Whether a text begins with `@article{` or the like.
pub fn begins(text: &str) -> bool {
    head(text).is_some()
}

/// The kind of an entry, and where what is in its brackets begins.
fn head(text: &str) -> Option<(&str, usize)> {
    let rest = text.strip_prefix('@')?.trim_start();
    let end = rest.find(|c: char| !(c.is_alphanumeric() || "_-+:".contains(c))).unwrap_or(rest.len());
    let (kind, behind) = rest.split_at(end);
    let open = behind.trim_start();
    let named = kind.starts_with(char::is_alphabetic) && open.starts_with(['{', '(']);
    named.then(|| (kind, text.len() - open.len() + 1))
}

fn end_of_line(text: &str, at: usize) -> usize {
    text[at..].find('\n').map_or(text.len(), |end| at + end)
}

/// The next `@article{` or the like before which nothing but blanks stands on its line; the end of the text for none.
fn next_line_with_entry(text: &str, from: usize) -> usize {
    let mut at = from;
    while let Some(sign) = text[at..].find('@').map(|found| at + found) {
        let before = text[..sign].trim_end_matches([' ', '\t', '\u{a0}']);
        if (before.is_empty() || before.ends_with('\n')) && begins(&text[sign..]) {
            return sign;
        }
        at = sign + 1;
    }
    text.len()
}

/// Behind a `@comment` or `@preamble`: its bracket, or the first that could be it.
fn skipped(text: &str, body: usize, fence: usize, vain: &Cell<usize>) -> usize {
    let close = if text.as_bytes()[body - 1] == b'(' { b')' } else { b'}' };
    if close == b'}' && vain.get() > 0 {
        if let Some(end) = closing_brace(text, body, fence, Braces::All) {
            return end + 1;
        }
        vain.set(vain.get().saturating_sub(fence - body));
    }
    text.as_bytes()[body..fence].iter().position(|b| *b == close).map_or(fence, |found| body + found + 1)
}

/// The brace that closes the one just before a place.
fn closing_brace(text: &str, from: usize, limit: usize, braces: Braces) -> Option<usize> {
    let (mut depth, mut escaped) = (1usize, false);
    for (at, b) in text.as_bytes()[from..limit].iter().enumerate() {
        match b {
            _ if escaped => escaped = false,
            b'\\' => escaped = braces != Braces::All,
            b'{' => depth += 1,
            b'}' if depth == 1 => return Some(from + at),
            b'}' => depth -= 1,
            _ => {}
        }
    }
    None
}

const NEVER_CLOSED: &str = "the entry is not closed";

/// Reading the inside of one entry.
struct Scan<'a, 'v> {
    text: &'a str,
    at: usize,
    limit: usize,
    round: bool,
    braces: Braces,
    /// How many bytes may still be looked through for an end that is not there, in the whole text.
    vain: &'v Cell<usize>,
    /// Where the next line begins a field, as far as that was looked up; not beyond here when it was not.
    field: usize,
}

impl<'a> Scan<'a, '_> {
    /// The entry, and where the text goes on.
    fn entry(mut self, mut entry: Entry<'a>) -> (Entry<'a>, usize) {
        if !entry.kind.eq_ignore_ascii_case("string") {
            entry.key = self.key();
        }
        loop {
            self.blanks(true);
            let Some(c) = self.peek() else {
                fault(&mut entry, NEVER_CLOSED);
                entry.open = true;
                break;
            };
            if self.closes(c) {
                self.at += 1;
                if self.goes_on() { continue } else { break }
            }
            if let Some(name) = self.name(&mut entry) {
                match self.value() {
                    Ok(Some((first, more))) => entry.fields.push(Field { name, first, more }),
                    Ok(None) => {}
                    Err(why) => {
                        fault(&mut entry, why);
                        if !self.recover() {
                            entry.open = true;
                            break;
                        }
                    }
                }
            }
        }
        (entry, self.at)
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes()[..self.limit].get(self.at).copied()
    }

    /// A bracket that closes the entry; the wrong one will do.
    fn closes(&self, c: u8) -> bool {
        c == b'}' || (c == b')' && self.round)
    }

    fn rest(&self) -> &'a str {
        &self.text[self.at..self.limit]
    }

    /// Over blanks and comments, and commas if wanted.
    fn blanks(&mut self, commas: bool) {
        loop {
            let rest = self.rest();
            let next = rest.trim_start_matches(|c: char| c.is_whitespace() || (commas && c == ','));
            self.at += rest.len() - next.len();
            if !next.starts_with('%') {
                return;
            }
            self.at = end_of_line(self.text, self.at).min(self.limit);
        }
    }

    /// The key of the entry, and over its comma; where the comma is missing, up to the first field.
    fn key(&mut self) -> &'a str {
        self.blanks(false);
        let rest = self.rest();
        let mut from = 0;
        while let Some(found) = rest[from..].find([',', '=', '}', ')']).map(|found| from + found) {
            let key = rest[..found].trim();
            match rest.as_bytes()[found] {
                b',' => {
                    self.at += found + 1;
                    return key;
                }
                b'=' => {
                    // The last word is the name of a field.
                    let key = key.rsplit_once(char::is_whitespace).map_or("", |(key, _)| key);
                    self.at += key.len();
                    return key.trim();
                }
                // `@article(Doe(2001), ...`
                b')' if !self.round || rest[found + 1..].trim_start().starts_with(',') => from = found + 1,
                _ => {
                    self.at += found;
                    return key;
                }
            }
        }
        self.at = self.limit;
        ""
    }

    /// The name of a field that has a value; nothing where there is none.
    fn name(&mut self, entry: &mut Entry<'a>) -> Option<&'a str> {
        let rest = self.rest();
        let Some(found) = rest.find(|c: char| ",={}\"".contains(c) || (c == ')' && self.round)) else {
            self.at = self.limit;
            return None;
        };
        // Words on the lines before belong to nothing.
        let name = rest[..found].trim();
        let name = name.rsplit('\n').next().unwrap_or(name).trim();
        self.at += found;
        match rest.as_bytes()[found] {
            b'=' => {
                self.at += 1;
                (!name.is_empty()).then_some(name)
            }
            b'{' | b'"' => {
                fault(entry, format!("expected equals (`=`) after `{}`", crate::paper::head(name, 40)));
                // Its value goes with it.
                if self.value().is_err() && !self.recover() {
                    self.at = self.limit;
                }
                None
            }
            b',' => {
                self.at += 1;
                None
            }
            _ => None,
        }
    }

    /// The parts of a value. Nothing for an empty one.
    fn value(&mut self) -> Result<Option<Value<'a>>, Cow<'static, str>> {
        let (mut first, mut more) = (None, Vec::new());
        loop {
            self.blanks(false);
            let piece = match self.peek() {
                None if first.is_some() => break,
                None => return Err(NEVER_CLOSED.into()),
                Some(b'#') => {
                    self.at += 1;
                    continue;
                }
                Some(b'{') => {
                    let farthest = self.farthest();
                    let end = closing_brace(self.text, self.at + 1, farthest, self.braces);
                    let end = end.ok_or_else(|| self.never_closed())?;
                    let inside = &self.text[self.at + 1..end];
                    self.at = end + 1;
                    Piece::Text(inside)
                }
                Some(b'"') => Piece::Text(self.quoted().ok_or_else(|| self.never_closed())?),
                Some(b',') => break,
                Some(c) if self.closes(c) => break,
                // What begins here is the next field.
                Some(_) if first.is_some() && !self.joined() => break,
                Some(_) => match self.bare() {
                    "" => break,
                    word => Piece::Word(word),
                },
            };
            match first {
                None => first = Some(piece),
                Some(_) => more.push(piece),
            }
        }
        Ok(first.map(|first| (first, more)))
    }

    /// A value has no end: what it cost to see.
    fn never_closed(&self) -> Cow<'static, str> {
        self.vain.set(self.vain.get().saturating_sub(self.limit - self.at));
        NEVER_CLOSED.into()
    }

    /// Whether the sign before, blanks aside, was `#`.
    fn joined(&self) -> bool {
        self.text[..self.at].trim_end().ends_with('#')
    }

    /// What stands in quotes. A quote closes where braces are closed and what follows can follow a value.
    fn quoted(&mut self) -> Option<&'a str> {
        let begin = self.at + 1;
        let mut first = None;
        let (mut depth, mut escaped) = (0usize, false);
        let mut end = None;
        let farthest = self.farthest();
        for (at, b) in self.text.as_bytes()[begin..farthest].iter().enumerate() {
            match b {
                _ if escaped => escaped = false,
                b'\\' => escaped = self.braces != Braces::All,
                b'{' => depth += 1,
                b'}' => depth = depth.saturating_sub(1),
                b'"' if self.ends_value(begin + at + 1) => {
                    first = first.or(Some(begin + at));
                    if depth == 0 {
                        end = Some(begin + at);
                        break;
                    }
                }
                _ => {}
            }
        }
        // A brace in it was never closed: then the first that looks like the end.
        let end = end.or(first)?;
        self.at = end + 1;
        Some(&self.text[begin..end])
    }

    /// Whether a value may end before a place.
    fn ends_value(&self, at: usize) -> bool {
        let rest = &self.text[at..self.limit];
        let next = rest.trim_start();
        next.is_empty()
            || next.starts_with([',', '}', ')', '#', '%'])
            || rest[..rest.len() - next.len()].contains('\n')
            || is_field(next)
    }

    /// A bare word; all words up to the end of the line or field where they are no fields themselves (`year = to appear`).
    fn bare(&mut self) -> &'a str {
        let rest = self.rest();
        let round = self.round;
        let end = rest.find(|c: char| ",#{}\"\n".contains(c) || (round && c == ')')).unwrap_or(rest.len());
        let run = &rest[..end];
        let run = run.split_once(" %").map_or(run, |(run, _)| run);
        let word = run.find(char::is_whitespace).map_or(run, |blank| &run[..blank]);
        let taken = if run.contains('=') { word } else { run };
        self.at += taken.len();
        taken.trim()
    }

    /// On to the next line that begins a field, from within a value that is never closed; whether there is one. A text that
    /// is made of such values is given up in the end.
    fn recover(&mut self) -> bool {
        let rest = if self.vain.get() == 0 { "" } else { self.rest() };
        match next_field(rest) {
            Some(at) => {
                self.at += at;
                true
            }
            None => {
                self.at = self.limit;
                false
            }
        }
    }

    /// How far the value that begins here may reach.
    fn farthest(&mut self) -> usize {
        if self.braces != Braces::Lines {
            return self.limit;
        }
        // Looked up once for all values before it.
        if self.field <= self.at {
            self.field = next_field(self.rest()).map_or(self.limit, |at| self.at + at);
        }
        self.field
    }

    /// Whether fields go on behind a bracket that seemed to close the entry: one too many in a value.
    fn goes_on(&self) -> bool {
        let rest = self.rest().trim_start();
        rest.strip_prefix(',').is_some_and(|rest| is_field(rest.trim_start()))
    }
}

/// Where the next line begins a field.
fn next_field(text: &str) -> Option<usize> {
    text.match_indices('\n').map(|(at, _)| at + 1).find(|at| is_field(text[*at..].trim_start_matches([' ', '\t'])))
}

/// Whether a text begins with `name = `.
fn is_field(text: &str) -> bool {
    let other = |b: u8| !(b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'));
    let end = text.bytes().take(41).position(other).unwrap_or(text.len());
    (1..=40).contains(&end)
        && text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text[end..].trim_start_matches([' ', '\t']).starts_with('=')
}

fn fault(entry: &mut Entry<'_>, why: impl Into<String>) {
    entry.fault.get_or_insert_with(|| why.into());
}
