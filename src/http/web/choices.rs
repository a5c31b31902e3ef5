//! What somebody chose for their browser: light or dark, cards or lines, and as whom they read where nobody signs in. It is kept
//! in one cookie, so that a page is right from its first byte, without scripts as well.

use axum::http::{HeaderMap, HeaderValue, header};
use cookie::{Cookie, SameSite};
use serde::Serialize;

use crate::error::{Error, Result};
use crate::http::access::Jar;
use crate::paper::head;

/// The longest name of a reader is 256 bytes; written as in an address that may be three times as long.
const LONGEST: usize = 1_200;

/// How long it is kept: browsers keep none longer than this.
const DAYS: i64 = 400;

/// What was chosen. Empty texts stand for what was not.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Choices {
    /// As whom they read. It proves nothing.
    pub reader: String,
    /// `light` or `dark`; else as the system has it.
    pub theme: String,
    /// `cards` or `lines`: how papers are shown.
    pub look: String,
    /// `theme` where the day is grouped by themes.
    pub by: String,
    /// The order of the day: `me`, `votes`, `trending` or `date`.
    pub sort: String,
}

impl Choices {
    /// Those that a browser brings. What is none of the words above counts as not chosen.
    pub fn of(headers: &HeaderMap, jar: Jar) -> Self {
        let name = name(jar);
        let given = headers.get_all(header::COOKIE).into_iter().filter_map(|value| value.to_str().ok());
        let mut all = given.flat_map(Cookie::split_parse).flatten().filter(|cookie| cookie.name() == name);
        all.next().filter(|cookie| cookie.value().len() <= LONGEST).map(|c| Self::read(c.value())).unwrap_or_default()
    }

    fn read(text: &str) -> Self {
        let mut choices = Choices::default();
        for (name, value) in form_urlencoded::parse(text.as_bytes()) {
            // What an older or newer version wrote counts for nothing.
            let _ = choices.set(&name, &value);
        }
        choices
    }

    /// Chooses something by its name, or nothing where `value` is empty.
    ///
    /// # Errors
    /// [`Error::BadRequest`] for a value that is none of the words there are, and for what nobody can choose; nothing changes then.
    pub fn set(&mut self, name: &str, value: &str) -> Result<()> {
        let (place, words): (_, &[&str]) = match name {
            "reader" => {
                self.reader = value.to_string();
                return Ok(());
            }
            "theme" => (&mut self.theme, &["light", "dark"]),
            "look" => (&mut self.look, &["cards", "lines"]),
            "by" => (&mut self.by, &["flat", "theme"]),
            "sort" => (&mut self.sort, &["me", "votes", "trending", "date"]),
            _ => {
                return Err(Error::BadRequest(format!(
                    "there is nothing to choose that is called {:?}",
                    head(name, 40)
                )));
            }
        };
        if !value.is_empty() && !words.contains(&value) {
            return Err(Error::BadRequest(format!("{name} is {:?}; it is {}", head(value, 40), words.join(" or "))));
        }
        *place = value.to_string();
        Ok(())
    }

    /// Has a browser keep them.
    pub fn keep(&self, jar: Jar) -> HeaderValue {
        let all = [
            ("reader", &self.reader),
            ("theme", &self.theme),
            ("look", &self.look),
            ("by", &self.by),
            ("sort", &self.sort),
        ];
        let mut text = form_urlencoded::Serializer::new(String::new());
        all.iter().filter(|(_, value)| !value.is_empty()).for_each(|(name, value)| {
            text.append_pair(name, value);
        });
        let cookie = Cookie::build((name(jar), text.finish()))
            .path("/")
            .http_only(true)
            .same_site(SameSite::Lax)
            .secure(jar == Jar::Secure)
            .max_age(cookie::time::Duration::days(DAYS));
        // Of letters, digits and signs that a header may hold: making it cannot fail.
        HeaderValue::from_str(&cookie.build().to_string()).unwrap_or(HeaderValue::from_static(""))
    }
}

/// What it is called; browsers know of no ports, so that two services on one machine share nothing.
fn name(jar: Jar) -> String {
    match jar {
        Jar::Secure => "__Host-paperkin-choices".into(),
        Jar::Plain(port) => format!("paperkin-choices-{port}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_chosen_comes_back_and_nothing_else() {
        let jar = Jar::Plain(7878);
        let chosen = Choices {
            reader: "ada; Ж & <b>=\"x\"".into(),
            theme: "dark".into(),
            look: "lines".into(),
            by: "theme".into(),
            sort: "me".into(),
        };
        let sent = chosen.keep(jar);
        let pair = sent.to_str().expect("text").split("; ").next().expect("a pair").to_string();
        let mut headers = HeaderMap::new();
        headers.insert(header::COOKIE, HeaderValue::from_str(&format!("a=b; {pair}; c")).expect("a header"));
        assert_eq!(Choices::of(&headers, jar), chosen);
        assert_eq!(Choices::of(&headers, Jar::Plain(1)), Choices::default());
        let mut none = Choices::default();
        assert!(none.set("look", "<script>").is_err() && none.set("x", "y").is_err() && none == Choices::default());
        assert_eq!(
            Choices::read("theme=red&look=<script>&x=y&sort=votes"),
            Choices { sort: "votes".into(), ..Choices::default() }
        );
    }
}
