//! Pages that are made on the server of templates (`pages/*.html`), as forms that work without scripts.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use minijinja::{Value, context};

use crate::http::error::ApiError;
use crate::templates::Templates;

static TEMPLATES: Templates = Templates::new(&[
    ("frame.html", include_str!("pages/frame.html")),
    ("sign_in.html", include_str!("pages/sign_in.html")),
    ("link.html", include_str!("pages/link.html")),
    ("told.html", include_str!("pages/told.html")),
    ("sign_out.html", include_str!("pages/sign_out.html")),
    ("sessions.html", include_str!("pages/sessions.html")),
    ("confirm.html", include_str!("pages/confirm.html")),
    ("unsubscribe.html", include_str!("pages/unsubscribe.html")),
    ("manage.html", include_str!("pages/manage.html")),
    ("map.html", include_str!("pages/map.html")),
    ("act.html", include_str!("pages/act.html")),
]);

/// A page.
pub struct Page {
    /// Its template.
    pub template: &'static str,
    /// What it is called.
    pub title: &'static str,
    /// With which status it is sent.
    pub status: StatusCode,
    /// What went wrong before, for a person.
    pub wrong: Option<String>,
    /// How many steps below the root of the service its address lies.
    pub depth: usize,
    /// What its template shows.
    pub shows: Value,
}

impl Page {
    /// One directly below the root of the service.
    pub fn new(template: &'static str, title: &'static str, shows: Value) -> Self {
        Page { template, title, status: StatusCode::OK, wrong: None, depth: 0, shows }
    }

    /// One that says something, with a way to go on.
    pub fn told(status: StatusCode, title: &'static str, text: String, way: (&str, &str)) -> Self {
        Page { status, ..Page::new("told.html", title, context! { text, way => way.0, way_text => way.1 }) }
    }

    fn html(&self) -> Result<String, minijinja::Error> {
        let root = Value::from_safe_string(root(self.depth));
        let frame = context! { title => self.title, wrong => self.wrong.as_deref(), root };
        TEMPLATES.framed(self.template, &self.shows, frame)
    }
}

impl IntoResponse for Page {
    fn into_response(self) -> Response {
        match self.html() {
            Ok(html) => {
                let headers = [
                    (header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")),
                    (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
                ];
                (self.status, headers, html).into_response()
            }
            Err(e) => {
                tracing::error!("the page {}: {e}", self.template);
                ApiError::internal().into_response()
            }
        }
    }
}

/// The way to the root of the service from an address that lies so many steps below it. It is relative, so that a proxy may
/// serve all of this below a path of its own.
pub fn root(depth: usize) -> String {
    if depth == 0 { "./".into() } else { "../".repeat(depth) }
}

/// The message of an error as a sentence.
pub fn sentence(message: &str) -> String {
    let mut letters = message.chars();
    let first: String = letters.next().into_iter().flat_map(char::to_uppercase).collect();
    let end = if message.ends_with(['.', '?', '!']) { "" } else { "." };
    format!("{first}{}{end}", letters.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NASTY: &str = "<script>alert('1')</script>\" onload=\"x";

    #[test]
    fn every_page_can_be_made_and_escapes_what_it_shows() {
        let session = context! { id => NASTY, browser => NASTY, reader => NASTY, key => NASTY, created => NASTY };
        let shows = context! {
            to => NASTY, who => NASTY, reader => NASTY, text => NASTY, way => NASTY, way_text => NASTY, minutes => 15,
            sessions => vec![session], own => 2, what => NASTY, cadence => NASTY, email => NASTY, state => NASTY,
            runs => true, paused => true, budget => 15, title => NASTY, button => NASTY, done => NASTY,
        };
        for template in TEMPLATES.names() {
            let page = Page { wrong: Some(NASTY.into()), ..Page::new(template, "A title", shows.clone()) };
            let html = page.html().expect(template);
            assert!(html.contains("&lt;script&gt;") && !html.contains("<script"), "{template}: {html}");
            assert!(!html.contains("\" onload") && !html.contains("style="), "{template}: {html}");
            assert!(html.contains("href=\"./web/page.css\""));
        }
        let deep = Page { depth: 1, ..Page::new("link.html", "A title", shows) }.html().expect("made");
        assert!(deep.contains("href=\"../web/page.css\""));
    }
}
