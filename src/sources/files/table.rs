//! A table in parts of whole rows: each goes to the reader of tables, with the head of the first.

use std::collections::VecDeque;
use std::io;

use super::super::references::{encoding, table};
use super::text::Stream;
use super::{Entries, MAX_PART, incoming, rejected};
use crate::cancel;
use crate::engine::{Incoming, ReferenceList};
use crate::paper::bounds::MAX_LINE;

/// Bytes that are read twice at most to find rows again behind a quote that is never closed; as many as were read are free.
const AGAIN: usize = 64 << 20;

/// The rows of a table.
pub struct Rows {
    stream: Stream,
    encoding: encoding::Stream,
    head: table::Head,
    /// Rows that were read and not handed on, and the open one behind them.
    bytes: Vec<u8>,
    open: usize,
    line: usize,
    open_line: usize,
    seen_line: usize,
    place: Place,
    before: usize,
    /// Whether the head has been passed over.
    headed: bool,
    again: usize,
    failed: Option<io::Error>,
    ended: bool,
}

/// Where in a row the reader is.
#[derive(Clone, Copy, PartialEq)]
enum Place {
    CellBegins,
    InCell,
    InQuotes,
    /// Behind a quote within quotes: it ends them, or is the first of two that stand for one.
    AfterQuote,
    /// The row is passed over: up to its end as a line.
    Skipping,
}

impl Rows {
    /// Of a stream whose head is known.
    pub fn new(stream: Stream, encoding: encoding::Stream, head: table::Head) -> Self {
        Rows {
            stream,
            encoding,
            head,
            bytes: Vec::new(),
            open: 0,
            line: 1,
            open_line: 1,
            seen_line: 1,
            place: Place::CellBegins,
            before: 0,
            headed: false,
            again: AGAIN,
            failed: None,
            ended: false,
        }
    }

    /// Takes bytes up to the end of a row that fills a part; how many they are, and whether one is full.
    fn take(&mut self, piece: &[u8]) -> (usize, bool) {
        let mut at = 0;
        while at < piece.len() {
            let byte = piece[at];
            at += 1;
            if byte == b'\n' {
                self.seen_line += 1;
            }
            self.place = match (self.place, byte) {
                (Place::InQuotes, b'"') => Place::AfterQuote,
                (Place::InQuotes, _) => Place::InQuotes,
                (Place::AfterQuote, b'"') => Place::InQuotes,
                (Place::CellBegins, b'"') if self.head.quoted => Place::InQuotes,
                (_, b'\n') => Place::CellBegins,
                (_, byte) if byte == self.head.delimiter => Place::CellBegins,
                _ => Place::InCell,
            };
            if byte == b'\n' && self.place == Place::CellBegins {
                let rows = self.bytes.len() + at;
                self.open_line = self.seen_line;
                if rows >= MAX_PART {
                    self.bytes.extend_from_slice(&piece[..at]);
                    self.open = self.bytes.len();
                    return (at, true);
                }
                self.open = rows;
            }
        }
        self.bytes.extend_from_slice(piece);
        (at, false)
    }

    fn hand_on(&mut self, until: usize, out: &mut VecDeque<Incoming>) {
        let text = self.encoding.text(&self.bytes[..until]);
        let (mut from, mut skip, mut before) = (0, 0, self.line - 1);
        if !self.headed {
            self.headed = true;
            from = text.floor_char_boundary(self.head.start);
            before += text[..from].matches('\n').count();
            skip = 1;
        }
        let mut list = ReferenceList { part: Some(self.before), ..ReferenceList::default() };
        table::rows(&text[from..], &self.head, before, skip, &mut |line, row| match row {
            Ok(row) => table::take_paper(&mut list, &self.head, line, row),
            Err(why) => list.reject(line, None, why),
        });
        self.before += list.references.len() + list.rejected_total;
        incoming(list, 0, out);
        self.bytes.drain(..until);
        self.bytes.shrink_to(2 * MAX_PART);
        self.open -= until;
        self.line = self.open_line;
    }

    /// Gives an open row up that is too long: a quote of it has no end. Its other lines are read again.
    fn give_up(&mut self, out: &mut VecDeque<Incoming>) {
        if self.open > 0 {
            self.hand_on(self.open, out);
        }
        let reason = format!("a quote of this row is never closed, or not within {MAX_LINE} bytes");
        out.push_back(rejected(self.open_line, None, reason));
        self.before += 1;
        self.headed = true;
        let first = self.bytes.iter().position(|b| *b == b'\n').map(|end| end + 1);
        let row = std::mem::take(&mut self.bytes);
        self.open = 0;
        match first.filter(|first| row.len() - first <= self.again) {
            Some(first) => {
                self.again -= row.len() - first;
                self.open_line += 1;
                self.seen_line = self.open_line;
                self.stream.give_back(row[first..].to_vec());
                self.place = Place::CellBegins;
            }
            None => {
                self.open_line = self.seen_line;
                self.place = Place::Skipping;
            }
        }
        self.line = self.open_line;
    }
}

impl Entries for Rows {
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
            // Most pieces are copied once, from the buffer of the file to the part.
            let piece = match self.stream.peek() {
                Ok(piece) => piece[..piece.len().min(1 << 16)].to_vec(),
                Err(e) => {
                    // The row that is open has been broken off.
                    self.failed = Some(e);
                    if self.open > 0 {
                        self.hand_on(self.open, out);
                    }
                    return Ok(true);
                }
            };
            if piece.is_empty() {
                self.ended = true;
                if self.place == Place::InQuotes {
                    if self.bytes.len() - self.open > MAX_LINE / 64 && self.bytes[self.open..].contains(&b'\n') {
                        self.ended = false;
                        self.give_up(out);
                        return Ok(true);
                    }
                    if self.open > 0 {
                        self.hand_on(self.open, out);
                    }
                    out.push_back(rejected(self.open_line, None, "the file breaks off within quotes"));
                } else if self.place != Place::Skipping && !self.bytes.is_empty() {
                    self.hand_on(self.bytes.len(), out);
                }
                return Ok(true);
            }
            if self.place == Place::Skipping {
                let end = piece.iter().position(|b| *b == b'\n');
                if end.is_some() {
                    self.seen_line += 1;
                    (self.line, self.open_line, self.place) = (self.seen_line, self.seen_line, Place::CellBegins);
                }
                self.stream.advance(end.map_or(piece.len(), |end| end + 1));
                continue;
            }
            let (taken, full) = self.take(&piece);
            self.stream.advance(taken);
            if full {
                self.again = self.again.saturating_add(MAX_PART);
                if self.open > 0 {
                    self.hand_on(self.open, out);
                }
                return Ok(true);
            }
            if self.bytes.len() - self.open > MAX_LINE {
                self.give_up(out);
                return Ok(true);
            }
        }
    }

    fn begins_at(&self) -> usize {
        self.open_line
    }
}
