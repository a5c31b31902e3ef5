//! What a reader follows: a search, or a name.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::paper::{head, is_invisible};

/// The longest text of a search that can be followed, and of a name, in bytes.
const LONGEST_QUERY: usize = 2_000;
const LONGEST_NAME: usize = 256;

/// What a reader wants to hear of whenever something new comes of it: the papers that a search finds, or those of an author, a
/// category, an organization or a theme. In JSON an object of one field, `{"author": "Ada Lovelace"}`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Follow {
    /// Words, as they are given to `/v1/search`; at most 2,000 bytes.
    Query(String),
    /// A name, as filters take it; at most 256 bytes, as the names below.
    Author(String),
    /// A category, `cs.LG`, or an archive, `cs`.
    Category(String),
    /// An organization, as papers give it.
    Organization(String),
    /// The id of a theme, `t12`.
    Theme(String),
}

impl Follow {
    /// One of a kind with a text, which is not looked at.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a kind that there is not.
    pub fn of(kind: &str, text: String) -> Result<Self> {
        Ok(match kind {
            "query" => Follow::Query(text),
            "author" => Follow::Author(text),
            "category" => Follow::Category(text),
            "organization" => Follow::Organization(text),
            "theme" => Follow::Theme(text),
            other => return Err(Error::Invalid(format!("nothing is followed by {:?}", head(other, 40)))),
        })
    }

    /// What kind it is: the name of its field.
    pub fn kind(&self) -> &'static str {
        match self {
            Follow::Query(_) => "query",
            Follow::Author(_) => "author",
            Follow::Category(_) => "category",
            Follow::Organization(_) => "organization",
            Follow::Theme(_) => "theme",
        }
    }

    /// Its text.
    pub fn text(&self) -> &str {
        match self {
            Follow::Query(text)
            | Follow::Author(text)
            | Follow::Category(text)
            | Follow::Organization(text)
            | Follow::Theme(text) => text,
        }
    }

    /// Checks its text.
    ///
    /// # Errors
    /// [`Error::Invalid`] when nothing of it is seen, when it is too long, or a name with control characters.
    pub fn check(&self) -> Result<()> {
        let (kind, text) = (self.kind(), self.text());
        let most = if matches!(self, Follow::Query(_)) { LONGEST_QUERY } else { LONGEST_NAME };
        if !is_seen(text) {
            return Err(Error::Invalid(format!("the {kind} is empty")));
        }
        if text.len() > most {
            return Err(Error::Invalid(format!("the {kind} has {} bytes; {most} are allowed", text.len())));
        }
        if !matches!(self, Follow::Query(_)) && text.chars().any(char::is_control) {
            return Err(Error::Invalid(format!("the {kind} {:?} holds control characters", head(text, 60))));
        }
        Ok(())
    }
}

/// Whether anything of a text is to be seen: what nobody sees is no part of a search or a name (zero-width spaces, soft hyphens,
/// marks of order, and the forms of characters that are not there).
pub fn is_seen(text: &str) -> bool {
    text.chars().any(|c| !c.is_whitespace() && !is_invisible(c) && !matches!(c, '\u{fe00}'..='\u{fe0f}'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_an_object_of_one_field() {
        let follow = Follow::Author("Ada Lovelace".into());
        let json = serde_json::to_value(&follow).expect("JSON");
        assert_eq!(json, serde_json::json!({"author": "Ada Lovelace"}));
        assert_eq!(serde_json::from_value::<Follow>(json).expect("read"), follow);
        assert_eq!(Follow::of(follow.kind(), follow.text().into()).expect("read"), follow);
        for wrong in [r#"{"editor": "x"}"#, r#"{"author": "x", "query": "y"}"#, r#"{}"#, r#""author""#] {
            assert!(serde_json::from_str::<Follow>(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_is_followed_has_a_text_within_bounds() {
        assert!(Follow::Query("\u{200b}cats".into()).check().is_ok());
        assert!(Follow::Query("line one\nline two".into()).check().is_ok());
        let long = "x".repeat(LONGEST_NAME + 1);
        for (follow, word) in [
            (Follow::Query(" \n".into()), "query is empty"),
            (Follow::Query("\u{200b}".into()), "query is empty"),
            (Follow::Query(" \u{ad}\u{2060}\u{fe0f} ".into()), "query is empty"),
            (Follow::Author("\u{feff}\u{200d}".into()), "author is empty"),
            (Follow::Query("x".repeat(LONGEST_QUERY + 1)), "2000 are allowed"),
            (Follow::Author(long), "256 are allowed"),
            (Follow::Theme("t1\r\nBcc: x".into()), "control characters"),
        ] {
            let e = follow.check().expect_err(word).to_string();
            assert!(e.contains(word), "{e}");
        }
    }
}
