//! Taking connections in, shaking hands where there is a certificate, and speaking HTTP on them.

use std::future::Future;
use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use http_body::{Frame, SizeHint};
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio_rustls::server::TlsStream;

use super::budget::Lease;
use super::connections::{Connection, Connections, Entered, Peer, Scheme};
use super::count_refusal;
use super::tls::Tls;
use crate::http::error::ApiError;
use crate::http::stopping::Stopping;

/// Bytes that a connection holds of what it reads and what it writes, each at most: the head of a request has to fit.
const BUFFER: usize = 96 << 10;

/// Bytes of a head that do not count.
const SHORT_HEAD: usize = 8 << 10;

/// Bytes that the system holds of an answer that is not read. It may take twice that.
const SEND_BUFFER: usize = 256 << 10;

/// Connections that the system keeps until they are taken in; it may keep fewer.
const BACKLOG: u32 = 4096;

/// How long nobody is taken in after the system refused one for want of something.
const PAUSE: Duration = Duration::from_millis(100);

/// Between two complaints about that.
const COMPLAIN: Duration = Duration::from_secs(30);

/// Listens at an address.
///
/// # Errors
/// The system's, when the address cannot be had.
pub async fn bind(addr: &str) -> io::Result<TcpListener> {
    let mut failed = io::Error::new(io::ErrorKind::InvalidInput, "the name stands for no address");
    for address in tokio::net::lookup_host(addr).await? {
        match bind_to(address) {
            Ok(listener) => return Ok(listener),
            Err(e) => failed = e,
        }
    }
    Err(failed)
}

fn bind_to(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // Elsewhere it would let another program take the port.
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    let listener = socket.listen(BACKLOG)?;
    // Left to itself, the system lets each connection grow to some megabytes that nobody reads.
    #[cfg(unix)]
    if let Err(e) = rustix::net::sockopt::set_socket_send_buffer_size(&listener, SEND_BUFFER) {
        tracing::warn!("the buffers of connections are as large as the system makes them: {e}");
    }
    Ok(listener)
}

/// What is served on every connection, and how.
#[derive(Clone)]
pub struct Served {
    /// What answers.
    pub routes: Router,
    /// What watches the connections.
    pub connections: Connections,
    /// What says when it is over.
    pub stopping: Stopping,
    /// What every connection begins with where there is one; then nothing is answered without.
    pub tls: Option<Arc<Tls>>,
}

/// Takes connections in until the service closes, and returns once the last of them is closed.
pub async fn listen(listener: TcpListener, served: Served) {
    let (open, _) = watch::channel(());
    let connections = &served.connections;
    let watching = tokio::spawn(connections.clone().watch());
    let mut closing = pin!(served.stopping.closing());
    let mut complained: Option<Instant> = None;
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut closing => break,
        };
        match accepted {
            Ok((stream, peer)) => {
                // The others wait meanwhile where the system keeps them.
                let place = tokio::select! {
                    place = connections.place() => place,
                    () = &mut closing => break,
                };
                let entered = connections.enter(place);
                tokio::spawn(serve(stream, peer, served.clone(), entered, open.subscribe()));
            }
            Err(e) if is_of_one(&e) => {}
            Err(e) => {
                metrics::counter!("paperkin_accept_errors_total").increment(1);
                if complained.is_none_or(|at| at.elapsed() > COMPLAIN) {
                    tracing::warn!("a connection could not be taken in: {e}; it waits");
                    complained = Some(Instant::now());
                }
                connections.send_away("room");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
    drop(listener);
    open.closed().await;
    watching.abort();
}

/// Whether an error concerns the connection that was about to come, and no other.
fn is_of_one(e: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(e.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted)
}

/// Speaks with one client.
async fn serve(stream: TcpStream, peer: SocketAddr, served: Served, entered: Entered, open: watch::Receiver<()>) {
    let _ = stream.set_nodelay(true);
    let Served { routes, connections, stopping, tls } = served;
    let connection = Arc::clone(&entered.connection);
    let routes = |scheme| Routes {
        inner: TowerToHyperService::new(routes),
        connection: Arc::clone(&connection),
        stopping: stopping.clone(),
        peer,
        scheme,
    };
    let watched = |stream| Watched { stream, connection: Arc::clone(&connection), head: connections.head(), came: 0 };
    match tls {
        None => speak(watched(stream), routes(Scheme::Http), &connection, &stopping).await,
        Some(tls) => {
            connection.shakes();
            let shaken = tokio::select! {
                shaken = shake(stream, &tls, watched) => shaken,
                () = connection.gone() => Shaken::Failed,
                () = stopping.closing() => Shaken::Failed,
            };
            let result = match &shaken {
                Shaken::Done(_) => "done",
                Shaken::Plain(_) => "plain",
                Shaken::Failed => "failed",
            };
            metrics::counter!("paperkin_tls_handshakes_total", "result" => result).increment(1);
            connection.rests();
            match shaken {
                Shaken::Done(mut stream) => {
                    let (_, session) = stream.get_mut();
                    if session.process_new_packets().is_ok_and(|state| state.plaintext_bytes_to_read() > 0) {
                        // The head came with the end of the handshake.
                        connection.came();
                    }
                    speak(*stream, routes(Scheme::Https), &connection, &stopping).await;
                }
                Shaken::Plain(stream) => speak(stream, service_fn(not_by_tls), &connection, &stopping).await,
                Shaken::Failed => {}
            }
        }
    }
    drop(entered);
    drop(open);
}

/// What came of a handshake.
enum Shaken {
    Done(Box<TlsStream<Watched>>),
    /// The client speaks HTTP as it is.
    Plain(Watched),
    Failed,
}

async fn shake(stream: TcpStream, tls: &Tls, watched: impl FnOnce(TcpStream) -> Watched) -> Shaken {
    let mut first = [0];
    match stream.peek(&mut first).await {
        // A method begins with a letter; no record of TLS does.
        Ok(1) if first[0].is_ascii_alphabetic() => Shaken::Plain(watched(stream)),
        Ok(1) => match tls.acceptor().accept(watched(stream)).await {
            Ok(stream) => Shaken::Done(Box::new(stream)),
            Err(e) => {
                tracing::debug!("a TLS handshake failed: {e}");
                Shaken::Failed
            }
        },
        _ => Shaken::Failed,
    }
}

/// The answer for who speaks plain HTTP where TLS is expected.
async fn not_by_tls(_: Request<Incoming>) -> Result<Response<Body>, std::convert::Infallible> {
    let told = ApiError::bad_request("this port speaks HTTPS: ask again with https:// in place of http://");
    let mut answer = told.into_response();
    answer.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    Ok(answer)
}

/// Speaks HTTP on a connection until either side has enough.
async fn speak<I, S, B>(io: I, service: S, connection: &Connection, stopping: &Stopping)
where
    I: AsyncRead + AsyncWrite + Unpin,
    S: Service<Request<Incoming>, Response = Response<B>, Error = std::convert::Infallible>,
    B: http_body::Body + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let mut http = pin!(http1::Builder::new().max_buf_size(BUFFER).serve_connection(TokioIo::new(io), service));
    let mut closing = pin!(stopping.closing());
    let mut closes = false;
    loop {
        tokio::select! {
            done = http.as_mut() => {
                if let Err(e) = done {
                    tracing::trace!("a connection ended: {e:#}");
                }
                break;
            }
            () = connection.gone() => break,
            () = &mut closing, if !closes => {
                closes = true;
                http.as_mut().graceful_shutdown();
            }
        }
    }
}

/// A stream that tells its connection what moves: under TLS what is encrypted, so that a handshake and half a record count as
/// well.
struct Watched {
    stream: TcpStream,
    connection: Arc<Connection>,
    /// What the head that is being read holds of the memory for bodies, where it is a long one; and its bytes.
    head: Lease,
    came: usize,
}

impl Watched {
    fn wrote(&self, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        match &written {
            Poll::Ready(_) => self.connection.went(),
            Poll::Pending => self.connection.blocks(),
        }
        written
    }
}

impl AsyncRead for Watched {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let read = ready!(Pin::new(&mut self.stream).poll_read(cx, buf));
        let bytes = buf.filled().len() - before;
        if bytes == 0 {
            return Poll::Ready(read);
        }
        let (of_a_head, first) = self.connection.came();
        if first || !of_a_head {
            // What the head before held is free.
            self.came = 0;
            self.head.shrink(usize::MAX);
        }
        if !of_a_head {
            return Poll::Ready(read);
        }
        self.came += bytes;
        if self.came > SHORT_HEAD && !self.head.grow(bytes) {
            count_refusal("body_memory");
            return Poll::Ready(Err(io::ErrorKind::OutOfMemory.into()));
        }
        Poll::Ready(read)
    }
}

impl AsyncWrite for Watched {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.wrote(written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        self.wrote(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// The routes, as one connection asks them.
struct Routes {
    inner: TowerToHyperService<Router>,
    connection: Arc<Connection>,
    stopping: Stopping,
    peer: SocketAddr,
    scheme: Scheme,
}

impl Service<Request<Incoming>> for Routes {
    type Response = Response<Answer>;
    type Error = std::convert::Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn call(&self, mut request: Request<Incoming>) -> Self::Future {
        let connection = Arc::clone(&self.connection);
        connection.works();
        request.extensions_mut().insert(Peer(self.peer));
        request.extensions_mut().insert(self.scheme);
        let brought = Arc::clone(&connection);
        let answer = self.inner.call(request.map(|body| Brought { body, connection: brought }));
        let stopping = self.stopping.clone();
        Box::pin(async move {
            let mut answer = answer.await?;
            if stopping.has_begun() {
                // Whoever keeps the connection goes elsewhere with the next request.
                answer.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
            }
            connection.answers();
            Ok(answer.map(|body| Answer { body, connection }))
        })
    }
}

/// The body of a request, which tells when it is waited for.
struct Brought {
    body: Incoming,
    connection: Arc<Connection>,
}

impl http_body::Body for Brought {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        let frame = Pin::new(&mut self.body).poll_frame(cx);
        self.connection.brings(frame.is_pending());
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// The body of an answer, which tells when it was handed over.
struct Answer {
    body: Body,
    connection: Arc<Connection>,
}

impl http_body::Body for Answer {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        self.connection.rests();
    }
}
