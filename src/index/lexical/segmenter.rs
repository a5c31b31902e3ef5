//! A text cut into runs: what stands between blanks and other signs, with the signs that belong to a name.

use super::analyzer::MAX_WORD;
use crate::paper::{is_cjk, is_invisible};

/// Letters without a break, or digits without a break.
#[derive(Debug, Clone)]
pub struct Atom {
    pub text: String,
    pub number: bool,
}

/// What stands between two blanks (or other separators): atoms, in pieces parted by hyphens.
#[derive(Debug, Default)]
pub struct Run {
    pub pieces: Vec<Vec<Atom>>,
    /// Whether exactly one blank stands before it.
    pub close: bool,
    /// The sign between it and the run before, where nothing else stands between them: the `&` of `Q&A`.
    pub link: Option<char>,
    /// The signs that stand at its beginning and its end as part of a name: `.NET`, `C++`.
    pub prefix: Option<char>,
    pub suffix: String,
}

/// A part of a text.
pub enum Part {
    Run(Run),
    /// Chinese, Japanese or Korean.
    Pairs(Vec<char>),
}

impl Run {
    pub fn atoms(&self) -> usize {
        self.pieces.iter().map(Vec::len).sum()
    }

    /// The run as one word of letters.
    pub fn word(&self) -> Option<&str> {
        match &self.pieces[..] {
            [piece] if piece.len() == 1 && !piece[0].number => Some(&piece[0].text),
            _ => None,
        }
    }

    /// The run as one number.
    pub fn number(&self) -> Option<&str> {
        match &self.pieces[..] {
            [piece] if piece.len() == 1 && piece[0].number && piece[0].text.len() <= 4 => Some(&piece[0].text),
            _ => None,
        }
    }

    /// All atoms in one, without what parts them.
    pub fn spelled(&self) -> String {
        self.pieces.iter().flatten().map(|a| a.text.as_str()).collect()
    }

    fn lettered(&self) -> bool {
        self.pieces.iter().flatten().any(|a| !a.number)
    }

    /// The run as a name that a sign is part of: `.NET`, `C++`, `A*`, `k-means++`. Also a capital that stands `alone`,
    /// as the language R does: not every `r` of a formula is that.
    pub fn signed(&self, alone: bool) -> Option<String> {
        let text = self.spelled();
        if !self.lettered() {
            return None;
        }
        let prefix = self.prefix.map(String::from).unwrap_or_default();
        if !prefix.is_empty() || !self.suffix.is_empty() {
            return Some(format!("{prefix}{text}{}", self.suffix));
        }
        let mut chars = text.chars();
        let capital = chars.next().is_some_and(|c| c.is_ascii_uppercase()) && chars.next().is_none();
        (capital && alone).then_some(text)
    }

    /// This run and the next as one name with the sign between them: `Q&A`, `pass@1`, `TD3+BC`, `I/O`, and `Node.js`
    /// without its dot, since it is often written so.
    pub fn linked(&self, next: &Run) -> Option<String> {
        let (a, b) = (self.spelled(), next.spelled());
        let short = |most: usize| a.chars().count() <= most && b.chars().count() <= most;
        if !self.lettered() && !next.lettered() {
            return None;
        }
        match next.link? {
            '/' => short(3).then(|| format!("{a}/{b}")),
            '.' => {
                let one_case = b.chars().all(char::is_lowercase) || b.chars().all(char::is_uppercase);
                (one_case && b.len() <= 4 && a.len() > 1 && short(16)).then(|| format!("{a}{b}"))
            }
            sign => short(12).then(|| format!("{a}{sign}{b}")),
        }
    }
}

/// What nobody sees and what only chooses between two pictures of a sign. It parts nothing.
pub fn is_unread(c: char) -> bool {
    is_invisible(c) || matches!(c, '\u{fe00}'..='\u{fe0f}')
}

fn is_hyphen(c: char) -> bool {
    matches!(c, '-' | '\u{2010}' | '\u{2011}' | '\u{2012}' | '–' | '−' | '_' | '^')
}

/// The signs that are the ends of names, in one form each.
fn plain_sign(c: char) -> char {
    match c {
        '∗' | '⋆' | '★' | '＊' => '*',
        '♯' | '＃' => '#',
        '＋' => '+',
        c => c,
    }
}

/// Splits a text. `-` joins only between letters or digits, `.` and `,` only inside a number, `'` only inside a word.
pub fn runs(text: &str) -> Vec<Part> {
    let chars: Vec<char> = text.chars().filter(|c| !is_unread(*c)).map(plain_sign).collect();
    let mut parts: Vec<Part> = Vec::new();
    let mut run = Run::default();
    let mut pairs: Vec<char> = Vec::new();
    // Where the separators since the last run begin.
    let mut gap = 0;
    let mut k = 0;
    while let Some(c) = chars.get(k).copied() {
        let last = k.checked_sub(1).map(|b| chars[b]);
        let next = chars.get(k + 1).copied();
        let follows = next.is_some_and(|n| n.is_alphanumeric() && !is_cjk(n));
        if is_cjk(c) {
            close(&mut run, &mut parts, &chars, k);
            pairs.push(c);
            gap = k + 1;
        } else if c.is_alphanumeric() {
            let after_pairs = !pairs.is_empty();
            if after_pairs {
                parts.push(Part::Pairs(std::mem::take(&mut pairs)));
            }
            if run.pieces.is_empty() {
                run.pieces.push(Vec::new());
                let before = &chars[gap..k];
                run.close = before == [' '];
                run.link = match before {
                    [sign] if gap > 0 && !after_pairs && is_link(*sign) => Some(*sign),
                    _ => None,
                };
                run.prefix = match before {
                    [.., other, sign] if is_prefix(*sign) && (other.is_whitespace() || is_bracket(*other)) => {
                        Some(*sign)
                    }
                    [sign] if gap == 0 && is_prefix(*sign) => Some(*sign),
                    _ => None,
                }
                .filter(|_| c.is_alphabetic());
            }
            gap = k + 1;
            add(&mut run, c);
        } else if !run.pieces.is_empty() && follows && is_hyphen(c) {
            run.pieces.push(Vec::new());
            gap = k + 1;
        } else if matches!(c, '\'' | '’') && last.is_some_and(char::is_alphabetic) && follows && !run.pieces.is_empty()
        {
            // `Bayes's` is `Bayes`; `O'Brien` is one word.
            if matches!(next, Some('s' | 'S')) && !chars.get(k + 2).is_some_and(|c| c.is_alphanumeric()) {
                k += 1;
            }
            gap = k + 1;
        } else if matches!(c, '.' | ',')
            && last.is_some_and(|l| l.is_ascii_digit())
            && next.is_some_and(|n| n.is_ascii_digit())
            && inside_number(c, &chars[k + 1..])
        {
            if c == '.' {
                add_to_number(&mut run, c);
            }
            gap = k + 1;
        } else {
            close(&mut run, &mut parts, &chars, k);
            if !pairs.is_empty() {
                parts.push(Part::Pairs(std::mem::take(&mut pairs)));
            }
        }
        k += 1;
    }
    close(&mut run, &mut parts, &chars, chars.len());
    if !pairs.is_empty() {
        parts.push(Part::Pairs(pairs));
    }
    parts
}

fn is_link(c: char) -> bool {
    matches!(c, '&' | '+' | '@' | '/' | '.')
}

fn is_prefix(c: char) -> bool {
    matches!(c, '.' | '@' | '#')
}

fn is_bracket(c: char) -> bool {
    matches!(c, '(' | '[' | '"' | '“' | '\'' | '/' | ',' | ';')
}

/// A comma parts thousands only before exactly three digits.
fn inside_number(c: char, rest: &[char]) -> bool {
    c == '.' || rest.iter().take_while(|c| c.is_ascii_digit()).count() == 3
}

/// Ends a run before the character at `k`, with the signs that stand there.
fn close(run: &mut Run, parts: &mut Vec<Part>, chars: &[char], k: usize) {
    if run.pieces.is_empty() {
        return;
    }
    let mut run = std::mem::take(run);
    run.suffix = suffix(&run, chars.get(k..).unwrap_or_default());
    parts.push(Part::Run(run));
}

/// The signs at the end of a name: at most two of one kind, with nothing of the name behind them.
fn suffix(run: &Run, behind: &[char]) -> String {
    // TeX's `A^*`.
    let behind = behind.strip_prefix(&['^']).unwrap_or(behind);
    let Some(sign) = behind.first().copied().filter(|c| matches!(c, '+' | '#' | '*')) else { return String::new() };
    let count = behind.iter().take_while(|c| **c == sign).count();
    let inside = behind.get(count).is_some_and(|c| c.is_alphanumeric());
    // Long words with a star have a footnote, or are somebody's pattern.
    let letters: usize = run.pieces.iter().flatten().map(|a| a.text.len()).sum();
    let fits = letters <= if sign == '+' { MAX_WORD / 2 } else { 8 };
    if count > 2 || (inside && count < 2) || !fits { String::new() } else { String::from(sign).repeat(count) }
}

fn add(run: &mut Run, c: char) {
    let number = c.is_numeric();
    let Some(piece) = run.pieces.last_mut() else { return };
    match piece.last_mut() {
        Some(atom) if atom.number == number => atom.text.push(c),
        _ => piece.push(Atom { text: c.to_string(), number }),
    }
}

fn add_to_number(run: &mut Run, c: char) {
    if let Some(atom) = run.pieces.last_mut().and_then(|p| p.last_mut()) {
        atom.text.push(c);
    }
}
