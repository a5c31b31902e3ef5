//! Papers and feeds as resources: what a client shows a person to choose from, or puts beside a question as a whole.

use rmcp::ErrorData;
use rmcp::model::{ReadResourceResult, Resource, ResourceContents, ResourceTemplate};

use super::calls::of_day;
use super::place::{Asking, Place};
use super::told::{self, Detail};
use crate::engine::Feed;
use crate::http::error::ApiError;
use crate::paper::head;
use crate::paper::percent::{decoded, encoded};

const MARKDOWN: &str = "text/markdown";

/// The feed of the newest day.
const TODAY: &str = "feed://today";

/// What the feeds of readers begin with.
const OF_READER: &str = "feed://reader/";

/// Papers of a feed.
const PAPERS: usize = 30;

/// The resources that are always there, for whoever asks: the papers themselves are too many to list.
pub fn list(asking: &Asking) -> Vec<Resource> {
    let mut all = vec![
        Resource::new(TODAY, "today")
            .with_title("Papers of the day")
            .with_description(
                "The papers of the newest day, most votes first; for a reader of this service their feed.",
            )
            .with_mime_type(MARKDOWN),
    ];
    // Only whose it is, is told their name.
    if let Ok(Some(reader)) = asking.reader(None) {
        let name = reader.name();
        all.push(
            Resource::new(format!("{OF_READER}{}", encoded(name)), format!("feed of {name}"))
                .with_title(format!("Papers for {name}"))
                .with_description("The personal feed of the newest day, best first, with the reason for each.")
                .with_mime_type(MARKDOWN),
        );
    }
    all
}

/// How the others are called.
pub fn templates() -> Vec<ResourceTemplate> {
    vec![
        ResourceTemplate::new("paper://{id}", "paper")
            .with_title("A paper")
            .with_description(
                "One paper with its abstract, by its id, arXiv id, DOI or PMID; `/` and `:` in it may be escaped.",
            )
            .with_mime_type(MARKDOWN),
        ResourceTemplate::new(format!("{OF_READER}{{user}}"), "feed")
            .with_title("The feed of a reader")
            .with_description("The personal feed of the newest day, for whoever may act for this reader.")
            .with_mime_type(MARKDOWN),
    ]
}

/// A resource as Markdown.
///
/// # Errors
/// -32002 (-32602 from 2026-07-28 on) for one that is not there, else an error with the words of the API.
pub async fn read(place: &Place, asking: &Asking, uri: String) -> Result<ReadResourceResult, ErrorData> {
    let text = match Named::of(&uri) {
        Some(Named::Paper(id)) => {
            place.work(asking, move |engine| Ok(told::markdown(&engine.paper_in_full(&id)?))).await
        }
        Some(Named::Feed(user)) => feed(place, asking, user).await,
        None => {
            let message = format!(
                "there is no resource {:?}; there are paper://ID, {TODAY} and {OF_READER}NAME",
                head(&uri, 100)
            );
            return Err(ErrorData::resource_not_found(message, None));
        }
    };
    let text = text.map_err(|e| match e.status.as_u16() {
        404 => ErrorData::resource_not_found(e.message, None),
        400..500 => ErrorData::invalid_params(e.message, None),
        _ => ErrorData::internal_error(e.message, None),
    })?;
    Ok(ReadResourceResult::new(vec![ResourceContents::text(text, uri).with_mime_type(MARKDOWN)]))
}

async fn feed(place: &Place, asking: &Asking, user: Option<String>) -> Result<String, ApiError> {
    let is_named = user.is_some();
    let reader = asking.reader(user)?.map(|reader| reader.name().to_string());
    let mut feed = Feed::default();
    feed.ask.limit = PAPERS;
    let detail = Detail { abstracts: true, explain: false };
    let told = place.work(asking, move |engine| of_day(engine, reader, is_named, feed, detail)).await?;
    Ok(told.text)
}

/// What an address names.
#[derive(Debug, PartialEq)]
enum Named {
    Paper(String),
    /// Of a reader, or of whoever asks.
    Feed(Option<String>),
}

impl Named {
    fn of(uri: &str) -> Option<Self> {
        let (scheme, rest) = uri.split_once(':')?;
        let rest = rest.trim_start_matches('/');
        let rest = decoded(rest).unwrap_or_else(|| rest.to_string());
        if rest.is_empty() {
            return None;
        }
        match scheme.to_ascii_lowercase().as_str() {
            "paper" => Some(Named::Paper(rest)),
            "feed" if rest.trim_end_matches('/') == "today" => Some(Named::Feed(None)),
            "feed" => {
                Some(Named::Feed(Some(rest.strip_prefix("reader/").filter(|name| !name.is_empty())?.to_string())))
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_name_papers_and_feeds_escaped_or_not() {
        let paper = |id: &str| Some(Named::Paper(id.into()));
        for (uri, wanted) in [
            ("paper://arxiv:2405.13729", paper("arxiv:2405.13729")),
            ("paper://arxiv%3A2405.13729", paper("arxiv:2405.13729")),
            ("paper:///10.1000%2Fx.1", paper("10.1000/x.1")),
            ("paper://10.1000/x.1", paper("10.1000/x.1")),
            ("PAPER://x", paper("x")),
            ("feed://today", Some(Named::Feed(None))),
            ("feed://today/", Some(Named::Feed(None))),
            ("feed://reader/ada%20l", Some(Named::Feed(Some("ada l".into())))),
            ("feed://reader/", None),
            ("feed://tomorrow", None),
            ("paper://", None),
            ("file:///etc/passwd", None),
            ("paper", None),
        ] {
            assert_eq!(Named::of(uri), wanted, "{uri}");
        }
    }
}
