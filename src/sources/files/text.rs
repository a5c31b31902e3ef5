//! A stream of bytes as text: in UTF-8, with lines that end in `\n` alone.

use std::io::{self, BufRead, Read};

use encoding_rs::{CoderResult, Decoder};

use super::super::references::encoding;

/// Bytes of the beginning of a stream that are looked at to tell how it is written.
pub const HEAD: usize = 1 << 16;

/// How many bytes are converted at a time.
const STEP: usize = 1 << 16;

/// The first bytes of a stream: up to [`HEAD`], and where it may be JSON no more than it takes to know a stream of objects, whose
/// writer may wait long with the next line. What breaks off behind them is told when it is their turn.
pub fn head(reader: &mut dyn Read, may_be_json: bool) -> io::Result<(Vec<u8>, Fails)> {
    let (mut head, mut fails) = (Vec::new(), None);
    let mut step = vec![0; STEP];
    while head.len() < HEAD {
        let room = HEAD - head.len();
        match reader.read(&mut step[..room]) {
            Ok(0) => break,
            Ok(n) => head.extend_from_slice(&step[..n]),
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) if head.is_empty() => return Err(e),
            Err(e) => {
                fails = Some(e);
                break;
            }
        }
        let text = head.trim_ascii_start();
        let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
        if may_be_json && text.starts_with(b"{") && text.contains(&b'\n') {
            break;
        }
    }
    Ok((head, Fails(fails)))
}

/// Nothing, or an error that was met before it could be told.
pub struct Fails(Option<io::Error>);

impl Read for Fails {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        self.0.take().map_or(Ok(0), Err)
    }
}

/// See the head of this file.
pub struct Text<R> {
    inner: R,
    decoder: Option<Decoder>,
    raw: Vec<u8>,
    out: Vec<u8>,
    at: usize,
    /// Whether the last byte was a `\r`, which has become a `\n`.
    after_return: bool,
    ended: bool,
}

impl<R: Read> Text<R> {
    /// Of a stream that has lost its byte order mark.
    pub fn new(inner: R, how: &encoding::Stream) -> Self {
        let decoder = how.encoding.map(encoding_rs::Encoding::new_decoder_without_bom_handling);
        Text { inner, decoder, raw: vec![0; STEP], out: Vec::new(), at: 0, after_return: false, ended: false }
    }

    fn fill(&mut self) -> io::Result<()> {
        while self.at == self.out.len() && !self.ended {
            self.out.clear();
            self.at = 0;
            let n = self.inner.read(&mut self.raw)?;
            self.ended = n == 0;
            match &mut self.decoder {
                Some(decoder) => {
                    let mut from = &self.raw[..n];
                    loop {
                        let used = self.out.len();
                        let room = decoder.max_utf8_buffer_length(from.len()).unwrap_or(4 * STEP).max(16);
                        self.out.resize(used + room, 0);
                        let (result, read, written, _) =
                            decoder.decode_to_utf8(from, &mut self.out[used..], self.ended);
                        self.out.truncate(used + written);
                        from = &from[read..];
                        if result == CoderResult::InputEmpty {
                            break;
                        }
                    }
                }
                None => self.out.extend_from_slice(&self.raw[..n]),
            }
            self.end_lines();
        }
        Ok(())
    }

    fn end_lines(&mut self) {
        if !self.after_return && !self.out.contains(&b'\r') {
            return;
        }
        let mut after = self.after_return;
        self.out.retain_mut(|byte| {
            let second = after && *byte == b'\n';
            after = *byte == b'\r';
            if after {
                *byte = b'\n';
            }
            !second
        });
        self.after_return = after;
    }
}

impl<R: Read> Read for Text<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let from = self.fill_buf()?;
        let n = from.len().min(buffer.len());
        buffer[..n].copy_from_slice(&from[..n]);
        self.consume(n);
        Ok(n)
    }
}

impl<R: Read> BufRead for Text<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.fill()?;
        Ok(&self.out[self.at..])
    }

    fn consume(&mut self, n: usize) {
        self.at = (self.at + n).min(self.out.len());
    }
}

/// A stream of which some bytes can be given back.
pub struct Stream {
    reader: Box<dyn BufRead + Send>,
    given_back: Vec<u8>,
    at: usize,
}

impl Stream {
    /// Of a reader.
    pub fn new(reader: Box<dyn BufRead + Send>) -> Self {
        Stream { reader, given_back: Vec::new(), at: 0 }
    }

    /// What comes next; empty at the end.
    pub fn peek(&mut self) -> io::Result<&[u8]> {
        if self.at < self.given_back.len() {
            return Ok(&self.given_back[self.at..]);
        }
        loop {
            // Borrowed anew: a buffer that is returned in a loop is borrowed for all of it.
            match self.reader.fill_buf() {
                Ok(_) => break,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        self.reader.fill_buf()
    }

    /// Goes on by so many of these bytes.
    pub fn advance(&mut self, n: usize) {
        if self.at < self.given_back.len() {
            self.at += n;
            if self.at >= self.given_back.len() {
                self.given_back = Vec::new();
                self.at = 0;
            }
        } else {
            self.reader.consume(n);
        }
    }

    /// Gives bytes back, which are read again.
    pub fn give_back(&mut self, mut bytes: Vec<u8>) {
        bytes.extend_from_slice(&self.given_back[self.at..]);
        self.given_back = bytes;
        self.at = 0;
    }
}
