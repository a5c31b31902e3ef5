//! Formulas as text: `$x_1$` is `x₁`, `$\frac{a}{2}$` is `a/2`.

use std::borrow::Cow;
use std::panic::AssertUnwindSafe;

use pulldown_latex::event::{Content, EnvironmentFlow, Event, Grouping, ScriptType, Visual};
use pulldown_latex::{Parser, Storage};

/// The longest formula that is read as one, in bytes.
const MAX_BYTES: usize = 1000;

/// The deepest braces of one.
const MAX_DEPTH: usize = 32;

/// The most events of one: what comes to more was made by a macro.
const MAX_EVENTS: usize = 4000;

/// Commands that make others: a few of them write thousands of lines.
const MAKERS: &[&str] = &[
    "\\def",
    "\\gdef",
    "\\edef",
    "\\xdef",
    "\\let",
    "\\newcommand",
    "\\renewcommand",
    "\\providecommand",
    "\\futurelet",
];

/// The text of a formula in LaTeX, without the signs around it; `None` when it cannot be read as one.
pub fn text(source: &str) -> Option<String> {
    read(source, |events| {
        let mut walk = Walk { events: events.into_iter() };
        let mut out = String::new();
        while let Some(piece) = walk.element() {
            join(&mut out, &piece);
        }
        Some(tidy(&out))
    })
}

/// A formula with a backslash before every percent sign that has none. To LaTeX such a sign begins a comment; in a title or
/// an abstract, whose lines are no longer those of a file, it is what people write for percent.
pub fn with_percents(source: &str) -> Cow<'_, str> {
    let mut out = String::new();
    let (mut done, mut escaped) = (0, false);
    for (k, byte) in source.bytes().enumerate() {
        if byte == b'%' && !escaped {
            out.push_str(&source[done..k]);
            out.push('\\');
            done = k;
        }
        escaped = byte == b'\\' && !escaped;
    }
    if done == 0 && out.is_empty() {
        return Cow::Borrowed(source);
    }
    out.push_str(&source[done..]);
    Cow::Owned(out)
}

/// What `made` makes of the parts of a formula in LaTeX, without the signs around it; `None` when it cannot be read as one, is
/// too long or deep, or makes commands. Percent signs are read as such, not as comments. A panic of the parser or of `made`
/// counts as that.
pub fn read<T>(source: &str, made: impl FnOnce(Vec<Event<'_>>) -> Option<T>) -> Option<T> {
    let mut depth = 0usize;
    for byte in source.bytes() {
        match byte {
            b'{' => depth += 1,
            b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > MAX_DEPTH {
            return None;
        }
    }
    if source.len() > MAX_BYTES || MAKERS.iter().any(|maker| source.contains(maker)) {
        return None;
    }
    // Nobody has proved that the parser never panics, and one formula must not cost a reader their corpus.
    let read = std::panic::catch_unwind(AssertUnwindSafe(|| {
        let storage = Storage::new();
        // What stands below or above nothing stands beside the word before it.
        let mut source = with_percents(source);
        if source.trim_start().starts_with(['_', '^']) {
            source.to_mut().insert_str(0, "{}");
        }
        let source: &str = &source;
        let mut events = Vec::new();
        for event in Parser::new(source, &storage) {
            events.push(event.ok()?);
            if events.len() > MAX_EVENTS {
                return None;
            }
        }
        // The parser gives texts and names as they are written.
        let texts: Vec<Option<String>> = events.iter().map(percents_of).collect();
        for (event, text) in events.iter_mut().zip(&texts) {
            if let (Event::Content(Content::Text(old) | Content::Function(old)), Some(text)) = (event, text) {
                *old = text;
            }
        }
        made(events)
    }));
    read.ok().flatten()
}

/// A text or a name in which a percent sign is written with its backslash, without that.
fn percents_of(event: &Event<'_>) -> Option<String> {
    match event {
        Event::Content(Content::Text(text) | Content::Function(text)) if text.contains("\\%") => {
            Some(text.replace("\\%", "%"))
        }
        _ => None,
    }
}

/// The sign that a command without arguments stands for: `alpha` gives `α`.
pub fn sign(name: &str) -> Option<String> {
    let text = if name.len() <= 32 { text(&format!("\\{name}"))? } else { return None };
    (!text.is_empty()).then_some(text)
}

/// Single blanks, and none at the ends.
fn tidy(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

struct Walk<'a> {
    events: std::vec::IntoIter<Event<'a>>,
}

impl Walk<'_> {
    /// The text of the next element; none at the end of a group and of all.
    fn element(&mut self) -> Option<String> {
        Some(match self.events.next()? {
            Event::End => return None,
            Event::Content(content) => self::content(content),
            Event::Begin(grouping) => {
                let mut inner = String::new();
                while let Some(piece) = self.element() {
                    join(&mut inner, &piece);
                }
                match grouping {
                    Grouping::LeftRight(left, right) => {
                        let sign = |c: Option<char>| c.map(String::from).unwrap_or_default();
                        format!("{}{}{}", sign(left), inner.trim(), sign(right))
                    }
                    _ => inner,
                }
            }
            Event::Visual(visual) => match visual {
                Visual::SquareRoot => root("", &self.next()),
                Visual::Root => {
                    let (radicand, index) = (self.next(), self.next());
                    root(&index, &radicand)
                }
                Visual::Fraction(_) => {
                    let (above, below) = (self.next(), self.next());
                    fraction(&above, &below)
                }
                // Composed with the sign before it where there is such a letter.
                Visual::Negation => {
                    let inner = self.next();
                    let end = inner.trim_end().len();
                    format!("{}\u{338}{}", &inner[..end], &inner[end..])
                }
            },
            Event::Script { ty, .. } => {
                let base = self.next();
                match ty {
                    ScriptType::Subscript => scripts(&base, &self.next(), ""),
                    ScriptType::Superscript => scripts(&base, "", &self.next()),
                    ScriptType::SubSuperscript => {
                        let (below, above) = (self.next(), self.next());
                        scripts(&base, &below, &above)
                    }
                }
            }
            Event::Space { width, .. } => match width {
                Some(width) if width.value > 0.0 => " ".into(),
                _ => String::new(),
            },
            Event::EnvironmentFlow(EnvironmentFlow::Alignment | EnvironmentFlow::NewLine { .. }) => " ".into(),
            Event::EnvironmentFlow(_) | Event::StateChange(_) => String::new(),
        })
    }

    fn next(&mut self) -> String {
        self.element().unwrap_or_default()
    }
}

fn content(content: Content<'_>) -> String {
    match content {
        Content::Text(text) | Content::Number(text) => text.to_string(),
        Content::Function(name) => format!(" {name} "),
        // The parser gives the sign for a millionth where the Greek letter is meant.
        Content::Ordinary { content: '\u{b5}', .. } => "μ".into(),
        Content::Ordinary { content, .. } | Content::Delimiter { content, .. } => content.to_string(),
        Content::LargeOp { content, .. } => format!("{content} "),
        Content::BinaryOp { content, .. } => operator(content),
        Content::Relation { content, .. } => {
            let mut buffer = [0; 8];
            format!(" {} ", String::from_utf8_lossy(content.encode_utf8_to_buf(&mut buffer)))
        }
        Content::Punctuation(sign) => format!("{sign} "),
    }
}

/// A sign between two things, close where a keyboard has it.
fn operator(sign: char) -> String {
    match sign {
        '−' => "-".into(),
        c if c.is_ascii() => c.to_string(),
        c => format!(" {c} "),
    }
}

/// Adds a piece of a formula: Greek letters part from letters beside them, for they are words of their own.
pub fn join(out: &mut String, piece: &str) {
    let (Some(last), Some(first)) = (out.chars().next_back(), piece.chars().next()) else {
        out.push_str(piece);
        return;
    };
    if (is_greek(last) && first.is_alphabetic()) || (last.is_alphabetic() && is_greek(first)) {
        out.push(' ');
    }
    out.push_str(piece);
}

/// Adds a leaf of MathML, which may be a word: words part from letters beside them. What relates parts from both sides.
pub fn join_leaf(out: &mut String, piece: &str) {
    let piece = piece.trim_matches(|c: char| c.is_whitespace() || matches!(c, '\u{2061}'..='\u{2064}'));
    let word = |text: &str| text.chars().rev().take_while(|c| c.is_alphabetic()).count() > 1;
    let letters = piece.starts_with(char::is_alphabetic) && out.ends_with(char::is_alphabetic);
    let mut signs = piece.chars();
    match (signs.next(), signs.next()) {
        (Some(c), None) if "=<>≤≥≈∼≃≅≡≠∈∉⊂⊆→←↔⇒⇔∝≪≫".contains(c) => {
            *out += &format!(" {c} ")
        }
        (Some(c), None) if "−±×÷⊗⊕∘·∪∩∧∨".contains(c) => *out += &operator(c),
        _ => {
            if letters && (word(out) || piece.chars().count() > 1) {
                out.push(' ');
            }
            join(out, piece);
        }
    }
}

/// A base with what stands below and above it.
pub fn scripts(base: &str, below: &str, above: &str) -> String {
    let mut out = base.trim_end().to_string();
    let squeezed = |text: &str| text.split_whitespace().collect::<String>();
    let (below, above) = (squeezed(below), squeezed(above));
    if !below.is_empty() {
        match lowered(&below) {
            Some(below) => out.push_str(&below),
            None => out += &format!("_{below}"),
        }
    }
    if !above.is_empty() {
        let direct = |c: char| matches!(c, '′' | '″' | '‴' | '\'' | '*' | '∗' | '†' | '‡' | '°');
        match raised(&above) {
            Some(above) => out.push_str(&above),
            None if above == "∘" => out.push('°'),
            None if above.chars().all(direct) || ["th", "st", "nd", "rd"].contains(&above.as_str()) => {
                out.push_str(&above);
            }
            None => out += &format!("^{above}"),
        }
    }
    // What relates keeps its distance.
    if base.ends_with(' ') {
        out.push(' ');
    }
    out
}

/// A fraction on one line.
pub fn fraction(above: &str, below: &str) -> String {
    let wrapped = |text: &str| {
        let text = text.trim();
        if text.chars().all(|c| c.is_alphanumeric() || c == '.') { text.to_string() } else { format!("({text})") }
    };
    format!("{}/{}", wrapped(above), wrapped(below))
}

/// A root on one line.
pub fn root(index: &str, radicand: &str) -> String {
    let (index, radicand) = (index.trim(), radicand.trim());
    let index = raised(index).unwrap_or_else(|| index.to_string());
    let close = radicand.chars().all(char::is_alphanumeric);
    if close { format!("{index}√{radicand}") } else { format!("{index}√({radicand})") }
}

/// Digits and their signs as subscripts; `None` where something has none.
pub fn lowered(text: &str) -> Option<String> {
    text.chars()
        .map(|c| match c {
            '0'..='9' => char::from_u32('₀' as u32 + c as u32 - '0' as u32),
            '+' => Some('₊'),
            '-' | '−' | '–' => Some('₋'),
            _ => None,
        })
        .collect()
}

/// The same as superscripts.
pub fn raised(text: &str) -> Option<String> {
    text.chars()
        .map(|c| match c {
            '1' => Some('¹'),
            '2' => Some('²'),
            '3' => Some('³'),
            '0' | '4'..='9' => char::from_u32('⁰' as u32 + c as u32 - '0' as u32),
            '+' => Some('⁺'),
            '-' | '−' | '–' => Some('⁻'),
            _ => None,
        })
        .collect()
}

fn is_greek(c: char) -> bool {
    matches!(c, '\u{370}'..='\u{3ff}')
}
