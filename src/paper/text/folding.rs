//! Plain letters from what scientific text is written in: Greek, signs that are words, sub- and superscripts, accents.

use std::borrow::Cow;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use super::plain;
use crate::paper::is_invisible;

/// The letters of the Greek alphabet, small, in the order of Unicode from U+03B1 (with the final sigma).
const GREEK: [&str; 25] = [
    "alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa", "lambda", "mu", "nu", "xi",
    "omicron", "pi", "rho", "sigma", "sigma", "tau", "upsilon", "phi", "chi", "psi", "omega",
];

/// The second forms of some letters, in the order that mathematical alphabets end with.
const VARIANTS: [&str; 6] = ["epsilon", "theta", "kappa", "phi", "rho", "pi"];

/// Signs that are words.
const SPOKEN: &[(char, &str)] =
    &[('∞', "infinity"), ('∇', "nabla"), ('∂', "partial"), ('ℏ', "hbar"), ('√', "sqrt"), ('ℓ', "l")];

/// The text with `α-stable` as `alpha-stable` (where the letter stands alone), `CO₂` as `CO2`, `10⁵` as `10^5`, `𝛼` as
/// `alpha`, without combining accents. Text in ASCII is given back as it is. What is still marked up goes through [`plain`]
/// first.
pub fn spelled(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        return Cow::Borrowed(text);
    }
    let chars: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len() + 16);
    // The kind of the digit that was written last.
    let mut written = Digit::None;
    for (k, &c) in chars.iter().enumerate() {
        let before = std::mem::replace(&mut written, Digit::None);
        match c {
            // A combining accent belongs to the letter before it.
            '\u{300}'..='\u{36f}' => {}
            c if is_invisible(c) => {}
            '⁻' | '₋' => out.push('-'),
            '⁺' | '₊' => out.push('+'),
            _ if SPOKEN.iter().any(|(sign, _)| *sign == c) => word(&mut out, spoken(c), chars.get(k + 1)),
            _ => match greek_name(c) {
                // Between other Greek letters it is part of a Greek word.
                Some(name) if !neighbours_greek(&chars, k) => out.push_str(name),
                _ => {
                    let plain = plain_digit_or_letter(c);
                    written = Digit::of(c);
                    // A power is a number of its own.
                    match (before, written) {
                        (Digit::Line | Digit::Below, Digit::Above) => out.push('^'),
                        (Digit::Line | Digit::Above, Digit::Below) => out.push('_'),
                        _ => {}
                    }
                    out.push(plain);
                }
            },
        }
    }
    Cow::Owned(out)
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Digit {
    None,
    Line,
    Above,
    Below,
}

impl Digit {
    fn of(c: char) -> Self {
        match c {
            '0'..='9' => Digit::Line,
            '⁰' | '¹' | '²' | '³' | '⁴'..='⁹' => Digit::Above,
            '₀'..='₉' => Digit::Below,
            _ => Digit::None,
        }
    }
}

fn spoken(c: char) -> &'static str {
    SPOKEN.iter().find(|(sign, _)| *sign == c).map_or("", |(_, word)| word)
}

/// A word for a sign, apart from letters beside it.
fn word(out: &mut String, word: &str, next: Option<&char>) {
    if word.len() > 1 && out.ends_with(char::is_alphabetic) {
        out.push(' ');
    }
    out.push_str(word);
    if word.len() > 1 && next.is_some_and(|c| c.is_alphanumeric()) {
        out.push(' ');
    }
}

/// Letters that Unicode takes for letters of their own, as they are written where a keyboard lacks them.
const FOLDED: &[(char, &str)] = &[
    ('ß', "ss"),
    ('ø', "o"),
    ('ł', "l"),
    ('đ', "d"),
    ('ð', "d"),
    ('þ', "th"),
    ('æ', "ae"),
    ('œ', "oe"),
    ('ı', "i"),
    ('ŋ', "n"),
    ('ŧ', "t"),
    ('ħ', "h"),
    ('ẞ', "ss"),
];

/// Chinese characters, kana and Hangul: written without blanks, or with blanks that mean less, so that a single sign says something.
pub fn is_cjk(c: char) -> bool {
    matches!(c, '\u{3040}'..='\u{30ff}' | '\u{31f0}'..='\u{31ff}' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}'
        | '\u{ac00}'..='\u{d7af}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{2ffff}')
}

/// A word in lower case with its Latin letters as a plain keyboard has them: `é` is `e`, `ø` is `o`, `ß` is `ss`. Letters of other
/// scripts stay as they are, with their accents: there these make other letters (`й`) or vowels.
pub fn latin_folded(lower: &str) -> Cow<'_, str> {
    if lower.is_ascii() {
        return Cow::Borrowed(lower);
    }
    let mut out = String::with_capacity(lower.len());
    for c in lower.chars() {
        if c.is_ascii() {
            out.push(c);
        } else if let Some(letters) = folded(c) {
            out.push_str(letters);
        } else {
            let begin = out.len();
            out.extend(std::iter::once(c).nfkd().filter(|c| !is_combining_mark(*c) && *c != '·'));
            if !out[begin..].bytes().all(|b| b.is_ascii_alphanumeric()) || out.len() == begin {
                out.truncate(begin);
                out.push(c);
            }
        }
    }
    Cow::Owned(out)
}

/// What a letter is folded to that no accent can be taken from.
fn folded(small: char) -> Option<&'static str> {
    FOLDED.iter().find(|(letter, _)| *letter == small).map(|(_, letters)| *letters)
}

/// Letters and digits in lower case, everything else dropped: the form in which titles and names are compared. Markup, accents,
/// Greek and small digits make no difference: `$\alpha$`, `α` and `alpha` are one, and so are `é` and `e`, `CO₂` and `CO2`.
pub fn letters(text: &str) -> String {
    let text = plain(text);
    let mut out = String::with_capacity(text.len());
    if text.is_ascii() {
        out.extend(text.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()));
        return out;
    }
    let small = text.nfkd().flat_map(char::to_lowercase).filter(|c| !is_combining_mark(*c));
    for c in small {
        if let Some(name) = greek_name(c) {
            out.push_str(name);
        } else if let Some(letters) = folded(c) {
            out.push_str(letters);
        } else if c.is_alphanumeric() {
            out.push(c);
        } else if c.len_utf8() > 1 {
            out.push_str(spoken(c));
        }
    }
    out
}

/// A name as names are looked up: without markup and accents, in lower case, with single blanks. `Łukasz Ørsted` is
/// `lukasz orsted`.
pub fn unaccented(name: &str) -> String {
    let plain = plain(name);
    let small: String = if plain.is_ascii() {
        plain.to_ascii_lowercase()
    } else {
        let small: String =
            plain.nfkd().filter(|c| !is_combining_mark(*c)).flat_map(char::to_lowercase).nfc().collect();
        latin_folded(&small).into_owned()
    };
    small.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn greek_name(c: char) -> Option<&'static str> {
    let small = match c {
        'α'..='ω' => c,
        'Α'..='Ω' => c.to_lowercase().next()?,
        'ϵ' => 'ε',
        'ϑ' => 'θ',
        'ϕ' => 'φ',
        'ϰ' => 'κ',
        'ϱ' => 'ρ',
        'ϖ' => 'π',
        'µ' => 'μ',
        // Mathematical italic and bold: five alphabets of 58 signs, capitals first. Where the small ones have a final
        // sigma the capitals have another theta; behind each stands a sign that is no letter, and at the end six variants.
        '\u{1d6a8}'..='\u{1d7c9}' => {
            return Some(match (c as usize - 0x1d6a8) % 58 {
                17 => "theta",
                25 => "nabla",
                51 => "partial",
                place @ 52.. => VARIANTS[place - 52],
                place => GREEK[place % 26],
            });
        }
        _ => return None,
    };
    GREEK.get((small as usize).checked_sub('α' as usize)?).copied()
}

fn neighbours_greek(chars: &[char], k: usize) -> bool {
    let greek = |c: Option<&char>| c.is_some_and(|c| matches!(c, '\u{370}'..='\u{3ff}' | '\u{1f00}'..='\u{1fff}'));
    greek(k.checked_sub(1).and_then(|p| chars.get(p))) || greek(chars.get(k + 1))
}

/// `₂` and `²` as `2`, mathematical letters and full-width signs as plain ones.
fn plain_digit_or_letter(c: char) -> char {
    let digit = |zero: u32| char::from_digit((c as u32 - zero) % 10, 10).unwrap_or(c);
    match c {
        '⁰' | '⁴'..='⁹' => digit('⁰' as u32),
        '¹' => '1',
        '²' => '2',
        '³' => '3',
        '₀'..='₉' => digit('₀' as u32),
        '\u{1d7ce}'..='\u{1d7ff}' => digit(0x1d7ce),
        '\u{1d400}'..='\u{1d6a3}' => {
            let place = (c as u32 - 0x1d400) % 52;
            let first = if place < 26 { 'A' as u32 } else { 'a' as u32 - 26 };
            char::from_u32(first + place).unwrap_or(c)
        }
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(c as u32 - 0xff01 + 0x21).unwrap_or(c),
        _ => c,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_meant_is_left() {
        for (text, expected) in [
            ("plain text", "plain text"),
            ("α-stable", "alpha-stable"),
            ("NF-κB", "NF-kappaB"),
            ("CO₂", "CO2"),
            ("10⁵ and 10⁻³", "10^5 and 10-3"),
            ("H∞ ∇f", "H infinity nabla f"),
            ("Θεωρία", "Θεωρία"),
            ("𝛼 𝐀 𝟙 𝟗 ｆｕｌｌ", "alpha A 1 9 full"),
            ("𝛀 𝛁 𝛂 𝛚 𝛛 𝟊", "omega nabla alpha omega partial 𝟊"),
            // Capital theta and its variant, sigma; final sigma, sigma.
            ("𝛩 𝛳 𝛴 𝜍 𝜎", "theta theta sigma sigma sigma"),
            ("𝜖 𝜗 𝜘 𝜙 𝜚 𝜛", "epsilon theta kappa phi rho pi"),
            ("ϵ ϑ ϰ ϕ ϱ ϖ", "epsilon theta kappa phi rho pi"),
            ("e\u{301}tude", "etude"),
        ] {
            assert_eq!(spelled(text), expected, "{text}");
        }
    }

    #[test]
    fn latin_letters_lose_their_accents_and_others_do_not() {
        for (word, folded) in [
            ("naïve", "naive"),
            ("łukasiewicz", "lukasiewicz"),
            ("straße", "strasse"),
            ("œuvre", "oeuvre"),
            ("ﬁrst", "first"),
            ("việt", "viet"),
            ("çağrı", "cagri"),
            ("мой", "мой"),
            ("ελλάδα", "ελλάδα"),
            ("हिन्दी", "हिन्दी"),
            ("東京", "東京"),
            ("½", "½"),
        ] {
            assert_eq!(latin_folded(word), folded);
        }
    }

    #[test]
    fn one_title_has_one_form() {
        for same in [
            &[r"$\alpha$-stable laws", "α-stable laws", "alpha-stable laws", "Alpha stable laws", "𝛼-stable laws"][..],
            &["CO$_2$ capture", "CO₂ capture", "CO2 capture", "CO_2 capture", "CO<sub>2</sub> capture"],
            &["Études", "E\u{301}tudes", r"\'Etudes", "Etudes", r"\'{E}tudes", "&Eacute;tudes"],
            &["Łukasiewicz logic", r"\L ukasiewicz logic", "Lukasiewicz logic"],
            &[r"$\beta\gamma$ decay", "βγ decay", "beta gamma decay"],
            &["H$_\\infty$ control", "H∞ control", "H-infinity control"],
            &["The ﬁrst 10⁵ steps", "The first $10^5$ steps", "The first 10^5 steps"],
            &["{D}eep {BERT}", "Deep BERT"],
            &["Θεωρία", "Θεωρι\u{301}α"],
        ] {
            for other in same {
                assert_eq!(letters(other), letters(same[0]), "{other}");
            }
        }
        assert_ne!(letters("alpha"), letters("beta"));
        assert_eq!(unaccented("  José   ÁLVAREZ "), "jose alvarez");
        assert_eq!(unaccented("Jose\u{301} A\u{301}lvarez"), "jose alvarez");
        assert_eq!(unaccented("Łukasz Ørsted"), "lukasz orsted");
    }
}
