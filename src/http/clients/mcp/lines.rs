//! The protocol over lines: what a program that starts `paperkin mcp` writes to its input, and reads from its output.

use std::io::{self, Read, Write};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Bytes;
use futures_util::stream::poll_fn;
use rmcp::ServiceExt;
use rmcp::service::ServerInitializeError;
use rmcp::transport::async_rw::AsyncRwTransport;
use tokio::io::AsyncWrite;
use tokio::sync::mpsc;
use tokio_util::io::StreamReader;

use super::Papers;
use super::place::Place;
use crate::engine::Engine;
use crate::error::{Error, Result};

/// Bytes that are read at a time.
const PIECE: usize = 16 << 10;

/// Pieces that may wait to be taken apart.
const WAITING: usize = 16;

/// How often it is looked whether somebody wants an end.
const LOOK: Duration = Duration::from_millis(100);

/// A client that speaks in lines.
pub struct Lines<R, W> {
    /// What it says.
    pub input: R,
    /// What it is answered; nothing else is written there.
    pub output: W,
    /// Whose feed is meant where nobody is named.
    pub reader: Option<String>,
}

/// Answers a client over an open folder, until it says nothing more or `ended` is true. It may do what whoever has the
/// folder may.
///
/// # Errors
/// [`Error::Invalid`] when what it says first is not the protocol; [`Error::Internal`] when there are no threads.
pub fn serve_lines(
    engine: &Arc<Engine>,
    lines: Lines<impl Read + Send + 'static, impl Write + Send + Unpin + 'static>,
    ended: &dyn Fn() -> bool,
) -> Result<()> {
    let no_thread = |e: io::Error| Error::Internal(format!("cannot start a thread: {e}"));
    // Of its own, also inside a service: an output that nobody reads holds up nobody else.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .max_blocking_threads(4)
        .thread_name("mcp")
        .enable_time()
        .build()
        .map_err(no_thread)?;
    let input = in_background(lines.input).map_err(no_thread)?;
    let server = Papers { place: Place::Folder(Arc::clone(engine)), default_reader: lines.reader };
    let served = runtime.block_on(async {
        let transport = AsyncRwTransport::new(input, Output(lines.output));
        let serving = async {
            match server.serve(transport).await {
                Ok(running) => running.waiting().await.map(drop).map_err(|e| Error::Internal(e.to_string())),
                Err(ServerInitializeError::ConnectionClosed(_)) => Ok(()),
                Err(e) => Err(Error::Invalid(format!(
                    "what came first on standard input is not the Model Context Protocol: {}",
                    crate::paper::head(&e.to_string(), 300)
                ))),
            }
        };
        let told = async {
            while !ended() {
                tokio::time::sleep(LOOK).await;
            }
        };
        tokio::select! {
            served = serving => served,
            () = told => Ok(()),
        }
    });
    // What still runs is for nobody.
    runtime.shutdown_background();
    served
}

/// What an input holds, read by a thread of its own: a read of a pipe can be ended by nobody but who writes to it.
fn in_background(mut input: impl Read + Send + 'static) -> io::Result<impl tokio::io::AsyncRead + Send + Unpin> {
    let (send, mut receive) = mpsc::channel::<io::Result<Bytes>>(WAITING);
    std::thread::Builder::new().name("mcp input".into()).spawn(move || {
        let mut piece = vec![0; PIECE];
        loop {
            let read = match input.read(&mut piece) {
                Ok(0) => return,
                Ok(n) => Ok(Bytes::copy_from_slice(&piece[..n])),
                Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                Err(e) => Err(e),
            };
            let failed = read.is_err();
            if send.blocking_send(read).is_err() || failed {
                return;
            }
        }
    })?;
    Ok(StreamReader::new(poll_fn(move |context| receive.poll_recv(context))))
}

/// An output that is written to at once: this runtime has nothing else to do meanwhile.
struct Output<W>(W);

impl<W: Write + Unpin> AsyncWrite for Output<W> {
    fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(self.0.write(bytes))
    }

    fn poll_flush(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(self.0.flush())
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_flush(context)
    }
}
