//! Reference lists as people have them: of reference managers, databases, search engines, notes. The format is recognised
//! ([`recognise`]) or the list is refused with the name of what it looks like; nothing of a list that was not understood
//! becomes a reference, and no entry vanishes: each is read, or rejected with its line and the reason. One file a format;
//! all of them fill a [`draft`].
//!
//! To add a format: a file here; its name in [`Format`] (`engine/readers/format.rs`); an arm where formats are read, below; the
//! sign by which it is known in `recognise`.

pub(super) mod bibtex;
mod columns;
pub(super) mod date;
pub(super) mod draft;
pub(super) mod encoding;
pub(super) mod endnote;
pub(super) mod json;
mod lines;
pub(super) mod people;
pub(super) mod pubmed;
pub(super) mod recognise;
pub(super) mod ris;
pub(super) mod table;
mod tagged;
pub(super) mod wos;
pub(super) mod xml;

use std::borrow::Cow;

pub use crate::engine::Format;

use crate::cancel;
use crate::engine::{ReferenceList, RejectedUnit};
use crate::error::{Error, Result};

/// Reads a reference list from a file in whatever encoding: UTF-8, UTF-16, what it says of itself, or what it looks like.
///
/// # Errors
/// Those of [`references`]; [`Error::BadRequest`] for files that are no text, naming what they look like.
pub fn references_from_bytes(bytes: &[u8], format: Format) -> Result<ReferenceList> {
    recognise::binary(bytes)?;
    references(&encoding::decode(bytes), format)
}

/// Reads a reference list. An entry that cannot be read is told with its line (in JSON its place), and the rest goes on. The
/// format that was found is told in the list.
///
/// BibTeX's `@string`, `@comment`, `@preamble`, `@set` and `@xdata` are no entries, nor are the attachments and notes of
/// Zotero.
///
/// # Errors
/// [`Error::BadRequest`] when nothing of the text can be read, saying where, or when its format is none that is known,
/// saying what it looks like; [`Error::Invalid`] when it can be and holds no reference: no entry at all, or none with a
/// title or a name.
pub fn references(text: &str, format: Format) -> Result<ReferenceList> {
    let text = one_line_end(text.trim_start_matches('\u{feff}'));
    recognise::strange(&text)?;
    let format = match format {
        Format::Auto => recognise::recognise(&text)?,
        Format::Ids | Format::Titles => match recognise::structured(&text) {
            // Its lines are no ids and no titles, whatever somebody said.
            Some(other) if other != Format::Csv => {
                let (said, other) = (name_of(format), name_of(other));
                return Err(Error::BadRequest(format!(
                    "this looks like a list in the format `{other}`, not `{said}`; send it as `auto` or `{other}`"
                )));
            }
            _ => format,
        },
        // The names of programs, which write other formats as well.
        Format::Zotero | Format::Pubmed | Format::Endnote | Format::Wos => {
            recognise::structured(&text).unwrap_or(format)
        }
        format => format,
    };
    let is_xml = text.trim_start().starts_with('<');
    let mut list = match format {
        Format::Bibtex => bibtex::bibtex(&text),
        Format::Ris => ReferenceList::of(|list| ris::ris(&text, ris::least_blanks(&text), list)),
        Format::Csl | Format::Zotero => json::json(&text)?,
        Format::Pubmed if is_xml => ReferenceList::of(|list| pubmed::xml(&text, list)),
        Format::Pubmed => ReferenceList::of(|list| pubmed::medline(&text, list)),
        Format::Endnote if is_xml => ReferenceList::of(|list| endnote::xml(&text, list)),
        Format::Endnote => ReferenceList::of(|list| endnote::tagged(&text, text.lines().any(endnote::begins), list)),
        Format::Wos if table::is_wos(&text) => table::table(&text)?,
        Format::Wos => ReferenceList::of(|list| wos::tagged(&text, list)),
        Format::Csv => table::table(&text)?,
        Format::Titles => lines::titles(&text),
        Format::Ids | Format::Auto => lines::ids(&text),
    };
    // Whoever gave it up has no use for a part of it.
    cancel::check()?;
    // Of JSON's two the one found is told.
    if !matches!(format, Format::Csl | Format::Zotero) {
        list.format = format;
    }
    match list.rejected.first() {
        _ if !list.references.is_empty() => Ok(list),
        Some(first) => {
            let unit = match list.rejected_unit {
                RejectedUnit::Line => "line",
                RejectedUnit::Entry => "entry",
            };
            let message = format!("{unit} {}: {}", first.line, first.reason);
            Err(if list.legible { Error::Invalid(message) } else { Error::BadRequest(message) })
        }
        None => Err(Error::Invalid(match recognise::structured(&text) {
            Some(other) if other != format => format!(
                "the file holds no reference in the format `{}`; it looks like `{}`",
                name_of(format),
                name_of(other)
            ),
            _ => "the file holds no reference".into(),
        })),
    }
}

/// A format's name as it is written in requests.
fn name_of(format: Format) -> String {
    serde_json::to_value(format).ok().and_then(|v| Some(v.as_str()?.to_string())).unwrap_or_default()
}

/// A text whose lines end in `\n` alone. Old Macs wrote `\r`.
fn one_line_end(text: &str) -> Cow<'_, str> {
    if !text.contains('\r') {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\r') {
        out.push_str(&rest[..at]);
        out.push('\n');
        rest = &rest[at + 1..];
        rest = rest.strip_prefix('\n').unwrap_or(rest);
    }
    out.push_str(rest);
    Cow::Owned(out)
}

#[cfg(test)]
mod tests;
