//! The ids of arXiv: `2405.13729v2` since April 2007, `hep-th/9901001` before.

use super::Identifier;

/// The archives that papers were filed under before 2007. Without them, words and numbers with a stroke between them would
/// be taken for ids.
const ARCHIVES: &[&str] = &[
    "acc-phys", "adap-org", "alg-geom", "ao-sci", "astro-ph", "atom-ph", "bayes-an", "chao-dyn", "chem-ph", "cmp-lg",
    "comp-gas", "cond-mat", "cs", "dg-ga", "funct-an", "gr-qc", "hep-ex", "hep-lat", "hep-ph", "hep-th", "math",
    "math-ph", "mtrl-th", "nlin", "nucl-ex", "nucl-th", "patt-sol", "physics", "plasm-ph", "q-alg", "q-bio",
    "quant-ph", "solv-int", "supr-con",
];

/// The id that a text begins with, and its length.
pub fn read(text: &str) -> Option<(Identifier, usize)> {
    new(text).or_else(|| old(text, false))
}

/// An id since 2007: four digits, of which the last two are a month, a dot, four or five digits.
pub fn new(text: &str) -> Option<(Identifier, usize)> {
    let (month, rest) = (text.get(..4)?, text.get(4..)?.strip_prefix('.')?);
    let number = digits(rest);
    if digits(month) != 4 || !is_month(month) || !(4..=5).contains(&number) {
        return None;
    }
    let len = 5 + number;
    let (version, end) = version(&text[len..]);
    ends(&text[len + end..]).then(|| {
        let identifier = Identifier::new("arxiv", &text[..len]).of_version(version);
        (identifier, len + end)
    })
}

/// An id of before: archive, perhaps with a class that counts for nothing (`math.GT/0309136`), and seven digits. `known`
/// asks for one of the archives there were.
pub fn old(text: &str, known: bool) -> Option<(Identifier, usize)> {
    let stroke = text.bytes().take(24).position(|b| b == b'/')?;
    let (name, number) = (text.get(..stroke)?, text.get(stroke + 1..)?);
    let archive = name.split_once('.').map_or(name, |(archive, _)| archive).to_ascii_lowercase();
    let shaped = archive.len() >= 2 && name.bytes().all(|b| b.is_ascii_alphabetic() || matches!(b, b'-' | b'.'));
    if !shaped || (known && !ARCHIVES.contains(&archive.as_str())) {
        return None;
    }
    if digits(number) != 7 || !is_month(&number[..4]) {
        return None;
    }
    let (version, end) = version(&number[7..]);
    ends(&number[7 + end..]).then(|| {
        let identifier = Identifier::new("arxiv", &format!("{archive}/{}", &number[..7])).of_version(version);
        (identifier, stroke + 8 + end)
    })
}

/// Whether the number has the length that ids have had since 2015, and stands for a month since.
pub fn is_of_today(identifier: &Identifier) -> bool {
    let id = identifier.key().strip_prefix("arxiv:").unwrap_or_default();
    id.len() == 10 && id.get(..4).is_some_and(|month| month >= "1501")
}

/// The number of a version at the beginning of a text, and its length; a blank may stand in front.
fn version(text: &str) -> (Option<u32>, usize) {
    let bare = text.strip_prefix(' ').unwrap_or(text);
    let Some(number) = bare.strip_prefix(['v', 'V']) else { return (None, 0) };
    let n = digits(number);
    if !(1..=3).contains(&n) || !ends(&number[n..]) {
        return (None, 0);
    }
    (number[..n].parse().ok(), text.len() - number.len() + n)
}

/// Whether an id may end before this text: no longer number and no longer word.
fn ends(rest: &str) -> bool {
    let mut chars = rest.chars();
    match (chars.next(), chars.next()) {
        (Some('.' | '-' | '/'), Some(c)) if c.is_ascii_digit() => false,
        (Some(c), _) => !c.is_alphanumeric(),
        (None, _) => true,
    }
}

fn digits(text: &str) -> usize {
    text.bytes().take_while(u8::is_ascii_digit).count()
}

/// Whether `yymm` ends in a month.
fn is_month(yymm: &str) -> bool {
    yymm.get(2..4).and_then(|mm| mm.parse::<u32>().ok()).is_some_and(|mm| (1..=12).contains(&mm))
}
