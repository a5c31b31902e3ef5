//! What a press of a button on a page does: opinions on papers, and choices. Each is a form that works without scripts, which
//! comes back to the page; a script of ours gets an answer without a body.

use axum::extract::{FromRequestParts, Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::form::Form;
use super::opinions::{Said, said};
use super::pages::Page;
use super::sign_in::{go_to, way_back};
use super::visitor::Visitor;
use crate::engine::Engine;
use crate::http::App;
use crate::http::access::Reader;
use crate::http::error::ApiError;
use crate::paper::PaperId;
use crate::user::{Event, EventKind, Moment};

/// What a button says of a paper, by the name of its field, which holds the id.
const SAYS: [&str; 6] = ["like", "save", "dislike", "dismiss", "clear", "open"];

/// `POST /opinion`: one of [`SAYS`] with the id of a paper, and `to`, the way back. Pressed again, `like` and the others take
/// back what they said.
pub async fn opinion(State(app): State<App>, request: Request) -> Response {
    let (mut parts, body) = request.into_parts();
    let Ok(visitor) = Visitor::from_request_parts(&mut parts, &app).await;
    let form = Form::read(&app, Request::from_parts(parts, body)).await;
    let done = async {
        let form = form?;
        let found = SAYS.iter().find(|name| !form.field(name).is_empty());
        let word = *found.ok_or_else(|| ApiError::bad_request("the form says nothing of a paper"))?;
        let Some(reader) = visitor.reader.clone() else { return Ok((form, false)) };
        let id = form.field(word).to_string();
        app.blocking(move |engine| say(engine, &reader, word, &id)).await?;
        Ok::<_, ApiError>((form, true))
    };
    match done.await {
        Ok((form, true)) => back(&visitor, form.field("to")),
        // Who reads is asked first; the way back leads to the same page.
        Ok((form, false)) => go_to(&format!("reader?{}", to(form.field("to")))),
        Err(e) if visitor.scripted => e.into_response(),
        Err(e) => Page::of_error(&e, 0).seen_by(&visitor).into_response(),
    }
}

fn to(way: &str) -> String {
    form_urlencoded::Serializer::new(String::new()).append_pair("to", &way_back(Some(way))).finish()
}

/// `POST /choices`: what was chosen for this browser, each by its name, and `to`, the way back.
pub async fn choices(State(app): State<App>, request: Request) -> Response {
    let (mut parts, body) = request.into_parts();
    let Ok(visitor) = Visitor::from_request_parts(&mut parts, &app).await;
    match Form::read(&app, Request::from_parts(parts, body)).await {
        Err(e) if visitor.scripted => e.into_response(),
        Err(e) => Page::of_error(&e, 0).seen_by(&visitor).into_response(),
        Ok(form) => {
            let mut choices = visitor.choices.clone();
            // As whom somebody reads is said on a page of its own.
            for name in ["theme", "look", "by", "sort"] {
                if form.has(name) {
                    choices.set(name, form.field(name));
                }
            }
            let mut response = back(&visitor, form.field("to"));
            response.headers_mut().insert(header::SET_COOKIE, choices.keep(visitor.jar));
            response
        }
    }
}

/// Back to the page; a script is there already.
pub fn back(visitor: &Visitor, to: &str) -> Response {
    if visitor.scripted {
        let headers = [(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];
        return (StatusCode::NO_CONTENT, headers).into_response();
    }
    go_to(&format!(".{}", way_back(Some(to))))
}

/// Writes down what a reader says.
///
/// # Errors
/// [`Error::NotFound`](crate::Error::NotFound) when there is no such paper.
fn say(engine: &Engine, reader: &Reader, word: &str, id: &str) -> crate::Result<()> {
    let paper = match PaperId::new(id) {
        Ok(id) => id,
        Err(_) => engine.paper(id)?.id,
    };
    let now = said(engine, reader.name(), &[&paper])?.remove(&paper).unwrap_or_default();
    let kinds = steps(now, word);
    // One after the other: at the same moment a dislike would win whatever came last.
    let at = Moment::now();
    let events: Vec<Event> = (0..)
        .zip(kinds)
        .map(|(k, kind)| Event { paper: paper.clone(), kind, at: Moment(at.0 + k), weight: 1.0 })
        .collect();
    if events.is_empty() { Ok(()) } else { engine.add_events(reader.name(), &events).map(drop) }
}

/// The events that lead from what was said of a paper to what is said now.
fn steps(now: Said, word: &str) -> Vec<EventKind> {
    use EventKind::{Clear, Click, Dislike, Dismiss, Like, Save, Unsave};
    let against = now.disliked || now.dismissed;
    let again = |on: bool, kind: EventKind| if on { vec![Clear] } else { vec![kind] };
    match word {
        "like" if now.liked && now.saved => vec![Clear, Save],
        "like" if now.liked => vec![Clear],
        "like" if against => vec![Clear, Like],
        "like" => vec![Like],
        "save" if now.saved => vec![Unsave],
        "save" if against => vec![Clear, Save],
        "save" => vec![Save],
        "dislike" => again(now.disliked, Dislike),
        "dismiss" => again(now.dismissed, Dismiss),
        "clear" => vec![Clear],
        _ if now.opened => Vec::new(),
        _ => vec![Click],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pressed_again_a_button_takes_back_what_it_said() {
        use EventKind::{Clear, Dislike, Like, Save, Unsave};
        let nothing = Said::default();
        let liked = Said { liked: true, ..nothing };
        let both = Said { saved: true, ..liked };
        let disliked = Said { disliked: true, ..nothing };
        for (now, word, wanted) in [
            (nothing, "like", vec![Like]),
            (liked, "like", vec![Clear]),
            (both, "like", vec![Clear, Save]),
            (both, "save", vec![Unsave]),
            (disliked, "like", vec![Clear, Like]),
            (disliked, "dislike", vec![Clear]),
            (both, "dislike", vec![Dislike]),
            (disliked, "save", vec![Clear, Save]),
        ] {
            assert_eq!(steps(now, word), wanted, "{now:?} {word}");
        }
    }
}
