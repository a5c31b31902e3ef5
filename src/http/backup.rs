//! A backup, streamed.

use std::io::{self, BufWriter, ErrorKind, Write};

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::Response;
use futures_util::stream;
use tokio::sync::mpsc::{Receiver, Sender, channel};

use super::App;
use super::answer::as_it_is;
use super::error::{ApiError, ErrorBody};
use super::extract::NoParams;
use crate::backup::Taken;

/// Bytes of a piece, and pieces that wait for the client.
const PIECE: usize = 256 << 10;
const WAITING: usize = 4;

/// A backup
///
/// Everything that is true of the data folder as of one commit, as one file: papers, vectors, readers with all there is of them,
/// themes, keys and sessions. What was acknowledged before the call is in it; writing goes on meanwhile. The copy is looked at
/// before the first byte is sent, which takes seconds; there is no limit of time. A stream that broke off, or was changed on its way, is known as
/// such: `paperkin restore FILE --check` compares all of it, and `paperkin restore FILE` makes a data folder of it. Protect it as you
/// protect the data folder. One is made at a time; a second is 503. It needs as much free disk as the database takes, else 507.
#[utoipa::path(get, operation_id = "backup", path = "/v1/backup", tag = "operation",
    responses((status = 200, description = "a tar archive packed with Zstandard", content_type = "application/zstd", body = Vec<u8>),
              (status = 503, body = ErrorBody), (status = 507, body = ErrorBody)))]
pub async fn get(State(app): State<App>, _: NoParams) -> Result<Response, ApiError> {
    let busy = || ApiError::overloaded("a backup is being made already");
    let (taking, sending) = (app.backups.enter().ok_or_else(busy)?, app.backups.enter().ok_or_else(busy)?);
    let taken = app.aside(taking, |engine| Taken::take(engine, &|_, _| {})).await?;
    let made: String = taken.manifest().made.to_string().chars().filter(|c| *c != ':').take(15).collect();
    let (tell, told) = channel(WAITING);
    let write = move || {
        let broken = tell.clone();
        let out = BufWriter::with_capacity(PIECE, ToClient(tell));
        if let Err(e) = taken.write(out, &|_, _| {}) {
            tracing::warn!("a backup was not sent to its end: {e}");
            // The client is told by a stream that has no end.
            let _ = broken.blocking_send(Err(e));
        }
        Box::new(|| {}) as super::door::Deliver
    };
    sending.run(write).map_err(|e| {
        tracing::error!("there is no thread to be had: {e}");
        ApiError::overloaded("the machine has no room for more work")
    })?;
    let mut response = Response::new(Body::from_stream(pieces(told)));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/zstd"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    let name = format!("attachment; filename=\"paperkin-{made}Z.tar.zst\"");
    if let Ok(name) = HeaderValue::from_str(&name) {
        headers.insert(header::CONTENT_DISPOSITION, name);
    }
    Ok(as_it_is(response))
}

fn pieces(told: Receiver<io::Result<Bytes>>) -> impl stream::Stream<Item = io::Result<Bytes>> {
    stream::unfold(told, |mut told| async move { told.recv().await.map(|piece| (piece, told)) })
}

/// A writer whose bytes go to the client, who may be slow, or gone.
struct ToClient(Sender<io::Result<Bytes>>);

impl Write for ToClient {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let gone = |_| io::Error::new(ErrorKind::ConnectionAborted, "the client is gone");
        self.0.blocking_send(Ok(Bytes::copy_from_slice(bytes))).map_err(gone)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
