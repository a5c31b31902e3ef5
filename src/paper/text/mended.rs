//! Formulas that lack what their authors had besides: commands of packages as those that the parser knows.

/// Commands and what does the same, or as near as there is.
const SAME: &[(&str, &str)] = &[
    ("bm", "\\boldsymbol"),
    ("pmb", "\\boldsymbol"),
    ("mathscr", "\\mathcal"),
    ("mathbbm", "\\mathbb"),
    ("mathds", "\\mathbb"),
    ("mbox", "\\text"),
    ("hbox", "\\text"),
    ("fbox", "\\text"),
    ("emph", "\\text"),
    ("textsc", "\\text"),
    ("textup", "\\text"),
    ("textnormal", "\\text"),
    ("textunderscore", "\\_"),
    ("percent", "\\%"),
    ("LaTeX", "\\text{LaTeX}"),
    ("R", "\\mathbb{R}"),
];

/// Commands of which nothing is to be seen on a line.
const UNSEEN: &str =
    "tiny scriptsize footnotesize small normalsize large Large boldmath ensuremath xspace smash protect";

/// A formula with other commands for those that no parser knows; `None` where it has none of them.
pub fn mended(source: &str) -> Option<String> {
    let mut out = String::with_capacity(source.len());
    let mut rest = source;
    let mut mended = false;
    while let Some(found) = rest.find('\\') {
        out.push_str(&rest[..found]);
        let behind = &rest[found + 1..];
        let length = behind.bytes().take_while(u8::is_ascii_alphabetic).count();
        let (name, after) = behind.split_at(length);
        let same = SAME.iter().find(|(command, _)| *command == name).map(|(_, same)| *same);
        if let Some(same) = same {
            out.push_str(same);
        } else if super::listed(UNSEEN, name) {
            out.push(' ');
        } else if let Some((sign, after)) = (name == "unicode").then(|| unicode(after)).flatten() {
            out.push(sign);
            (rest, mended) = (after, true);
            continue;
        } else {
            out.push('\\');
            // The sign of a command without a name begins no other.
            let sign = if length == 0 { behind.chars().next().map_or(0, char::len_utf8) } else { length };
            out.push_str(&behind[..sign]);
            rest = &behind[sign..];
            continue;
        }
        (rest, mended) = (after, true);
    }
    out.push_str(rest);
    mended.then_some(out)
}

/// The character behind `\unicode`, `{x2013}` or `{8211}`.
fn unicode(rest: &str) -> Option<(char, &str)> {
    let (number, after) = rest.strip_prefix('{')?.split_once('}')?;
    let code = match number.strip_prefix(['x', 'X']) {
        Some(hexadecimal) => u32::from_str_radix(hexadecimal, 16).ok()?,
        None => number.parse().ok()?,
    };
    let sign = char::from_u32(code).filter(|c| !c.is_ascii() && !c.is_control() && !super::MARKERS.contains(c))?;
    Some((sign, after))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_commands_take_the_place_of_others() {
        for (source, expected) in [
            (r"\bm{x}\mbox{ is }\R", Some(r"\boldsymbol{x}\text{ is }\mathbb{R}")),
            (r"a\unicode{x2013}b\unicode{8212}", Some("a–b—")),
            (r"\small x \\bm", Some(r"  x \\bm")),
            (r"\alpha\\bm \unicode{x26}", None),
            (r"\", None),
        ] {
            assert_eq!(mended(source).as_deref(), expected, "{source}");
        }
    }
}
