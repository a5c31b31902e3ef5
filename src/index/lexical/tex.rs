//! Plain letters from what scientific text is written in: LaTeX mathematics and accents, Greek, sub- and superscripts.

use std::borrow::Cow;

/// The letters of the Greek alphabet, small, in the order of Unicode from U+03B1 (with the final sigma).
const GREEK: [&str; 25] = [
    "alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa", "lambda", "mu", "nu", "xi",
    "omicron", "pi", "rho", "sigma", "sigma", "tau", "upsilon", "phi", "chi", "psi", "omega",
];

/// The second forms of some letters, in the order that mathematical alphabets end with.
const VARIANTS: [&str; 6] = ["epsilon", "theta", "kappa", "phi", "rho", "pi"];

/// Commands of LaTeX that are words; every other command only says how something looks.
const SPOKEN: [(&str, &str); 12] = [
    ("infty", "infinity"),
    ("ell", "l"),
    ("log", "log"),
    ("exp", "exp"),
    ("sin", "sin"),
    ("cos", "cos"),
    ("max", "max"),
    ("min", "min"),
    ("nabla", "nabla"),
    ("partial", "partial"),
    ("hbar", "hbar"),
    ("sqrt", "sqrt"),
];

/// The text with `$\alpha$-stable` as `alpha-stable`, `Schr\"odinger` as `Schrodinger`, `CO$_2$` as `CO_2`, `β` (standing
/// alone) as `beta`. Text without any of it is given back as it is.
pub fn plain(text: &str) -> Cow<'_, str> {
    if text.bytes().all(|b| b.is_ascii() && !matches!(b, b'\\' | b'$' | b'{' | b'}' | b'~')) {
        return Cow::Borrowed(text);
    }
    let chars: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len() + 16);
    let mut k = 0;
    while k < chars.len() {
        let c = chars[k];
        k += 1;
        match c {
            '$' | '{' | '}' => {}
            '~' => out.push(' '),
            '\\' => k = command(&chars, k, &mut out),
            // A combining accent belongs to the letter before it.
            '\u{300}'..='\u{36f}' | '\u{200b}'..='\u{200d}' | '\u{ad}' => {}
            _ => match greek_name(c) {
                // Between other Greek letters it is part of a Greek word.
                Some(name) if !neighbours_greek(&chars, k - 1) => out.push_str(name),
                _ => out.push(plain_digit_or_letter(c)),
            },
        }
    }
    Cow::Owned(out)
}

/// Reads the command behind a backslash at `k`; gives the place behind it.
fn command(chars: &[char], mut k: usize, out: &mut String) -> usize {
    let begin = k;
    while chars.get(k).is_some_and(char::is_ascii_alphabetic) {
        k += 1;
    }
    if k == begin {
        // An accent (`\'e`, `\"o`) goes with its sign; an escaped sign (`\%`) is only a sign.
        match chars.get(k) {
            Some('\'' | '"' | '`' | '^' | '~' | '=' | '.') => {}
            _ => out.push(' '),
        }
        return (k + 1).min(chars.len());
    }
    let name: String = chars[begin..k].iter().collect();
    let lower = name.trim_start_matches("var").to_ascii_lowercase();
    let word = GREEK.iter().find(|g| **g == lower).copied();
    let word = word.or_else(|| SPOKEN.iter().find(|(n, _)| *n == name).map(|(_, w)| *w));
    if let Some(word) = word {
        if out.ends_with(char::is_alphabetic) {
            out.push(' ');
        }
        out.push_str(word);
        // The blank that ends a command is not shown, but a letter behind it begins something else.
        if chars.get(k).is_some_and(|c| c.is_alphabetic()) {
            out.push(' ');
        }
    }
    k
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
    use super::plain;
    use proptest::prelude::*;

    #[test]
    fn what_is_meant_is_left() {
        for (text, expected) in [
            ("plain text", "plain text"),
            (r"$\alpha$-stable", "alpha-stable"),
            ("α-stable", "alpha-stable"),
            ("NF-κB", "NF-kappaB"),
            (r#"Schr\"odinger and Erd\H{o}s"#, "Schrodinger and Erdos"),
            (r"CO$_2$", "CO_2"),
            ("CO₂", "CO2"),
            (r"$\mathcal{N}=4$", "N=4"),
            (r"$\beta\gamma$", "beta gamma"),
            (r"$2\pi r$", "2pi r"),
            (r"$\varepsilon$", "epsilon"),
            ("Θεωρία", "Θεωρία"),
            ("𝛼 𝐀 𝟙 𝟗 ｆｕｌｌ", "alpha A 1 9 full"),
            ("𝛀 𝛁 𝛂 𝛚 𝛛 𝟊", "omega nabla alpha omega partial 𝟊"),
            // Capital theta and its variant, sigma; final sigma, sigma.
            ("𝛩 𝛳 𝛴 𝜍 𝜎", "theta theta sigma sigma sigma"),
            ("𝜖 𝜗 𝜘 𝜙 𝜚 𝜛", "epsilon theta kappa phi rho pi"),
            ("ϵ ϑ ϰ ϕ ϱ ϖ", "epsilon theta kappa phi rho pi"),
            ("e\u{301}tude", "etude"),
            ("\\", " "),
            ("\\%", " "),
        ] {
            assert_eq!(plain(text), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read(text in "\\PC{0,80}") {
            let _ = plain(&text);
        }
    }
}
