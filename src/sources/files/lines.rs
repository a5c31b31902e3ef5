//! A list of lines in parts of whole entries: each goes to the reader of lists of its format, as if it were the whole.
//!
//! A part is cut before a line that begins an entry in any case, whatever stands before it; so the parts say the same as
//! the whole does.

use std::collections::VecDeque;
use std::io;

use super::super::references::{bibtex, encoding, endnote, pubmed, ris, wos};
use super::text::Stream;
use super::{Entries, MAX_PART, incoming, rejected, too_long};
use crate::cancel;
use crate::engine::{Incoming, ReferenceList};
use crate::paper::bounds::MAX_LINE;

/// Entries of a part at most.
const MAX_ENTRIES: usize = 20_000;

/// Bytes of a part of a BibTeX file, in which `crossref` and `xdata` are followed.
pub const MAX_BIBTEX: usize = 8 << 20;

/// Bytes of a line that are looked at to tell whether it begins an entry.
const BEGINNING: usize = 256;

/// How a list of lines is written, as far as its beginning tells.
pub enum Syntax {
    /// BibTeX, with the abbreviations that were defined so far.
    Bibtex(Vec<bibtex::OwnedField>),
    /// RIS, with so many blanks before its hyphens.
    Ris(usize),
    /// MEDLINE text.
    Medline,
    /// EndNote's tagged text, and whether every entry says its kind.
    Endnote(bool),
    /// Web of Science.
    Wos,
}

impl Syntax {
    /// Whether a line begins an entry, whatever stands before it; `after_blank` says that an empty line does.
    fn begins(&self, line: &str, after_blank: bool) -> bool {
        match self {
            Syntax::Bibtex(_) => bibtex::begins_line(line),
            Syntax::Ris(least) => ris::limits(line, *least).0,
            Syntax::Medline => pubmed::begins(line),
            Syntax::Endnote(true) => endnote::begins(line),
            Syntax::Endnote(false) => after_blank && endnote::has_tag(line),
            Syntax::Wos => wos::begins(line),
        }
    }

    /// Whether an entry ends with a line, where no next one begins for long.
    fn ends(&self, line: &str) -> bool {
        match self {
            Syntax::Bibtex(_) | Syntax::Medline | Syntax::Endnote(_) => false,
            Syntax::Ris(least) => ris::limits(line, *least).1,
            Syntax::Wos => line.trim_end() == "ER",
        }
    }

    fn most(&self) -> usize {
        match self {
            Syntax::Bibtex(_) => MAX_BIBTEX,
            _ => MAX_PART,
        }
    }

    /// Bytes of an entry.
    fn most_of_entry(&self) -> usize {
        self.most().max(MAX_LINE)
    }
}

/// The entries of such a list.
pub struct Lines {
    stream: Stream,
    encoding: encoding::Stream,
    syntax: Syntax,
    /// What was read and not handed on.
    bytes: Vec<u8>,
    /// Where the entry begins in it that is still open.
    open: usize,
    /// How many entries have begun in it.
    begun: usize,
    /// The line on which it begins, and that on which the open entry begins.
    line: usize,
    open_line: usize,
    /// The line that is read next.
    next_line: usize,
    /// Whether the line before it is empty.
    after_blank: bool,
    /// Entries before it.
    before: usize,
    state: State,
}

enum State {
    Reading,
    /// On to the next entry: this one is too long.
    Skipping,
    Failed(io::Error),
    End,
}

impl Lines {
    /// Of a stream.
    pub fn new(stream: Stream, encoding: encoding::Stream, syntax: Syntax) -> Self {
        Lines {
            stream,
            encoding,
            syntax,
            bytes: Vec::new(),
            open: 0,
            begun: 0,
            line: 1,
            open_line: 1,
            next_line: 1,
            after_blank: true,
            before: 0,
            state: State::Reading,
        }
    }

    /// Reads a line behind the others; whether there was one, and whether all of it is there.
    fn read_line(&mut self) -> io::Result<(bool, bool)> {
        let (mut any, mut whole) = (false, true);
        loop {
            let piece = self.stream.peek()?;
            if piece.is_empty() {
                return Ok((any, whole));
            }
            any = true;
            let end = piece.iter().position(|b| *b == b'\n');
            let length = end.map_or(piece.len(), |end| end + 1);
            // What is too long in any case is not kept.
            if self.bytes.len() - self.open <= self.syntax.most_of_entry() {
                self.bytes.extend_from_slice(&piece[..length]);
            } else {
                whole = false;
            }
            self.stream.advance(length);
            if end.is_some() || cancel::check().is_err() {
                self.next_line += 1;
                return Ok((any, whole));
            }
        }
    }

    /// Hands the whole entries on, and keeps the open one.
    fn hand_on(&mut self, until: usize, ends: bool, out: &mut VecDeque<Incoming>) {
        let text = self.encoding.text(&self.bytes[..until]);
        let mut list = ReferenceList { part: Some(self.before), ..ReferenceList::default() };
        match &mut self.syntax {
            Syntax::Bibtex(known) => bibtex::part(&text, known, ends, &mut list),
            Syntax::Ris(least) => ris::ris(&text, *least, &mut list),
            Syntax::Medline => pubmed::medline(&text, &mut list),
            Syntax::Endnote(typed) => endnote::tagged(&text, *typed, &mut list),
            Syntax::Wos => wos::tagged(&text, &mut list),
        }
        self.before += list.references.len() + list.rejected_total;
        incoming(list, self.line - 1, out);
        self.bytes.drain(..until);
        self.bytes.shrink_to(2 * MAX_PART);
        self.open -= until;
        self.line = self.open_line;
        self.begun = 1;
    }
}

impl Entries for Lines {
    fn more(&mut self, out: &mut VecDeque<Incoming>) -> io::Result<bool> {
        loop {
            match std::mem::replace(&mut self.state, State::End) {
                State::End => return Ok(false),
                State::Failed(e) => return Err(e),
                State::Reading => self.state = State::Reading,
                State::Skipping => self.state = State::Skipping,
            }
            if cancel::check().is_err() {
                return Ok(true);
            }
            let begin = self.bytes.len();
            let line = self.next_line;
            let (any, whole) = match self.read_line() {
                Ok(read) => read,
                Err(e) => {
                    // The entry that is open has been broken off.
                    self.state = State::Failed(e);
                    if self.open > 0 {
                        self.hand_on(self.open, false, out);
                    }
                    self.bytes.clear();
                    self.open = 0;
                    return Ok(true);
                }
            };
            if !any {
                let skipping = matches!(self.state, State::Skipping);
                self.state = State::End;
                if !skipping && !self.bytes.is_empty() {
                    self.open = self.bytes.len();
                    self.hand_on(self.bytes.len(), true, out);
                }
                return Ok(true);
            }
            let beginning = &self.bytes[begin..self.bytes.len().min(begin + BEGINNING)];
            let text = String::from_utf8_lossy(beginning);
            let text = text.trim_end_matches('\n');
            let begins = self.syntax.begins(text, self.after_blank);
            self.after_blank = text.trim().is_empty();
            let ends = self.syntax.ends(text) && self.bytes.len() - self.open > MAX_PART;
            if matches!(self.state, State::Skipping) {
                if begins || ends {
                    // What comes before it has been told.
                    self.bytes.drain(..begin);
                    (self.open, self.begun, self.line, self.open_line) = (0, 1, line, line);
                    self.state = State::Reading;
                } else {
                    self.bytes.truncate(begin);
                }
                continue;
            }
            if begins {
                (self.open, self.open_line) = (begin, line);
                self.begun += 1;
            } else if ends {
                (self.open, self.open_line) = (self.bytes.len(), self.next_line);
                self.begun += 1;
            }
            if self.open > 0 && (self.open >= self.syntax.most() || self.begun > MAX_ENTRIES) {
                self.hand_on(self.open, false, out);
                return Ok(true);
            }
            if !whole || self.bytes.len() - self.open > self.syntax.most_of_entry() {
                if self.open > 0 {
                    self.hand_on(self.open, false, out);
                }
                out.push_back(rejected(self.open_line, None, too_long("entry", self.syntax.most_of_entry())));
                self.before += 1;
                self.bytes.clear();
                self.open = 0;
                self.state = State::Skipping;
                return Ok(true);
            }
        }
    }

    fn begins_at(&self) -> usize {
        self.open_line
    }
}
