//! The bodies of requests: read within the memory for them, and not waited for without end.

use std::io::{self, ErrorKind};
use std::time::{Duration, Instant};

use axum::body::{Body, Bytes, HttpBody};
use axum::http::{HeaderMap, StatusCode, header};
use futures_util::{Stream, StreamExt, TryStreamExt};
use serde_json::Value;

use super::App;
use super::door::{Lease, count_refusal};
use super::error::ApiError;
use super::stopping;

/// Bytes of a body that is read beside the other requests.
const LONG: usize = 64 << 10;

/// Bytes that a list of values takes for each of them, with room to grow; an object for its first fields; a field.
const A_VALUE: usize = 110;
const AN_OBJECT: usize = 450;
const A_FIELD: usize = 50;

/// A whole body of at most `most` bytes; `instead` says what to do with a longer one. With what it holds of the memory for
/// bodies.
pub async fn whole(app: &App, body: Body, most: usize, instead: &str) -> Result<(Vec<u8>, Lease), ApiError> {
    let (mut bytes, mut length, mut lease) = (Vec::new(), 0, app.bodies.lease());
    let mut stream = body.into_data_stream();
    while let Some(piece) =
        stream.try_next().await.map_err(|e| ApiError::bad_request(format!("the body could not be read: {e}")))?
    {
        length += piece.len();
        if length <= most {
            if !reserve(&mut bytes, piece.len(), &mut lease) {
                linger(Body::from_stream(stream));
                return Err(no_room());
            }
            bytes.extend_from_slice(&piece);
        } else if length > most.saturating_mul(4) {
            break;
        }
        // Somewhat more than allowed is read on and dropped: a client that is still sending would not hear the answer.
    }
    if length > most {
        let message = format!("the body is longer than {most} bytes; {instead}");
        return Err(ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, message));
    }
    Ok((bytes, lease))
}

/// Makes room for so many bytes more, if there is memory for them.
fn reserve(bytes: &mut Vec<u8>, more: usize, lease: &mut Lease) -> bool {
    let needed = bytes.len() + more;
    if needed <= bytes.capacity() {
        return true;
    }
    // Half as much again, so that each byte is moved a few times and no more.
    let capacity = needed.max(bytes.len() + bytes.len() / 2);
    let before = bytes.capacity();
    if !lease.grow(capacity - before) {
        return false;
    }
    bytes.reserve_exact(capacity - bytes.len());
    true
}

/// A lease with so many bytes more of the memory for bodies.
pub fn grown(mut lease: Lease, bytes: usize) -> Result<Lease, ApiError> {
    if lease.grow(bytes) { Ok(lease) } else { Err(no_room()) }
}

fn no_room() -> ApiError {
    count_refusal("body_memory");
    ApiError::overloaded("too many long requests are being read")
}

/// Bytes as JSON, whatever it holds. What it becomes in memory is counted before it is made, and held with the lease.
pub async fn parsed(app: &App, bytes: Vec<u8>, lease: Lease) -> Result<(Value, Lease), ApiError> {
    let read = |bytes: Vec<u8>| {
        serde_json::from_slice(&bytes).map_err(|e| ApiError::bad_request(format!("the body is not JSON: {e}")))
    };
    if bytes.len() < LONG {
        return Ok((read(bytes)?, lease));
    }
    let most = app.bodies.most();
    // A long one takes a while, in which other requests are to be heard.
    app.work(move || {
        let weight = weight(&bytes);
        if weight > most {
            return Err(ApiError::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                "the body holds more values than fit in memory; send it in parts",
            ));
        }
        let lease = grown(lease, weight)?;
        Ok((read(bytes)?, lease))
    })
    .await?
}

/// About so many bytes JSON takes in memory once it is read, besides its texts.
fn weight(json: &[u8]) -> usize {
    let (mut weight, mut text, mut escaped) = (0usize, false, false);
    for byte in json {
        if text {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => text = false,
                _ => {}
            }
            continue;
        }
        weight += match byte {
            b'"' => {
                text = true;
                0
            }
            b',' | b'[' => A_VALUE,
            b'{' => AN_OBJECT,
            b':' => A_FIELD,
            _ => 0,
        };
    }
    weight
}

/// Reads what still comes of a body that was answered, and drops it: a client that is sending would otherwise find its
/// connection gone before it reads the answer.
pub fn linger(body: Body) {
    if !body.is_end_stream() {
        tokio::spawn(tokio::time::timeout(stopping::LINGER, body.into_data_stream().for_each(|_| async {})));
    }
}

/// The same for a request that was not looked at. Who asks before they send hears the answer without it.
pub fn linger_of(headers: &HeaderMap, body: Body) {
    if !headers.contains_key(header::EXPECT) {
        linger(body);
    }
}

/// The pieces of a long body, as long as they come: not standing still for longer than a request may take, and over as
/// much waiting not slower than agreed. While it is the service that is slow, no time runs. A service that stops reads it for a
/// moment longer.
pub fn steady(app: &App, body: Body) -> impl Stream<Item = io::Result<Bytes>> + Send + 'static {
    let patience = Duration::from_secs(app.tuning.timeout_s);
    let rate = app.settings.min_upload_rate;
    let (stopping, cut) = (app.stopping.clone(), app.stopping.clone());
    let cut = Box::pin(async move { cut.since(stopping::CUT).await });
    let pace = Pace { patience, rate, waited: Duration::ZERO, bytes: 0 };
    futures_util::stream::unfold(Some((body.into_data_stream(), cut, pace)), move |state| {
        let stopping = stopping.clone();
        async move {
            let (mut pieces, mut cut, mut pace) = state?;
            let began = Instant::now();
            let piece = tokio::select! {
                piece = tokio::time::timeout(patience, pieces.next()) => Some(piece),
                () = stopping.since(stopping::STILL) => None,
                () = &mut cut => None,
            };
            let piece = match piece {
                Some(Ok(piece)) => piece?.map_err(io::Error::other),
                Some(Err(_)) => Err(io::Error::new(
                    ErrorKind::TimedOut,
                    format!("nothing more of the body came for {} s", patience.as_secs()),
                )),
                None => {
                    linger(Body::from_stream(pieces));
                    return Some((Err(ErrorKind::ConnectionAborted.into()), None));
                }
            };
            let piece = piece.and_then(|piece| pace.came(began.elapsed(), piece.len()).map(|()| piece));
            Some((piece, Some((pieces, cut, pace))))
        }
    })
}

/// How fast a body comes.
struct Pace {
    patience: Duration,
    /// Bytes a second.
    rate: u64,
    waited: Duration,
    bytes: u64,
}

impl Pace {
    fn came(&mut self, waited: Duration, bytes: usize) -> io::Result<()> {
        self.waited += waited;
        self.bytes = self.bytes.saturating_add(bytes as u64);
        if self.waited < self.patience {
            return Ok(());
        }
        let (bytes, seconds) = (self.bytes, self.waited.as_secs_f64());
        (self.waited, self.bytes) = (Duration::ZERO, 0);
        if bytes as f64 >= self.rate as f64 * seconds {
            return Ok(());
        }
        let message =
            format!("{bytes} bytes of the body came in {seconds:.0} s; at least {} a second have to", self.rate);
        Err(io::Error::new(ErrorKind::TimedOut, message))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::door::Budget;
    use proptest::prelude::*;

    /// What a tree holds, counted by hand: a value and its texts.
    fn size(value: &Value) -> usize {
        let own = std::mem::size_of::<Value>();
        own + match value {
            Value::Array(items) => items.iter().map(size).sum(),
            Value::Object(fields) => fields.iter().map(|(_, v)| size(v) + 40).sum(),
            _ => 0,
        }
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<i32>().prop_map(Value::from),
            "[a-z,:{\\[\"\\\\]{0,6}".prop_map(Value::from)
        ];
        leaf.prop_recursive(5, 200, 10, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..10).prop_map(Value::from),
                proptest::collection::vec(("[a-z\"]{1,4}", inner), 0..6)
                    .prop_map(|fields| Value::Object(fields.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_json_becomes_is_not_underrated(value in any_json()) {
            let text = value.to_string();
            prop_assert!(weight(text.as_bytes()) + A_VALUE >= size(&value), "{} < {}: {text}", weight(text.as_bytes()), size(&value));
        }

        #[test]
        fn a_text_weighs_nothing_whatever_it_holds(text in "\\PC{0,100}|[\"\\\\,{\\[:]{0,40}") {
            prop_assert_eq!(weight(Value::from(text).to_string().as_bytes()), 0);
        }

        #[test]
        fn memory_for_a_body_is_counted_before_it_is_there(pieces in proptest::collection::vec(0usize..100_000, 1..60)) {
            let (budget, mut bytes) = (Budget::new(1 << 40), Vec::new());
            let mut lease = budget.lease();
            for piece in pieces {
                prop_assert!(reserve(&mut bytes, piece, &mut lease));
                bytes.extend(std::iter::repeat_n(0u8, piece));
                prop_assert!(bytes.capacity() <= budget.used() + 64);
            }
            prop_assert!(budget.used() <= bytes.len() * 3 / 2 + 100_000);
        }
    }

    #[test]
    fn a_byte_now_and_then_is_no_progress_and_a_slow_line_is() {
        let pace = || Pace { patience: Duration::from_secs(30), rate: 1000, waited: Duration::ZERO, bytes: 0 };
        let mut drip = pace();
        let stopped = (1..100).find(|_| drip.came(Duration::from_secs(10), 1).is_err());
        assert_eq!(stopped, Some(3));
        let mut slow = pace();
        assert!((0..1000).all(|_| slow.came(Duration::from_millis(50), 1000).is_ok()), "20 kB/s");
        let mut bursts = pace();
        assert!((0..100).all(|_| bursts.came(Duration::from_secs(20), 64 << 10).is_ok()));
    }
}
