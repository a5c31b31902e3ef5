//! Pages that are made on the server of templates (`pages/*.html`): reading and forms work without scripts.

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use minijinja::value::Serde;
use minijinja::{Environment, Value, context};

use super::choices::Choices;
use super::dates;
use super::files::{SCRIPTS, version};
use super::texts::{self, text_of};
use super::visitor::Visitor;
use crate::engine::Engine;
use crate::http::App;
use crate::http::answer::Written;
use crate::http::call::Call;
use crate::http::error::ApiError;
use crate::paper::percent::encoded;
use crate::templates::{Templates, text};

static TEMPLATES: Templates = Templates::prepared(
    &[
        text!("frame.html", "src/http/web", "pages/frame.html"),
        text!("_empty.html", "src/http/web", "pages/_empty.html"),
        text!("_folders.html", "src/http/web", "pages/_folders.html"),
        text!("_papers.html", "src/http/web", "pages/_papers.html"),
        text!("_sliders.html", "src/http/web", "pages/_sliders.html"),
        text!("sign_in.html", "src/http/web", "pages/sign_in.html"),
        text!("link.html", "src/http/web", "pages/link.html"),
        text!("told.html", "src/http/web", "pages/told.html"),
        text!("sign_out.html", "src/http/web", "pages/sign_out.html"),
        text!("sessions.html", "src/http/web", "pages/sessions.html"),
        text!("confirm.html", "src/http/web", "pages/confirm.html"),
        text!("unsubscribe.html", "src/http/web", "pages/unsubscribe.html"),
        text!("manage.html", "src/http/web", "pages/manage.html"),
        text!("act.html", "src/http/web", "pages/act.html"),
        text!("map.html", "src/http/web", "pages/map.html"),
        text!("today.html", "src/http/web", "pages/today.html"),
        text!("undated.html", "src/http/web", "pages/undated.html"),
        text!("trending.html", "src/http/web", "pages/trending.html"),
        text!("paper.html", "src/http/web", "pages/paper.html"),
        text!("search.html", "src/http/web", "pages/search.html"),
        text!("stranger.html", "src/http/web", "pages/stranger.html"),
        text!("for_you.html", "src/http/web", "pages/for_you.html"),
        text!("begin.html", "src/http/web", "pages/begin.html"),
        text!("questions.html", "src/http/web", "pages/questions.html"),
        text!("turned_down.html", "src/http/web", "pages/turned_down.html"),
        text!("reader.html", "src/http/web", "pages/reader.html"),
        text!("library.html", "src/http/web", "pages/library.html"),
        text!("saved_search.html", "src/http/web", "pages/saved_search.html"),
        text!("themes.html", "src/http/web", "pages/themes.html"),
        text!("theme.html", "src/http/web", "pages/theme.html"),
        text!("subscribe.html", "src/http/web", "pages/subscribe.html"),
        text!("admin.html", "src/http/web", "pages/admin.html"),
        text!("wrong.html", "src/http/web", "pages/wrong.html"),
    ],
    prepare,
);

/// Gives templates the texts, and addresses a filter of their own.
fn prepare(templates: &mut Environment<'static>) {
    texts::prepare(templates);
    templates.add_filter("encoded", |text: String| encoded(&text));
    templates.add_filter("number", number);
    templates.add_filter("day", |text: String| dates::of_text(&text));
}

/// A whole number with its digits in threes: `12,345`.
fn number(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() * 4 / 3);
    for (k, digit) in digits.chars().enumerate() {
        if k > 0 && (digits.len() - k).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Seconds after which a page that could not be made is asked for again.
const AGAIN: u32 = 2;

/// A page.
pub struct Page {
    /// Its template.
    pub template: &'static str,
    /// What it is called.
    pub title: String,
    /// With which status it is sent.
    pub status: StatusCode,
    /// What went wrong before, for a person.
    pub wrong: Option<String>,
    /// How many steps below the root of the service its address lies.
    pub depth: usize,
    /// Which of the places in the bar it is: `today`, `for-you`, `library`, `themes`, `reader`.
    pub place: &'static str,
    /// What stands in the field for searching.
    pub query: String,
    /// Seconds after which a browser asks for it again.
    pub again: Option<u32>,
    /// What its template shows.
    pub shows: Value,
    /// Headers besides.
    pub headers: HeaderMap,
    /// What the frame knows of who looks; nothing before [`Page::seen_by`].
    pub frame: Frame,
}

/// What the frame knows of who looks.
#[derive(Default)]
pub struct Frame {
    choices: Choices,
    reader: Option<String>,
    may_choose: bool,
    session: bool,
    admin: bool,
    own: bool,
    here: String,
}

impl Page {
    /// One directly below the root of the service.
    pub fn new(template: &'static str, title: impl Into<String>, shows: Value) -> Self {
        Page {
            template,
            title: title.into(),
            status: StatusCode::OK,
            wrong: None,
            depth: 0,
            place: "",
            query: String::new(),
            again: None,
            shows,
            headers: HeaderMap::new(),
            frame: Frame::default(),
        }
    }

    /// The same in a place of the bar, or another that has a name.
    pub fn at(self, place: &'static str) -> Self {
        Page { place, ..self }
    }

    /// One that says something, with a way to go on.
    pub fn told(status: StatusCode, title: &'static str, text: String, way: (&str, &str)) -> Self {
        Page { status, ..Page::new("told.html", title, context! { text, way => way.0, way_text => way.1 }) }
    }

    /// One in place of another that could not be made.
    pub fn of_error(e: &ApiError, depth: usize) -> Self {
        let soon = matches!(e.status, StatusCode::SERVICE_UNAVAILABLE | StatusCode::ACCEPTED);
        let title = match e.status {
            _ if soon => "soon",
            StatusCode::NOT_FOUND => "not_found",
            StatusCode::FORBIDDEN => "forbidden",
            StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY => "unreadable",
            _ => "failed",
        };
        let shows = context! { message => sentence(&e.message), soon };
        // What is only being made is no error to whoever looks, and no page either.
        let status = if e.status == StatusCode::ACCEPTED { StatusCode::SERVICE_UNAVAILABLE } else { e.status };
        let mut page = Page { status, depth, ..Page::new("wrong.html", text_of("frame", title), shows) };
        if soon {
            page.again = Some(AGAIN);
            page.headers.insert(header::RETRY_AFTER, HeaderValue::from(AGAIN));
        }
        page
    }

    /// The same for whoever looks.
    pub fn seen_by(mut self, visitor: &Visitor) -> Self {
        self.frame = Frame {
            choices: visitor.choices.clone(),
            reader: visitor.name().map(str::to_string),
            may_choose: visitor.may_choose_reader(),
            session: visitor.has_session(),
            admin: visitor.is_admin(),
            here: visitor.address.clone(),
            own: visitor.has_session() || visitor.caller.reader.is_some(),
        };
        self
    }

    /// Its HTML.
    ///
    /// # Errors
    /// When its template is not written right, or is not given what it shows.
    pub fn html(&self) -> Result<String, minijinja::Error> {
        let Frame { choices, reader, may_choose, session, admin, here, .. } = &self.frame;
        let here = if here.is_empty() { "/" } else { here };
        let face = reader.as_ref().and_then(|name| name.chars().find(|c| c.is_alphanumeric()));
        let face = face.map(|c| c.to_uppercase().to_string());
        let frame = context! {
            title => self.title.as_str(), wrong => self.wrong.as_deref(), again => self.again, place => self.place,
            query => self.query.as_str(), root => Value::from_safe_string(root(self.depth)), version => version(),
            scripts => SCRIPTS.to_vec(), choices => Serde(choices), here, reader, face, may_choose, session, admin,
        };
        TEMPLATES.framed(self.template, &self.shows, frame)
    }

    fn headers(&self) -> HeaderMap {
        let mut headers = self.headers.clone();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
        // What is of somebody who signed in stays in no cache; another page may be shown again on the way back.
        // So does one of no place in the bar: it may hold a secret, or follow one.
        let kept = if self.frame.own || self.place.is_empty() { "no-store" } else { "private, no-cache" };
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(kept));
        headers
    }

    fn not_made(&self, e: &minijinja::Error) -> ApiError {
        tracing::error!("the page {}: {e:#}", self.template);
        ApiError::internal()
    }
}

impl IntoResponse for Page {
    fn into_response(self) -> Response {
        match self.html() {
            Ok(html) => (self.status, self.headers(), html).into_response(),
            Err(e) => self.not_made(&e).into_response(),
        }
    }
}

impl App {
    /// Makes a page where work is done, and one that says what went wrong in its place where it fails. `depth` is how many steps
    /// below the root of the service its address lies.
    pub async fn page(
        &self,
        visitor: Visitor,
        depth: usize,
        make: impl FnOnce(&Engine, &Visitor) -> Result<Page, ApiError> + Send + 'static,
    ) -> Response {
        let (lease, gzip) = (self.answers.lease(), Call::gzip());
        let of_error = |e: &ApiError, visitor: &Visitor| Page::of_error(e, depth).seen_by(visitor).into_response();
        let engine = match self.engine() {
            Ok(engine) => engine,
            Err(e) => return of_error(&e, &visitor),
        };
        let asks = visitor.clone();
        let made = self.work(move || {
            let page = Page { depth, ..make(&engine, &asks)? }.seen_by(&asks);
            let html = page.html().map_err(|e| page.not_made(&e))?;
            let written = Written::with(|out| out.write_all(html.as_bytes()), gzip, lease);
            Ok::<_, ApiError>((page.status, page.headers(), written))
        });
        match made.await.and_then(|made| made) {
            Ok((status, headers, Ok(written))) => {
                let mut response = written.respond("text/html; charset=utf-8");
                *response.status_mut() = status;
                response.headers_mut().extend(headers);
                response
            }
            Ok((.., Err(full))) => of_error(&self.no_room(full), &visitor),
            // Themes that nobody makes come by no waiting.
            Err(e) => of_error(&self.themes_missing(e), &visitor),
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

    /// Those that hold what a person or a mail brings, and need little; the pages of papers are tried with papers (`tests/it/pages`).
    const FORMS: [&str; 10] = [
        "sign_in.html",
        "link.html",
        "told.html",
        "sign_out.html",
        "sessions.html",
        "confirm.html",
        "unsubscribe.html",
        "manage.html",
        "act.html",
        "wrong.html",
    ];

    const NASTY: &str = "<script>alert('1')</script>\" onload=\"x";

    #[test]
    fn every_page_can_be_made_and_escapes_what_it_shows() {
        let session = context! { id => NASTY, browser => NASTY, reader => NASTY, key => NASTY, created => NASTY };
        let shows = context! {
            to => NASTY, who => NASTY, reader => NASTY, text => NASTY, way => NASTY, way_text => NASTY, minutes => 15,
            sessions => vec![session], own => 2, what => NASTY, cadence => NASTY, email => NASTY, state => NASTY,
            runs => true, paused => true, budget => 15, title => NASTY, button => NASTY, done => NASTY, message => NASTY, soon => false,
        };
        assert!(FORMS.iter().all(|form| TEMPLATES.names().any(|name| name == *form)));
        for template in FORMS {
            let page = Page { wrong: Some(NASTY.into()), ..Page::new(template, "A title", shows.clone()) };
            let html = page.html().expect(template);
            assert!(html.contains("&lt;script&gt;") && !html.contains("<script>"), "{template}: {html}");
            assert!(!html.contains("\" onload") && !html.contains("style="), "{template}: {html}");
            assert!(html.contains("href=\"./web/"));
        }
        let deep = Page { depth: 1, ..Page::new("link.html", "A title", shows) }.html().expect("made");
        assert!(deep.contains("href=\"../web/"));
    }
}
