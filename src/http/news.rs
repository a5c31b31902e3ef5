//! The feed for a news reader: Atom (RFC 4287) and JSON Feed 1.1, opened by a secret in the address.

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, Uri, header};
use axum::response::IntoResponse;
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::App;
use super::ask::Ranking;
use super::error::{ApiError, ErrorBody};
use super::extract::{Id, NoParams, Params};
use super::feed::{FeedParameters, take_feed};
use crate::engine::{Answer, Hit, Since};
use crate::user::Moment;

/// Days up to today (the newest of the corpus that is not ahead of the clock) that a news reader is shown: its address stays the same, so it cannot name one.
const DAYS: i32 = 14;

/// What opens a user's feed to a news reader.
#[derive(Serialize, ToSchema)]
pub struct Token {
    /// The secret.
    token: String,
    /// Where the Atom feed is, from the root of the service.
    atom: String,
    /// Where the JSON feed is.
    json: String,
}

/// The secret of a user's feed
///
/// Made by the first call, the same afterwards.
#[utoipa::path(post, path = "/v1/users/{user}/token", tag = "users",
    params(("user" = String, Path, description = "the user's name")),
    responses((status = 200, body = Token), (status = 404, body = ErrorBody)))]
pub async fn token(State(app): State<App>, Id(name): Id, _: NoParams) -> Result<Json<Token>, ApiError> {
    let user = name.clone();
    let token = app.blocking(move |engine| engine.feed_token(&name)).await?;
    let at = |form: &str| format!("/v1/users/{}/feed.{form}?token={token}", encoded(&user));
    Ok(Json(Token { atom: at("atom"), json: at("json"), token: token.clone() }))
}

/// The feed as Atom
///
/// Papers of the newest fourteen days where none of `date`, `since`, `from` and `to` is given.
///
/// 30 papers, unless `limit` says otherwise.
#[utoipa::path(get, path = "/v1/users/{user}/feed.atom", tag = "users",
    params(("user" = String, Path, description = "the user's name"),
           ("token" = String, Query, description = "the secret of the feed"), FeedParameters, Ranking),
    responses((status = 200, content_type = "application/atom+xml", body = String), (status = 401, body = ErrorBody),
              (status = 404, body = ErrorBody)))]
pub async fn atom(
    State(app): State<App>,
    Id(name): Id,
    uri: Uri,
    params: Params,
) -> Result<impl IntoResponse, ApiError> {
    let answer = opened(&app, name.clone(), params).await?;
    Ok(([(header::CONTENT_TYPE, "application/atom+xml; charset=utf-8")], as_atom(&name, uri.path(), &answer)))
}

/// The feed as JSON Feed
///
/// Papers of the newest fourteen days where none of `date`, `since`, `from` and `to` is given.
///
/// 30 papers, unless `limit` says otherwise.
#[utoipa::path(get, path = "/v1/users/{user}/feed.json", tag = "users",
    params(("user" = String, Path, description = "the user's name"),
           ("token" = String, Query, description = "the secret of the feed"), FeedParameters, Ranking),
    responses((status = 200, content_type = "application/feed+json", body = Object), (status = 401, body = ErrorBody),
              (status = 404, body = ErrorBody)))]
pub async fn json_feed(State(app): State<App>, Id(name): Id, params: Params) -> Result<impl IntoResponse, ApiError> {
    let answer = opened(&app, name.clone(), params).await?;
    let text = as_json(&name, &answer).to_string();
    Ok(([(header::CONTENT_TYPE, "application/feed+json; charset=utf-8")], text))
}

/// The feed, if the secret is the user's.
async fn opened(app: &App, name: String, Params(mut given): Params) -> Result<Answer, ApiError> {
    let token = match given.take("token").value {
        Some(Value::String(token)) => token,
        _ => return Err(ApiError::new(StatusCode::UNAUTHORIZED, "the address lacks the token of the feed")),
    };
    given.0.entry("limit").or_insert_with(|| 30.into());
    let mut feed = take_feed(&mut given)?;
    given.nothing_else()?;
    let opened = app
        .blocking(move |engine| {
            if !engine.opens_feed(&name, &token)? {
                return Ok(None);
            }
            let filter = &feed.ask.filter;
            let whole = feed.since == Since::Ever && filter.from.is_none() && filter.to.is_none();
            if whole {
                feed.since = engine.newest_days(DAYS)?;
            }
            engine.feed(&name, &feed).map(Some)
        })
        .await?;
    opened.ok_or_else(|| ApiError::new(StatusCode::UNAUTHORIZED, "the token is not the one of this feed"))
}

/// When an entry was new: the day it was listed, else dated. Papers without a day have an old one, so that they do not look
/// new at every visit.
fn updated(hit: &Hit) -> String {
    Moment::of_day(hit.paper.list_day().unwrap_or(0)).to_string()
}

/// A name inside a URN or path: everything but letters, digits and `-._~` percent-encoded.
fn encoded(name: &str) -> String {
    name.bytes()
        .map(|b| match b {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(b).to_string(),
            b => format!("%{b:02X}"),
        })
        .collect()
}

fn link(hit: &Hit) -> Option<&str> {
    hit.paper.url.as_deref().filter(|url| url.starts_with("https://") || url.starts_with("http://"))
}

/// `own` is its path. The secret is left out of the address: a feed that is passed on is not to give it away.
fn as_atom(name: &str, own: &str, answer: &Answer) -> String {
    // A feed has not changed in the future, whatever its papers are dated.
    let now = Moment::now().to_string();
    let newest = answer
        .papers
        .iter()
        .map(updated)
        .filter(|at| *at <= now)
        .max()
        .unwrap_or_else(|| Moment::of_day(0).to_string());
    let mut out =
        String::from("<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<feed xmlns=\"http://www.w3.org/2005/Atom\">\n");
    out += &format!(
        "<id>urn:paperkin:feed:{}</id><title>Papers for {}</title><updated>{newest}</updated>\
         <link rel=\"self\" href=\"{}\"/><link rel=\"alternate\" href=\"/#/foryou\"/>\n",
        encoded(name),
        escaped(name),
        escaped(own)
    );
    for hit in &answer.papers {
        let paper = &hit.paper;
        out += &format!(
            "<entry><id>urn:paperkin:paper:{}</id><title>{}</title><updated>{}</updated>",
            encoded(paper.id.as_str()),
            escaped(&paper.title),
            updated(hit)
        );
        match &paper.authors[..] {
            [] => out += "<author><name>unknown</name></author>",
            names => names.iter().for_each(|n| out += &format!("<author><name>{}</name></author>", escaped(n))),
        }
        // Without an address of its own, its place on the page of this service.
        let page = || format!("/#/similar/{}", encoded(paper.id.as_str()));
        let url = link(hit).map_or_else(page, str::to_string);
        out += &format!("<link rel=\"alternate\" href=\"{}\"/>", escaped(&url));
        for category in &paper.categories {
            out += &format!("<category term=\"{}\"/>", escaped(category));
        }
        out += &format!("<content type=\"text\">{}</content></entry>\n", escaped(&paper.summary));
    }
    out + "</feed>\n"
}

fn as_json(name: &str, answer: &Answer) -> Value {
    let item = |hit: &Hit| {
        let authors: Vec<Value> = hit.paper.authors.iter().map(|n| json!({ "name": n })).collect();
        let mut item = json!({
            "id": hit.paper.id, "title": hit.paper.title, "content_text": hit.paper.summary,
            "date_published": updated(hit), "authors": authors, "tags": hit.paper.categories,
        });
        if let Some(url) = link(hit) {
            item["url"] = url.into();
        }
        item
    };
    json!({
        "version": "https://jsonfeed.org/version/1.1", "title": format!("Papers for {name}"),
        "items": answer.papers.iter().map(item).collect::<Vec<_>>(),
    })
}

/// For XML: what has a meaning there, and without the control characters that it cannot hold.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out += "&amp;",
            '<' => out += "&lt;",
            '>' => out += "&gt;",
            '"' => out += "&quot;",
            '\'' => out += "&#39;",
            '\n' | '\t' => out.push(' '),
            c if c.is_control() || matches!(c, '\u{FFFE}' | '\u{FFFF}') => {}
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn nothing_of_a_text_is_markup(text in "\\PC{0,40}|[<>&\"'\u{0}-\u{1f}]{0,20}") {
            let out = escaped(&text);
            prop_assert!(!out.contains(['<', '>', '"', '\'']) && !out.chars().any(char::is_control));
            let back = out.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&#39;", "'").replace("&amp;", "&");
            let kept: String = text.chars().map(|c| if c == '\n' || c == '\t' { ' ' } else { c })
                .filter(|c| !c.is_control() && !matches!(c, '\u{FFFE}' | '\u{FFFF}')).collect();
            prop_assert_eq!(back, kept);
        }
    }
}
