//! Answers in memory: written and packed where there is time, counted until they are read.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{Request, State};
use axum::http::{Extensions, HeaderMap, HeaderValue, StatusCode, Version, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use flate2::Compression;
use flate2::write::GzEncoder;
use http_body::{Frame, SizeHint};
use serde::Serialize;

use super::App;
use super::call::Call;
use super::door::Lease;

/// Bytes of the first piece of an answer, and of those that follow.
const FIRST: usize = 8 << 10;
const PIECE: usize = 64 << 10;

/// Answers shorter than this are not worth packing.
const WORTH_PACKING: usize = 1 << 10;

/// Answers from this length on are packed by the threads that work, and count against the memory for answers.
const LONG: u64 = 32 << 10;

/// An answer, in pieces.
pub struct Written {
    pieces: VecDeque<Bytes>,
    left: u64,
    packed: bool,
}

/// Why there is none.
#[derive(Debug)]
pub enum Full {
    /// There is no memory left for it.
    NoRoom,
    /// It cannot be written.
    Unwritable(io::Error),
}

/// Marks a response whose body is counted.
#[derive(Clone)]
struct Counted;

/// A writer that takes each piece of memory from a lease before it has it.
struct Pieces {
    lease: Arc<Mutex<Lease>>,
    done: VecDeque<Bytes>,
    /// Bytes of what is done.
    length: u64,
    piece: Piece,
}

/// Memory that is counted as long as it is there.
struct Piece {
    bytes: Vec<u8>,
    lease: Arc<Mutex<Lease>>,
}

impl AsRef<[u8]> for Piece {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Piece {
    fn drop(&mut self) {
        self.lease.lock().unwrap_or_else(PoisonError::into_inner).shrink(self.bytes.capacity());
    }
}

impl Pieces {
    fn new(lease: Arc<Mutex<Lease>>) -> Self {
        let piece = Piece { bytes: Vec::new(), lease: Arc::clone(&lease) };
        Pieces { lease, done: VecDeque::new(), length: 0, piece }
    }

    fn finish_piece(&mut self) {
        let empty = Piece { bytes: Vec::new(), lease: Arc::clone(&self.lease) };
        let piece = std::mem::replace(&mut self.piece, empty);
        if !piece.bytes.is_empty() {
            self.length += piece.bytes.len() as u64;
            self.done.push_back(Bytes::from_owner(piece));
        }
    }

    fn finish(mut self, packed: bool) -> Written {
        self.finish_piece();
        Written { pieces: self.done, left: self.length, packed }
    }
}

impl Write for Pieces {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.piece.bytes.len() == self.piece.bytes.capacity() {
            self.finish_piece();
            let size = if self.done.is_empty() { FIRST } else { PIECE };
            if !self.lease.lock().unwrap_or_else(PoisonError::into_inner).grow(size) {
                return Err(io::ErrorKind::OutOfMemory.into());
            }
            // Exactly so much, as it is counted.
            self.piece.bytes = Vec::with_capacity(size);
            let more = self.piece.bytes.capacity().saturating_sub(size);
            let _ = self.lease.lock().unwrap_or_else(PoisonError::into_inner).grow(more);
        }
        let fits = bytes.len().min(self.piece.bytes.capacity() - self.piece.bytes.len());
        self.piece.bytes.extend_from_slice(&bytes[..fits]);
        Ok(fits)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Written {
    /// Something as JSON; packed where the client takes that.
    ///
    /// # Errors
    /// Why it could not be written.
    pub fn json(what: &impl Serialize, gzip: bool, lease: Lease) -> Result<Self, Full> {
        Self::with(|out| serde_json::to_writer(out, what).map_err(io::Error::from), gzip, lease)
    }

    /// What `write` writes; packed where the client takes that.
    ///
    /// # Errors
    /// Why it could not be written.
    pub fn with(write: impl FnOnce(&mut dyn Write) -> io::Result<()>, gzip: bool, lease: Lease) -> Result<Self, Full> {
        let lease = Arc::new(Mutex::new(lease));
        let mut pieces = Pieces::new(Arc::clone(&lease));
        match write(&mut pieces) {
            Ok(()) => pieces.finish(false).packed(gzip, lease),
            Err(e) if e.kind() == io::ErrorKind::OutOfMemory => Err(Full::NoRoom),
            Err(e) => Err(Full::Unwritable(e)),
        }
    }

    /// Bytes that are there already.
    ///
    /// # Errors
    /// When there is no room for them.
    pub fn bytes(bytes: Bytes, gzip: bool, mut lease: Lease) -> Result<Self, Full> {
        if !lease.grow(bytes.len()) {
            return Err(Full::NoRoom);
        }
        // Counted here, and no longer there.
        let (length, counted) = (bytes.len() as u64, lease.part(bytes.len()));
        let kept = Bytes::from_owner(LeasedBytes { bytes, _lease: counted });
        Written { pieces: [kept].into(), left: length, packed: false }.packed(gzip, Arc::new(Mutex::new(lease)))
    }

    /// Bytes that are there already and are packed.
    ///
    /// # Errors
    /// When there is no room for them.
    pub fn packed_bytes(bytes: Bytes, lease: Lease) -> Result<Self, Full> {
        Ok(Written { packed: true, ..Self::bytes(bytes, false, lease)? })
    }

    fn packed(self, gzip: bool, lease: Arc<Mutex<Lease>>) -> Result<Self, Full> {
        if !gzip || self.left < WORTH_PACKING as u64 {
            return Ok(self);
        }
        let mut packer = GzEncoder::new(Pieces::new(lease), Compression::default());
        for piece in self.pieces {
            packer.write_all(&piece).map_err(|_| Full::NoRoom)?;
        }
        packer.finish().map(|pieces| pieces.finish(true)).map_err(|_| Full::NoRoom)
    }

    /// As a response.
    pub fn respond(self, media_type: &'static str) -> Response {
        let mut response = Response::new(Body::empty());
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
        self.answer(response)
    }

    /// As the body of a response.
    fn answer(self, mut response: Response) -> Response {
        let headers = response.headers_mut();
        if !varies(headers) {
            headers.append(header::VARY, HeaderValue::from_static("accept-encoding"));
        }
        if self.packed {
            headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        headers.remove(header::CONTENT_LENGTH);
        response.extensions_mut().insert(Counted);
        *response.body_mut() = Body::new(self);
        response
    }
}

/// Bytes of somebody else, that are counted as long as they are there.
struct LeasedBytes {
    bytes: Bytes,
    _lease: Lease,
}

impl AsRef<[u8]> for LeasedBytes {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl HttpBody for Written {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let piece = self.pieces.pop_front();
        self.left -= piece.as_ref().map_or(0, |piece| piece.len() as u64);
        Poll::Ready(piece.map(|piece| Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.pieces.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}

fn varies(headers: &HeaderMap) -> bool {
    let encoding = |value: &HeaderValue| value.as_bytes().eq_ignore_ascii_case(b"accept-encoding");
    headers.get_all(header::VARY).iter().any(encoding)
}

/// An answer that is streamed: neither counted nor packed any more.
pub fn as_it_is(mut response: Response) -> Response {
    response.extensions_mut().insert(Counted);
    response
}

/// Whether an answer may still be packed on its way out: what is counted was, if it was worth it.
pub fn uncounted(_: StatusCode, _: Version, _: &HeaderMap, extensions: &Extensions) -> bool {
    extensions.get::<Counted>().is_none()
}

/// Counts every long answer that is not counted yet (feeds, files), and has it packed by the threads that work.
pub async fn count(State(app): State<App>, request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    let long = response.body().size_hint().exact().is_some_and(|length| length >= LONG);
    if !long || response.extensions().get::<Counted>().is_some() {
        return response;
    }
    let (parts, body) = response.into_parts();
    let Ok(bytes) = axum::body::to_bytes(body, usize::MAX).await else {
        return super::error::ApiError::internal().into_response();
    };
    let gzip = Call::gzip() && !parts.headers.contains_key(header::CONTENT_ENCODING);
    let lease = app.answers.lease();
    let plain = bytes.clone();
    let written = match gzip {
        true => match app.work(move || Written::bytes(bytes, true, lease)).await {
            Ok(written) => written,
            // Nobody has time to pack it.
            Err(_) => Written::bytes(plain, false, app.answers.lease()),
        },
        false => Written::bytes(bytes, false, lease),
    };
    match written {
        Ok(written) => written.answer(Response::from_parts(parts, Body::empty())),
        Err(full) => app.no_room(full).into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::door::Budget;
    use std::io::Read;

    fn whole(written: Written) -> Vec<u8> {
        written.pieces.iter().flat_map(|piece| piece.to_vec()).collect()
    }

    #[test]
    fn an_answer_is_what_was_to_be_said_and_counts_while_it_is_there() {
        let budget = Budget::new(4 << 20);
        let texts: Vec<String> = (0..20_000).map(|k| format!("text {k} \u{1F600}")).collect();
        let plain = Written::json(&texts, false, budget.lease()).expect("written");
        let used = budget.used();
        assert!(used as u64 >= plain.left && used as u64 <= plain.left + PIECE as u64 + 64, "{used} {}", plain.left);
        let wanted = serde_json::to_vec(&texts).expect("JSON");
        assert_eq!(plain.left, wanted.len() as u64);
        let packed = Written::json(&texts, true, budget.lease()).expect("written");
        assert!(packed.packed && packed.left < plain.left);
        let mut unpacked = Vec::new();
        flate2::read::GzDecoder::new(&whole(packed)[..]).read_to_end(&mut unpacked).expect("gzip");
        assert!(unpacked == wanted && whole(plain) == wanted);
        assert_eq!(budget.used(), 0, "all was given back");
        let empty = Written::json(&"", true, budget.lease()).expect("written");
        assert!(!empty.packed && whole(empty) == b"\"\"");
    }

    #[test]
    fn what_has_no_room_is_not_written() {
        let budget = Budget::new(1 << 20);
        let long = vec!["a text of some length"; 100_000];
        assert!(matches!(Written::json(&long, false, budget.lease()), Err(Full::NoRoom)));
        assert_eq!(budget.used(), 0);
        let most = Bytes::from(vec![b'x'; 700 << 10]);
        let held = Written::bytes(most.clone(), false, budget.lease()).expect("there is room");
        assert!(Written::bytes(most.clone(), false, budget.lease()).is_err());
        assert_eq!(budget.used(), 700 << 10);
        drop(held);
        assert!(Written::bytes(most, true, budget.lease()).is_ok_and(|w| w.packed));
        assert_eq!(budget.used(), 0);
    }
}
