//! Signing in and out with a browser: by a key that is pasted, or by a one-time link. Each page is a form that works without
//! scripts. What changes something is a POST, so that whatever follows links (programs that look at mail, browsers that fetch
//! ahead) signs nobody in or out.

use std::net::IpAddr;

use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use minijinja::context;

use super::browser::described;
use super::form::Form;
use super::pages::{Page, root, sentence};
use super::visitor::Visitor;
use crate::access::Identity;
use crate::config::AuthMode;
use crate::engine::{KeyRefused, LINK_VALID, LinkState, Secret};
use crate::http::App;
use crate::http::access::guessed_by;
use crate::http::error::ApiError;
use crate::http::extract::{Id, Params};
use crate::user::Moment;

/// The longest way back that is remembered while somebody signs in, in bytes.
const LONGEST_WAY: usize = 2_000;

/// Somebody who signs in or out.
pub struct Visit {
    /// Who looks, and where their cookie goes.
    pub visitor: Visitor,
    /// The secret of the session that they bring, whether it is still one or not.
    pub brought: Option<Secret>,
    /// What their browser is, in short.
    pub browser: String,
    client: Option<IpAddr>,
}

impl FromRequestParts<App> for Visit {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        let Ok(visitor) = Visitor::from_request_parts(parts, app).await;
        let all = visitor.jar.secrets(&parts.headers);
        let opens = |secret: &&Secret| app.opened().is_ok_and(|o| o.engine.caller_of_session(secret).is_some());
        let brought = all.iter().find(opens).or(all.first()).cloned();
        Ok(Visit {
            visitor,
            brought,
            browser: described(&parts.headers),
            client: app.rules.clients.address(&parts.extensions, &parts.headers),
        })
    }
}

impl Visit {
    /// Who is signed in, for a person: the reader, else by what they were recognised.
    pub fn who(&self) -> Option<String> {
        let caller = &self.visitor.caller;
        match (&caller.reader, &caller.identity) {
            (Some(reader), _) => Some(reader.to_string()),
            (None, Identity::Anyone | Identity::Nobody) => None,
            (None, _) => Some("the holder of a key".into()),
        }
    }
}

fn is_open(app: &App) -> bool {
    app.rules.auth.mode == AuthMode::Open
}

/// `GET /sign-in`
pub async fn form(State(app): State<App>, visit: Visit, given: Result<Params, ApiError>) -> Response {
    let to = given.and_then(|Params(mut given)| {
        let to: Option<String> = given.take("to").word()?;
        given.nothing_else().map(|()| to)
    });
    match to {
        Ok(to) => sign_in_page(&app, &visit, to.as_deref(), None).into_response(),
        Err(e) => Page::of_error(&e, 0).seen_by(&visit.visitor).into_response(),
    }
}

fn sign_in_page(app: &App, visit: &Visit, to: Option<&str>, wrong: Option<ApiError>) -> Page {
    let shows = context! {
        open => is_open(app), who => visit.who(), to => way_back(to), minutes => LINK_VALID.as_secs() / 60,
    };
    let status = wrong.as_ref().map_or(StatusCode::OK, |e| e.status);
    let page =
        Page { status, wrong: wrong.map(|e| sentence(&e.message)), ..Page::new("sign_in.html", "Sign in", shows) };
    page.seen_by(&visit.visitor)
}

/// `POST /sign-in`: with a key.
pub async fn with_key(State(app): State<App>, visit: Visit, request: Request) -> Result<Response, ApiError> {
    if is_open(&app) {
        return Ok(go_to("./"));
    }
    let form = Form::read(&app, request).await?;
    let (key, to) = (form.field("key").trim().to_string(), form.field("to").to_string());
    let refused = match app.engine()?.caller_of_key(&key, Moment::now()) {
        Ok(caller) => {
            let Visit { browser, brought, .. } = &visit;
            let (browser, brought) = (browser.clone(), brought.clone());
            match app.blocking(move |engine| engine.begin_session(&caller, &browser, brought.as_ref())).await {
                Ok(secret) => return Ok(signed_in(&visit, &secret, &format!(".{}", way_back(Some(&to))))),
                // It was revoked in this moment.
                Err(e) if e.status == StatusCode::NOT_FOUND => unauthorized("the key was revoked"),
                Err(e) => return Err(e),
            }
        }
        Err(KeyRefused::Expired(until)) => unauthorized(&format!("the key expired at {until}; ask for another")),
        Err(KeyRefused::Wrong) if key.is_empty() => unauthorized("paste your key into the field"),
        Err(KeyRefused::Wrong) => {
            let wrong = || unauthorized("this is no key of this service, or it was revoked. A key begins with pk_");
            guessed_by(&app, visit.client, wrong)
        }
    };
    Ok(sign_in_page(&app, &visit, Some(&to), Some(refused)).into_response())
}

/// `GET /sign-in/{token}`: shows what the link does, and changes nothing.
pub async fn link(State(app): State<App>, visit: Visit, Id(token): Id) -> Result<Response, ApiError> {
    if is_open(&app) {
        return Ok(go_to("../"));
    }
    let state = match Secret::parse(&token) {
        Some(link) => app.blocking(move |engine| engine.look_at_link(&link)).await?,
        None => LinkState::Unknown,
    };
    Ok(match state {
        LinkState::Good(reader) => {
            let shows = context! { reader => reader.as_str(), who => visit.who() };
            Page { depth: 1, ..Page::new("link.html", "Sign in", shows) }.seen_by(&visit.visitor).into_response()
        }
        state => bad_link(&app, &visit, &state),
    })
}

/// `POST /sign-in/{token}`: signs in, once.
pub async fn with_link(State(app): State<App>, visit: Visit, Id(token): Id) -> Result<Response, ApiError> {
    if is_open(&app) {
        return Ok(go_to("../"));
    }
    let Some(link) = Secret::parse(&token) else { return Ok(bad_link(&app, &visit, &LinkState::Unknown)) };
    let (browser, brought) = (visit.browser.clone(), visit.brought.clone());
    Ok(match app.blocking(move |engine| engine.sign_in_by_link(&link, &browser, brought.as_ref())).await? {
        Ok(secret) => signed_in(&visit, &secret, "../"),
        Err(state) => bad_link(&app, &visit, &state),
    })
}

fn bad_link(app: &App, visit: &Visit, state: &LinkState) -> Response {
    let minutes = LINK_VALID.as_secs() / 60;
    let (status, title, text) = match state {
        LinkState::Used => (
            StatusCode::GONE,
            "This link was used",
            "Somebody has signed in with this link already, and it works once. If that was not you, tell whoever runs this \
             service. To sign in again, ask for another link."
                .to_string(),
        ),
        LinkState::Expired => (
            StatusCode::GONE,
            "This link is too old",
            format!("A sign-in link is good for {minutes} minutes. Ask for another one."),
        ),
        LinkState::Good(_) | LinkState::Unknown => {
            let wrong = || unauthorized("this is no sign-in link of this service. Is the whole address there?");
            let e = guessed_by(app, visit.client, wrong);
            (e.status, "This link opens nothing", sentence(&e.message))
        }
    };
    let way = ("../sign-in", "Sign in another way");
    Page { depth: 1, ..Page::told(status, title, text, way) }.seen_by(&visit.visitor).into_response()
}

/// `GET /sign-out`
pub async fn ask_to_sign_out(State(app): State<App>, visit: Visit) -> Response {
    if is_open(&app) || visit.brought.is_none() {
        return go_to("sign-in");
    }
    Page::new("sign_out.html", "Sign out", context! { who => visit.who() }).seen_by(&visit.visitor).into_response()
}

/// `POST /sign-out`
pub async fn sign_out(State(app): State<App>, visit: Visit) -> Result<Response, ApiError> {
    if let Some(secret) = visit.brought.clone() {
        app.blocking(move |engine| engine.sign_out(&secret)).await?;
    }
    Ok(signed_out(&visit))
}

/// The browser forgets its session, and shows where to sign in.
pub fn signed_out(visit: &Visit) -> Response {
    let mut response = go_to("sign-in");
    response.headers_mut().insert(header::SET_COOKIE, visit.visitor.jar.forget());
    response
}

fn signed_in(visit: &Visit, secret: &Secret, to: &str) -> Response {
    let mut response = go_to(to);
    response.headers_mut().insert(header::SET_COOKIE, visit.visitor.jar.keep(secret));
    response
}

/// Shows another page, to be asked for with GET. The way there is relative.
pub fn go_to(way: &str) -> Response {
    let way = HeaderValue::from_str(way).unwrap_or(HeaderValue::from_static("./"));
    let headers = [(header::LOCATION, way), (header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];
    (StatusCode::SEE_OTHER, headers).into_response()
}

/// Where to go on after signing in: a path of this service, from its root, as it was asked for; else its start. What a browser
/// could take for the address of another site is none.
pub fn way_back(given: Option<&str>) -> String {
    let given = given.unwrap_or_default();
    let one_slash = given.starts_with('/') && !given.starts_with("//");
    let plain = given.bytes().all(|b| b.is_ascii_graphic() && b != b'\\');
    if one_slash && plain && given.len() <= LONGEST_WAY { given.to_string() } else { "/".into() }
}

/// What a browser shows in place of the refusal of a call that somebody made by following a link or typing an address: where to
/// sign in, or that this is not for them. None where it was no browser, or another refusal.
pub fn in_place_of(parts: &Parts, refused: &ApiError) -> Option<Response> {
    let is = |name: &str, wanted: &str| {
        parts.headers.get(name).is_none_or(|value| value.as_bytes().eq_ignore_ascii_case(wanted.as_bytes()))
    };
    let accepts = parts.headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let reads = [Method::GET, Method::HEAD].contains(&parts.method);
    if !reads || !accepts.contains("text/html") || !is("sec-fetch-mode", "navigate") {
        return None;
    }
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    let depth = parts.uri.path().matches('/').count().saturating_sub(1);
    match refused.status {
        StatusCode::UNAUTHORIZED => {
            let to: String =
                form_urlencoded::Serializer::new(String::new()).append_pair("to", &way_back(Some(path))).finish();
            Some(go_to(&format!("{}sign-in?{to}", root(depth))))
        }
        StatusCode::FORBIDDEN => {
            let way = format!("{}sign-in", root(depth));
            let way = (way.as_str(), "Sign in as somebody else");
            let page = Page::told(refused.status, "This is not for you", sentence(&refused.message), way);
            Some(Page { depth, ..page }.into_response())
        }
        StatusCode::SERVICE_UNAVAILABLE => Some(Page::of_error(refused, depth).into_response()),
        _ => None,
    }
}

fn unauthorized(message: &str) -> ApiError {
    ApiError::new(StatusCode::UNAUTHORIZED, message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_way_back_leads_to_no_other_site() {
        for own in ["/", "/v1/users/ada/feed?limit=3", "/for-you?interest=i2", "/a//b", "/%2F%2Fevil.example"] {
            assert_eq!(way_back(Some(own)), own);
        }
        for other in [
            "",
            "x",
            "//evil.example",
            "///evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "https://evil.example",
            "javascript:alert(1)",
            "/\t/evil.example",
            "/\n/evil.example",
            "/a\r\nset-cookie: x=1",
            " //evil.example",
            "/ü",
        ] {
            assert_eq!(way_back(Some(other)), "/", "{other:?}");
        }
        assert_eq!(way_back(Some(&format!("/{}", "a".repeat(LONGEST_WAY)))), "/");
    }

    proptest! {
        /// However it is written, a browser that follows `.` and the way stays at the service.
        #[test]
        fn whatever_is_given_as_the_way_back_stays_here(given in "[/\\\\.:a-z@?#%\t\n ]{0,12}") {
            let way = format!(".{}", way_back(Some(&given)));
            prop_assert!(way.starts_with("./") && !way.starts_with(".//"));
            prop_assert!(way.bytes().all(|b| b.is_ascii_graphic() && b != b'\\'));
        }
    }

    #[test]
    fn browsers_are_led_to_the_sign_in_page_and_programs_are_not() {
        let refused = |status| ApiError::new(status, "no <b>");
        let ask = |method: &str, path: &str, headers: &[(&str, &str)], status| {
            let mut builder = axum::http::Request::builder().method(method).uri(path);
            for (name, value) in headers {
                builder = builder.header(*name, *value);
            }
            let (parts, ()) = builder.body(()).expect("a request").into_parts();
            in_place_of(&parts, &refused(status))
        };
        let html = ("accept", "text/html,application/xhtml+xml");
        let led = ask("GET", "/v1/users/a%2Fb/feed?x=1&y=2", &[html], StatusCode::UNAUTHORIZED).expect("led");
        assert_eq!(led.status(), StatusCode::SEE_OTHER);
        let to = "../../../sign-in?to=%2Fv1%2Fusers%2Fa%252Fb%2Ffeed%3Fx%3D1%26y%3D2";
        assert_eq!(led.headers()[header::LOCATION], to);
        let top = ask("GET", "/sessions", &[html], StatusCode::UNAUTHORIZED).expect("led");
        assert_eq!(top.headers()[header::LOCATION], "./sign-in?to=%2Fsessions");
        let told =
            ask("GET", "/v1/jobs", &[html, ("sec-fetch-mode", "navigate")], StatusCode::FORBIDDEN).expect("told");
        assert_eq!(told.status(), StatusCode::FORBIDDEN);
        assert!(ask("GET", "/v1/jobs", &[], StatusCode::UNAUTHORIZED).is_none());
        assert!(ask("GET", "/v1/jobs", &[("accept", "*/*")], StatusCode::UNAUTHORIZED).is_none());
        assert!(ask("GET", "/v1/jobs", &[html, ("sec-fetch-mode", "cors")], StatusCode::UNAUTHORIZED).is_none());
        assert!(ask("POST", "/v1/jobs", &[html], StatusCode::UNAUTHORIZED).is_none());
        assert!(ask("GET", "/v1/jobs", &[html], StatusCode::TOO_MANY_REQUESTS).is_none());
    }
}
