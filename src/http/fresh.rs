//! Answers that are asked for again and again: 304 while nothing has changed, mostly without making the answer.
//!
//! What an answer depends on is told by a mark (`Engine::feed_mark`), which costs nothing beside the answer. While the mark
//! of a question is the one of the last time, the answer is taken to be the same; else it is made and compared by its hash, so
//! that what others read, or the day, changes it only where it shows. The `ETag` is that hash, taken together with what was
//! done (by the user, to the corpus), so it outlives a restart.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::engine::Mark;

/// Questions that are remembered, some hundred bytes each.
const REMEMBERED: usize = 50_000;

/// What was answered last, by question.
pub struct Fresh {
    // Only for a look and an exchange.
    known: Mutex<AnswerCache>,
}

struct AnswerCache {
    answers: HashMap<[u8; 16], CachedAnswer>,
    /// Before this second other answers may have been given to what is not remembered.
    since: u64,
}

/// The last answer to a question.
#[derive(Clone)]
struct CachedAnswer {
    mark: Option<Mark>,
    tag: String,
    /// The second from which on it is the answer. It lies ahead of the clock when an answer changed twice within a second:
    /// then no date tells the two apart, and none is told until it has come.
    since: u64,
}

/// What the client has already.
pub struct Has {
    tags: Option<Tags>,
    date: Option<u64>,
}

enum Tags {
    Any,
    These(Vec<String>),
}

impl Fresh {
    /// Nothing is remembered yet.
    pub fn new() -> Self {
        Fresh { known: Mutex::new(AnswerCache { answers: HashMap::new(), since: now() }) }
    }

    /// Answers a question: `mark` says what the answer depends on (none where nothing does), `make` makes it.
    ///
    /// # Errors
    /// Those of `make`.
    pub fn answer<E>(
        &self,
        question: &str,
        mark: Option<Mark>,
        has: &Has,
        make: impl FnOnce() -> Result<String, E>,
    ) -> Result<Answered, E> {
        let key = key(question);
        if let Some(kept) =
            self.kept(&key).filter(|kept| kept.mark.is_some() && kept.mark == mark && has.this(kept, now()))
        {
            return Ok(Answered { kept, text: None });
        }
        let text = make()?;
        let kept = self.keep(key, mark, &text, now());
        let text = (!has.this(&kept, now())).then_some(text);
        Ok(Answered { kept, text })
    }

    fn kept(&self, key: &[u8; 16]) -> Option<CachedAnswer> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).answers.get(key).cloned()
    }

    fn keep(&self, key: [u8; 16], mark: Option<Mark>, text: &str, now: u64) -> CachedAnswer {
        let deeds = mark.as_ref().map_or("", |mark| mark.deeds.as_str());
        let tag = blake3::Hasher::new().update(deeds.as_bytes()).update(b"\n").update(text.as_bytes()).finalize();
        let tag = tag.to_hex()[..32].to_string();
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let since = match known.answers.get(&key) {
            Some(last) if last.tag == tag => last.since,
            Some(last) => now.max(last.since + 1),
            None => known.since,
        };
        if known.answers.len() >= REMEMBERED && !known.answers.contains_key(&key) {
            known.answers.clear();
            known.since = now + 1;
        }
        let kept = CachedAnswer { mark, tag, since };
        known.answers.insert(key, kept.clone());
        kept
    }
}

fn key(question: &str) -> [u8; 16] {
    let mut key = [0; 16];
    key.copy_from_slice(&blake3::hash(question.as_bytes()).as_bytes()[..16]);
    key
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

impl Has {
    /// Reads `If-None-Match` (tags, weak ones, lists of them, `*`) and, where there is none, `If-Modified-Since`.
    pub fn of(headers: &HeaderMap) -> Self {
        let tags = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|v| v.to_str().ok());
        let tags = headers.contains_key(header::IF_NONE_MATCH).then(|| Tags::read(&tags.collect::<Vec<_>>().join(",")));
        let date = headers.get(header::IF_MODIFIED_SINCE).and_then(|v| v.to_str().ok());
        let date = date.and_then(|text| httpdate::parse_http_date(text.trim()).ok());
        let date = date.and_then(|date| date.duration_since(UNIX_EPOCH).ok()).map(|since| since.as_secs());
        Has { tags, date }
    }

    /// Whether it is what has this tag.
    pub fn tagged(&self, tag: &str) -> bool {
        match &self.tags {
            Some(Tags::Any) => true,
            Some(Tags::These(tags)) => tags.iter().any(|known| known == tag),
            None => false,
        }
    }

    fn this(&self, kept: &CachedAnswer, now: u64) -> bool {
        match (&self.tags, self.date) {
            (Some(Tags::Any), _) => true,
            (Some(Tags::These(tags)), _) => tags.contains(&kept.tag),
            (None, Some(date)) => kept.since <= date && kept.since <= now,
            (None, None) => false,
        }
    }
}

impl Tags {
    /// `W/"a", "b"`: compared weakly, as a GET wants it. What is none of this matches nothing.
    fn read(text: &str) -> Self {
        if text.split(',').any(|part| part.trim() == "*") {
            return Tags::Any;
        }
        // Between the first and the second quote stands the first tag, and so on; a tag may hold a comma.
        Tags::These(text.split('"').skip(1).step_by(2).map(str::to_string).collect())
    }
}

/// An answer, or that the client has it already.
pub struct Answered {
    kept: CachedAnswer,
    text: Option<String>,
}

impl Answered {
    /// As a response.
    pub fn respond(self, media_type: &'static str) -> Response {
        let mut response = match self.text {
            Some(text) => ([(header::CONTENT_TYPE, media_type)], text).into_response(),
            None => StatusCode::NOT_MODIFIED.into_response(),
        };
        let headers = response.headers_mut();
        // Weak: packed and unpacked it is the same.
        let mut put = |name, text: String| {
            if let Ok(value) = HeaderValue::from_str(&text) {
                headers.insert(name, value);
            }
        };
        put(header::ETAG, format!("W/\"{}\"", self.kept.tag));
        if self.kept.since <= now() {
            let date = UNIX_EPOCH + Duration::from_secs(self.kept.since);
            put(header::LAST_MODIFIED, httpdate::fmt_http_date(date));
        }
        // Whoever has it asks each time, which costs nothing; it holds what one reader is shown.
        put(header::CACHE_CONTROL, "private, no-cache".into());
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn has(name: &'static str, value: &str) -> Has {
        let mut headers = HeaderMap::new();
        headers.insert(name, HeaderValue::from_str(value).expect("a header"));
        Has::of(&headers)
    }

    fn ask(fresh: &Fresh, mark: Option<&str>, has: &Has, text: Option<&str>) -> Answered {
        let make = || text.map(str::to_string).ok_or("it was made again");
        let mark = mark.map(|rest| Mark { deeds: "1".into(), rest: rest.into() });
        fresh.answer("q", mark, has, make).expect("made")
    }

    #[test]
    fn what_the_client_has_is_not_made_again() {
        let (fresh, nothing) = (Fresh::new(), Has { tags: None, date: None });
        let first = ask(&fresh, Some("1"), &nothing, Some("a"));
        let tag = first.kept.tag.clone();
        assert_eq!(first.text.as_deref(), Some("a"));
        for tags in [format!("W/\"{tag}\""), format!("\"{tag}\""), format!("\"x,y\", W/\"{tag}\""), "*".into()] {
            assert!(ask(&fresh, Some("1"), &has("if-none-match", &tags), None).text.is_none(), "{tags}");
        }
        for tags in ["\"x\"", "W/\"\"", tag.as_str(), "nonsense", ""] {
            assert!(ask(&fresh, Some("1"), &has("if-none-match", tags), Some("a")).text.is_some(), "{tags}");
        }
        let known = format!("\"{tag}\"");
        let known = has("if-none-match", &known);
        assert!(ask(&fresh, Some("2"), &known, Some("a")).text.is_none(), "a change that does not show is none");
        assert_eq!(ask(&fresh, Some("3"), &known, Some("b")).text.as_deref(), Some("b"));
        let done = Some(Mark { deeds: "2".into(), rest: "3".into() });
        let answer = fresh.answer("q", done, &known, || Ok::<_, ()>("a".into())).expect("made");
        assert!(answer.text.is_some(), "what somebody did is answered anew");
        let first = ask(&fresh, None, &nothing, Some("a")).kept.tag;
        let known = has("if-none-match", &format!("\"{first}\""));
        assert!(ask(&fresh, None, &known, Some("a")).text.is_none(), "without a mark it is made, and compared");
    }

    #[test]
    fn a_date_tells_two_answers_apart_or_is_not_told() {
        let fresh = Fresh::new();
        let at = |seconds: u64| {
            has("if-modified-since", &httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(seconds)))
        };
        let key = key("q");
        let first = fresh.keep(key, None, "a", 100);
        let start = first.since;
        assert!(at(start).this(&first, start) && !at(start - 1).this(&first, start));
        let second = fresh.keep(key, None, "b", start);
        let third = fresh.keep(key, None, "c", start);
        assert_eq!((second.since, third.since), (start + 1, start + 2));
        for kept in [&second, &third] {
            assert!(!at(start).this(kept, start + 5), "the date of the first answer is not that of the next");
        }
        assert!(!at(start + 2).this(&third, start), "a second that has not come tells nothing");
        assert!(at(start + 2).this(&third, start + 2));
        assert!(!has("if-modified-since", "yesterday").this(&third, start + 9));
        let both = Has { tags: Some(Tags::These(vec!["x".into()])), date: Some(u64::MAX) };
        assert!(!both.this(&third, start + 9), "a tag goes before a date");
    }
}
