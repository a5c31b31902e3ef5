//! Formulas as MathML Core. Whoever wrote it, only what is listed here gets through.

use std::borrow::Cow;
use std::collections::HashSet;
use std::convert::Infallible;
use std::sync::LazyLock;

use ammonia::Builder;
use pulldown_latex::RenderConfig;
use pulldown_latex::event::{Content, Event};
use pulldown_latex::mathml::write_mathml;

/// The elements that a formula may have.
pub const ELEMENTS: [&str; 27] = [
    "math",
    "mrow",
    "mi",
    "mn",
    "mo",
    "mtext",
    "ms",
    "mspace",
    "msub",
    "msup",
    "msubsup",
    "munder",
    "mover",
    "munderover",
    "mmultiscripts",
    "mprescripts",
    "mfrac",
    "msqrt",
    "mroot",
    "mstyle",
    "mpadded",
    "mphantom",
    "mtable",
    "mtr",
    "mtd",
    "merror",
    "semantics",
];

/// The attributes that any of them may have. Style sheets and addresses are none.
pub const ATTRIBUTES: [&str; 20] = [
    "display",
    "width",
    "height",
    "depth",
    "voffset",
    "stretchy",
    "symmetric",
    "fence",
    "largeop",
    "movablelimits",
    "mathvariant",
    "linethickness",
    "accent",
    "accentunder",
    "lspace",
    "rspace",
    "minsize",
    "maxsize",
    "displaystyle",
    "scriptlevel",
];

/// Elements that are left out with what is in them.
const DROPPED: [&str; 4] = ["annotation", "annotation-xml", "script", "style"];

/// Elements that browsers do not show as what they mean.
const UNSHOWN: [&str; 3] = ["mfenced", "menclose", "maction"];

/// The longest formula that was sent as MathML, in bytes, and the deepest.
const MAX_SENT: usize = 10_000;
const MAX_DEPTH: usize = 40;

/// The greatest length in any unit: more would push the page apart.
const MAX_LENGTH: f32 = 20.0;

static CLEANER: LazyLock<Builder<'static>> = LazyLock::new(|| {
    let mut builder = Builder::empty();
    builder
        .tags(HashSet::from(ELEMENTS))
        .clean_content_tags(HashSet::from(DROPPED))
        .generic_attributes(HashSet::from(ATTRIBUTES))
        .tag_attributes(Default::default())
        .attribute_filter(|_, _, value| modest(value).then_some(Cow::Borrowed(value)));
    builder
});

/// Whether an attribute says a word, or a length that is not too great.
fn modest(value: &str) -> bool {
    let number = value.trim_end_matches(|c: char| c.is_ascii_alphabetic() || c == '%');
    let word = value.len() <= 24 && value.bytes().all(|b| b.is_ascii_alphanumeric() || b"-.%+".contains(&b));
    word && (number.is_empty() || number.parse().is_ok_and(|length: f32| length.abs() <= MAX_LENGTH))
}

/// A formula that was read from LaTeX.
pub fn made(events: Vec<Event<'_>>) -> Option<String> {
    // The writer does not escape the names of functions.
    let raw =
        |event: &Event<'_>| matches!(event, Event::Content(Content::Function(name)) if name.contains(['<', '>', '&']));
    if events.iter().any(raw) {
        return None;
    }
    let mut out = Vec::new();
    write_mathml(&mut out, events.into_iter().map(Ok::<_, Infallible>), RenderConfig::default()).ok()?;
    let made = cleaned(&String::from_utf8(out).ok()?)?;
    // In a line is what it is without being said.
    Some(bare(made.replacen(" display=\"inline\"", "", 1)))
}

/// MathML without rows of one letter or number.
fn bare(made: String) -> String {
    const ROW: &str = "<mrow>";
    let mut out = String::with_capacity(made.len());
    let mut rest = made.as_str();
    while let Some(found) = rest.find(ROW) {
        let (before, row) = (&rest[..found], &rest[found + ROW.len()..]);
        out.push_str(before);
        let leaf = ["mi", "mn"].iter().find_map(|name| {
            let inner = row.strip_prefix(&format!("<{name}>"))?;
            let end = inner.find('<')?;
            let behind = inner[end..].strip_prefix(&format!("</{name}></mrow>"))?;
            Some((&row[..row.len() - behind.len() - "</mrow>".len()], behind))
        });
        match leaf {
            Some((leaf, behind)) => {
                out.push_str(leaf);
                rest = behind;
            }
            None => {
                out.push_str(ROW);
                rest = row;
            }
        }
    }
    out.push_str(rest);
    out
}

/// A formula that was sent as MathML, with any prefix.
pub fn sent(source: &str) -> Option<String> {
    if source.len() > MAX_SENT || UNSHOWN.iter().any(|name| source.contains(name)) {
        return None;
    }
    let mut depth = 0usize;
    for (k, _) in source.match_indices('<') {
        depth = if source[k + 1..].starts_with('/') { depth.saturating_sub(1) } else { depth + 1 };
        let empty = source[k..].find('>').is_some_and(|end| source[k..k + end].ends_with('/'));
        depth -= usize::from(empty && depth > 0);
        if depth > MAX_DEPTH {
            return None;
        }
    }
    let name = source.strip_prefix('<')?.split(['>', ' ', '\t', '\r', '\n', '/']).next()?;
    let mut bare = source.split_whitespace().collect::<Vec<_>>().join(" ").replace("> <", "><");
    if let Some((prefix, _)) = name.split_once(':') {
        bare = bare.replace(&format!("<{prefix}:"), "<").replace(&format!("</{prefix}:"), "</");
    }
    cleaned(&bare)
}

/// MathML of listed elements and attributes alone.
fn cleaned(mathml: &str) -> Option<String> {
    let clean = CLEANER.clean(mathml).to_string();
    (clean.starts_with("<math") && clean.ends_with("</math>")).then_some(clean)
}
