//! XML a record at a time: a record reaches from its opening tag to the next one at most, so that a broken one costs no
//! other. Each goes to the reader of its format.

use std::collections::VecDeque;
use std::io;

use super::super::references::{encoding, endnote, pubmed, xml};
use super::acl::Anthology;
use super::text::Stream;
use super::{Entries, MAX_PART, incoming, rejected, too_long};
use crate::cancel;
use crate::engine::{Incoming, ReferenceList};
use crate::paper::bounds::MAX_LINE;

/// The longest name of a record's element, and what stands around it.
const LONGEST_TAG: usize = 32;

/// What the records are.
pub enum Kind {
    /// Articles of PubMed.
    Pubmed,
    /// Records of EndNote.
    Endnote,
    /// Papers of the ACL Anthology, and the volumes that they stand in.
    Acl(Anthology),
}

impl Kind {
    fn names(&self) -> &'static [&'static str] {
        match self {
            Kind::Pubmed => pubmed::ARTICLES,
            Kind::Endnote => &["record"],
            Kind::Acl(_) => Anthology::ELEMENTS,
        }
    }
}

/// The records of such a file.
pub struct Records {
    stream: Stream,
    encoding: encoding::Stream,
    kind: Kind,
    /// What was read and not handed on: it begins with a record, but for what stands before the first.
    bytes: Vec<u8>,
    /// Where the open record begins in it; none before the first.
    open: Option<usize>,
    /// How far it was looked through.
    seen: usize,
    /// The line on which `bytes` begin, and on which the open record begins.
    line: usize,
    open_line: usize,
    /// The line at the place that was looked through last.
    seen_line: usize,
    before: usize,
    skipping: bool,
    failed: Option<io::Error>,
    ended: bool,
}

impl Records {
    /// Of a stream.
    pub fn new(stream: Stream, encoding: encoding::Stream, kind: Kind) -> Self {
        Records {
            stream,
            encoding,
            kind,
            bytes: Vec::new(),
            open: None,
            seen: 0,
            line: 1,
            open_line: 1,
            seen_line: 1,
            before: 0,
            skipping: false,
            failed: None,
            ended: false,
        }
    }

    /// The next opening tag of a record from where it was looked last. What is cut by the end of the bytes is seen next time.
    fn next_open(&mut self) -> Option<usize> {
        let end = if self.ended { self.bytes.len() } else { self.bytes.len().saturating_sub(LONGEST_TAG) };
        while self.seen < end {
            let rest = &self.bytes[self.seen..end];
            let Some(found) = rest.iter().position(|b| *b == b'<') else {
                self.seen_line += lines(rest);
                self.seen = end;
                return None;
            };
            let at = self.seen + found;
            self.seen_line += lines(&rest[..found]);
            self.seen = at + 1;
            let tag = &self.bytes[at + 1..self.bytes.len().min(at + 1 + LONGEST_TAG)];
            let opens = |name: &&str| {
                tag.strip_prefix(name.as_bytes())
                    .is_some_and(|rest| matches!(rest.first(), Some(b' ' | b'>' | b'/' | b'\t' | b'\n')))
            };
            if self.kind.names().iter().any(opens) {
                return Some(at);
            }
        }
        None
    }

    fn hand_on(&mut self, until: usize, out: &mut VecDeque<Incoming>) {
        let text = self.encoding.text(&self.bytes[..until]);
        let mut list = ReferenceList { part: Some(self.before), ..ReferenceList::default() };
        match &mut self.kind {
            Kind::Pubmed => pubmed::xml(&text, &mut list),
            Kind::Endnote => endnote::xml(&text, &mut list),
            Kind::Acl(anthology) => {
                for (line, part) in xml::elements(&text, Anthology::ELEMENTS) {
                    out.extend(anthology.take(self.line - 1 + line, part));
                }
            }
        }
        self.before += list.references.len() + list.rejected_total;
        incoming(list, self.line - 1, out);
        self.drop_until(until);
    }

    /// Gives up the open record, which is too long: what stands before it is handed on.
    fn give_up(&mut self, open: usize, out: &mut VecDeque<Incoming>) {
        if open > 0 {
            self.hand_on(open, out);
        }
        out.push_back(rejected(self.open_line, None, too_long("record", MAX_LINE)));
        self.before += 1;
        self.skipping = true;
    }

    fn drop_until(&mut self, until: usize) {
        self.bytes.drain(..until);
        self.bytes.shrink_to(2 * MAX_PART);
        self.seen = self.seen.saturating_sub(until);
        self.open = self.open.map(|open| open.saturating_sub(until));
        self.line = self.open_line;
    }
}

fn lines(bytes: &[u8]) -> usize {
    bytes.iter().filter(|b| **b == b'\n').count()
}

impl Entries for Records {
    fn more(&mut self, out: &mut VecDeque<Incoming>) -> io::Result<bool> {
        if let Some(e) = self.failed.take() {
            self.ended = true;
            return Err(e);
        }
        if self.ended {
            return Ok(false);
        }
        loop {
            if cancel::check().is_err() {
                return Ok(true);
            }
            while let Some(at) = self.next_open() {
                if self.open.is_none() || self.skipping {
                    // What stands before the first record, or has been told already.
                    self.open_line = self.seen_line;
                    self.open = Some(at);
                    self.drop_until(at);
                    self.skipping = false;
                    continue;
                }
                let open = self.open.unwrap_or_default();
                if at - open > MAX_LINE {
                    self.give_up(open, out);
                    self.open_line = self.seen_line;
                    self.open = Some(at - open);
                    self.drop_until(at - open);
                    self.skipping = false;
                    return Ok(true);
                }
                self.open = Some(at);
                self.open_line = self.seen_line;
                if at >= MAX_PART {
                    self.hand_on(at, out);
                    return Ok(true);
                }
            }
            let open = self.open.unwrap_or_default();
            if self.skipping || self.open.is_none() {
                // Nothing of it is wanted but the beginning of a tag.
                let keep = self.seen.min(self.bytes.len());
                self.bytes.drain(..keep);
                self.seen = 0;
                self.open = self.open.map(|_| 0);
            } else if self.bytes.len() - open > MAX_LINE {
                self.give_up(open, out);
                return Ok(true);
            }
            if self.ended {
                if !self.skipping && self.open.is_some() {
                    self.open_line = self.seen_line;
                    self.hand_on(self.bytes.len(), out);
                }
                return Ok(true);
            }
            match self.stream.peek() {
                Ok([]) => self.ended = true,
                Ok(piece) => {
                    let n = piece.len();
                    self.bytes.extend_from_slice(piece);
                    self.stream.advance(n);
                }
                Err(e) => {
                    // The record that is open has been broken off.
                    self.failed = Some(e);
                    if let Some(open) = self.open.filter(|open| *open > 0 && !self.skipping) {
                        self.hand_on(open, out);
                    }
                    return Ok(true);
                }
            }
        }
    }

    fn begins_at(&self) -> usize {
        self.open_line
    }
}
