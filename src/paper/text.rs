//! Titles and abstracts as text: markup comes off here and nowhere else.

use std::borrow::Cow;

/// The text of a title or an abstract that may hold JATS, HTML, MathML or LaTeX.
pub fn plain(text: &str) -> Cow<'_, str> {
    Cow::Borrowed(text)
}
