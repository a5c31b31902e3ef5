//! Formulas for which signs on a line are enough: `O(n²)`, `x_i`, `α = 0.05`. They are a tenth of their MathML, are broken where a
//! line ends, and are found by who searches the page.

use pulldown_latex::event::{Content, DelimiterType, Event, Font, Grouping, ScriptPosition, ScriptType, StateChange};

use crate::paper::tex;

/// What a part of a formula is to its neighbours.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Class {
    Ordinary,
    Function,
    Binary,
    Relation,
    Opening,
    Closing,
    Punctuation,
}

/// The HTML of a formula; `None` where it takes MathML.
pub fn html(events: &[Event<'_>]) -> Option<String> {
    let mut line = Line { events: events.iter() };
    let (out, _) = line.row(None, false)?;
    Some(out.replace("</i><i>", "").replace("</b><b>", ""))
}

struct Line<'e, 'a> {
    events: std::slice::Iter<'e, Event<'a>>,
}

impl Line<'_, '_> {
    /// The parts up to the end of their group, `tight` without blanks; and the class of one alone.
    fn row(&mut self, font: Option<Font>, tight: bool) -> Option<(String, Class)> {
        let (mut font, mut out) = (font, String::new());
        let mut before: Option<Class> = None;
        let (mut parts, mut only) = (0, Class::Ordinary);
        loop {
            match self.events.as_slice().first() {
                None => break,
                Some(Event::End) => {
                    self.events.next();
                    break;
                }
                Some(Event::StateChange(change)) => {
                    if let StateChange::Font(changed) = change {
                        font = *changed;
                    }
                    self.events.next();
                }
                Some(Event::Space { width, height: None, depth: None }) => {
                    let wide = width.is_some_and(|width| width.value > 0.0);
                    if wide && !tight && !out.is_empty() && !out.ends_with(' ') {
                        out.push(' ');
                    }
                    self.events.next();
                }
                Some(_) => {
                    let (html, mut class) = self.atom(font, tight)?;
                    if html.is_empty() {
                        continue;
                    }
                    let ended = matches!(before, Some(Class::Ordinary | Class::Closing));
                    let last = matches!(self.events.as_slice().first(), None | Some(Event::End));
                    if class == Class::Binary && (!ended || last) {
                        // A sign of what stands beside it.
                        class = Class::Ordinary;
                    }
                    let apart = match (before, class) {
                        (None, _) | (_, Class::Punctuation | Class::Closing) => false,
                        (_, Class::Relation | Class::Binary) => true,
                        (Some(Class::Relation | Class::Binary | Class::Punctuation), _) => true,
                        (Some(Class::Function), class) => class != Class::Opening,
                        (Some(_), class) => class == Class::Function && ended,
                    };
                    if apart && !tight && !out.ends_with(' ') {
                        out.push(' ');
                    }
                    out.push_str(&html);
                    before = Some(class);
                    (parts, only) = (parts + 1, class);
                }
            }
        }
        Some((out, if parts == 1 { only } else { Class::Ordinary }))
    }

    /// One part.
    fn atom(&mut self, font: Option<Font>, tight: bool) -> Option<(String, Class)> {
        match self.events.next()? {
            Event::Content(content) => self::content(content, font),
            Event::Begin(Grouping::Normal) => self.row(font, tight),
            Event::Begin(Grouping::LeftRight(left, right)) => {
                let (inner, _) = self.row(font, tight)?;
                let side = |side: &Option<char>| side.map(escaped).unwrap_or_default();
                Some((format!("{}{inner}{}", side(left), side(right)), Class::Closing))
            }
            Event::Script { ty, position: ScriptPosition::Right | ScriptPosition::Movable } => {
                let (base, class) = self.atom(font, tight)?;
                let (script, _) = self.single(font)?;
                if script.contains("<su") || base.ends_with("</sub>") || base.ends_with("</sup>") {
                    return None;
                }
                let set = match ty {
                    ScriptType::Subscript => tex::lowered(&script).unwrap_or_else(|| format!("<sub>{script}</sub>")),
                    ScriptType::Superscript => raised(&script),
                    ScriptType::SubSuperscript => return None,
                };
                Some((base + &set, class))
            }
            _ => None,
        }
    }

    /// What stands above or below: one part, without blanks.
    fn single(&mut self, font: Option<Font>) -> Option<(String, Class)> {
        // What is set upright there is a word.
        self.atom(font, true)
    }
}

/// What stands above: what is above the line by itself is not raised again.
fn raised(script: &str) -> String {
    match script {
        "∘" => "°".into(),
        "∗" | "*" => "*".into(),
        "†" | "‡" => script.into(),
        primes if primes.chars().all(|c| matches!(c, '′' | '″' | '‴' | '\'')) => primes.into(),
        _ => tex::raised(script).unwrap_or_else(|| format!("<sup>{script}</sup>")),
    }
}

fn content(content: &Content<'_>, font: Option<Font>) -> Option<(String, Class)> {
    Some(match content {
        Content::Text(text) => (html_escape::encode_text(text).into_owned(), Class::Ordinary),
        Content::Number(number) => (faced(&html_escape::encode_text(number), font, false)?, Class::Ordinary),
        Content::Function(name) => (html_escape::encode_text(name).into_owned(), Class::Function),
        Content::Ordinary { content, stretchy: false } => (letter(*content, font)?, Class::Ordinary),
        Content::BinaryOp { content: sign @ '/', .. } => (sign.to_string(), Class::Ordinary),
        Content::BinaryOp { content, small: false } => (escaped(*content), Class::Binary),
        Content::Relation { content, small: false } => {
            let mut buffer = [0; 8];
            let sign = String::from_utf8_lossy(content.encode_utf8_to_buf(&mut buffer)).into_owned();
            // A colon belongs to what stands before it.
            let class = if sign == ":" { Class::Punctuation } else { Class::Relation };
            (html_escape::encode_text(&sign).into_owned(), class)
        }
        Content::Delimiter { content, ty, .. } => {
            let class = match ty {
                DelimiterType::Open => Class::Opening,
                DelimiterType::Close => Class::Closing,
                DelimiterType::Fence => Class::Ordinary,
            };
            (escaped(*content), class)
        }
        Content::Punctuation(sign) => (escaped(*sign), Class::Punctuation),
        _ => return None,
    })
}

fn escaped(sign: char) -> String {
    match sign {
        '<' => "&lt;".into(),
        '>' => "&gt;".into(),
        '&' => "&amp;".into(),
        c => c.to_string(),
    }
}

/// A letter or a sign in a font.
fn letter(letter: char, font: Option<Font>) -> Option<String> {
    // The parser gives the sign for a millionth where the Greek letter is meant.
    let letter = if letter == '\u{b5}' { 'μ' } else { letter };
    let slanted =
        letter.is_ascii_alphabetic() || ('α'..='ω').contains(&letter) || matches!(letter, 'ϵ' | 'ϑ' | 'ϕ' | 'ϱ');
    if slanted || letter.is_alphanumeric() {
        return faced(&escaped(letter), font, slanted);
    }
    Some(escaped(letter))
}

/// Letters of one kind in a font; `slanted` says how they are without one.
fn faced(letters: &str, font: Option<Font>, slanted: bool) -> Option<String> {
    Some(match font {
        None if slanted => format!("<i>{letters}</i>"),
        Some(Font::Italic) => format!("<i>{letters}</i>"),
        None | Some(Font::UpRight) => letters.to_string(),
        Some(Font::BoldSymbol | Font::BoldItalic) if slanted => format!("<b><i>{letters}</i></b>"),
        Some(Font::Bold | Font::BoldSymbol) => format!("<b>{letters}</b>"),
        Some(Font::DoubleStruck) => letters.chars().map(double_struck).collect::<Option<String>>()?,
        Some(Font::Script) => letters.chars().map(script).collect::<Option<String>>()?,
        Some(_) => return None,
    })
}

/// A capital or a digit with doubled strokes.
fn double_struck(c: char) -> Option<char> {
    Some(match c {
        'C' => 'ℂ',
        'H' => 'ℍ',
        'N' => 'ℕ',
        'P' => 'ℙ',
        'Q' => 'ℚ',
        'R' => 'ℝ',
        'Z' => 'ℤ',
        'A'..='Z' => char::from_u32(0x1d538 + (c as u32 - 'A' as u32))?,
        '0'..='9' => char::from_u32(0x1d7d8 + (c as u32 - '0' as u32))?,
        _ => return None,
    })
}

/// A capital as it is written by hand.
fn script(c: char) -> Option<char> {
    Some(match c {
        'B' => 'ℬ',
        'E' => 'ℰ',
        'F' => 'ℱ',
        'H' => 'ℋ',
        'I' => 'ℐ',
        'L' => 'ℒ',
        'M' => 'ℳ',
        'R' => 'ℛ',
        'A'..='Z' => char::from_u32(0x1d49c + (c as u32 - 'A' as u32))?,
        _ => return None,
    })
}
