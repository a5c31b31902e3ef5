//! The commands of TeX that stand in titles, names and abstracts, whoever reads them: prose ([`super::plain`]) and the values of
//! BibTeX have them from here.

pub use super::formula::{lowered, raised, read as formula, sign as symbol};
use super::listed;

/// The mark of `\t`, which ties two letters. No letter is composed with it.
pub const TIE: char = '\u{361}';

/// Accents, each with the combining character that comes behind the letter.
const ACCENTS: &[(&str, char)] = &[
    ("`", '\u{300}'),
    ("'", '\u{301}'),
    ("\u{b4}", '\u{301}'),
    ("^", '\u{302}'),
    ("~", '\u{303}'),
    ("=", '\u{304}'),
    ("u", '\u{306}'),
    (".", '\u{307}'),
    ("\"", '\u{308}'),
    ("h", '\u{309}'),
    ("r", '\u{30a}'),
    ("H", '\u{30b}'),
    ("v", '\u{30c}'),
    ("d", '\u{323}'),
    ("c", '\u{327}'),
    ("k", '\u{328}'),
    ("b", '\u{331}'),
    ("t", TIE),
];

/// Commands that are letters and signs of a text; those of formulas are [`symbol`]s.
const LETTERS: &[(&str, &str)] = &[
    ("i", "ı"),
    ("j", "ȷ"),
    ("ss", "ß"),
    ("SS", "ẞ"),
    ("o", "ø"),
    ("O", "Ø"),
    ("l", "ł"),
    ("L", "Ł"),
    ("ae", "æ"),
    ("AE", "Æ"),
    ("oe", "œ"),
    ("OE", "Œ"),
    ("aa", "å"),
    ("AA", "Å"),
    ("dh", "ð"),
    ("DH", "Ð"),
    ("dj", "đ"),
    ("DJ", "Đ"),
    ("ng", "ŋ"),
    ("NG", "Ŋ"),
    ("th", "þ"),
    ("TH", "Þ"),
    ("S", "§"),
    ("textsection", "§"),
    ("P", "¶"),
    ("textparagraph", "¶"),
    ("copyright", "©"),
    ("textcopyright", "©"),
    ("textregistered", "®"),
    ("texttrademark", "™"),
    ("pounds", "£"),
    ("textsterling", "£"),
    ("euro", "€"),
    ("texteuro", "€"),
    ("degree", "°"),
    ("textdegree", "°"),
    ("micro", "µ"),
    ("textmu", "µ"),
    ("texttimes", "×"),
    ("textpm", "±"),
    ("textperiodcentered", "·"),
    ("textbullet", "•"),
    ("dots", "…"),
    ("ldots", "…"),
    ("textellipsis", "…"),
    ("textendash", "–"),
    ("textemdash", "—"),
    ("lq", "‘"),
    ("textquoteleft", "‘"),
    ("rq", "’"),
    ("textquoteright", "’"),
    ("textquotesingle", "’"),
    ("textquotedblleft", "“"),
    ("textquotedblright", "”"),
    ("textquotedbl", "\""),
    ("quotedblbase", "„"),
    ("quotesinglbase", "‚"),
    ("guillemotleft", "«"),
    ("guillemotright", "»"),
    ("textexclamdown", "¡"),
    ("textquestiondown", "¿"),
    ("textordfeminine", "ª"),
    ("textordmasculine", "º"),
    ("textasciitilde", "~"),
    ("textasciicircum", "^"),
    ("textasciigrave", "`"),
    ("textunderscore", "_"),
    ("textbackslash", "\\"),
    ("textbar", "|"),
    ("textless", "<"),
    ("textgreater", ">"),
    ("textbraceleft", "{"),
    ("textbraceright", "}"),
    ("textdollar", "$"),
    ("slash", "/"),
    ("textalpha", "α"),
    ("textbeta", "β"),
    ("textgamma", "γ"),
    ("textdelta", "δ"),
    ("textepsilon", "ε"),
    ("textkappa", "κ"),
    ("LaTeX", "LaTeX"),
    ("TeX", "TeX"),
    ("BibTeX", "BibTeX"),
];

/// Commands that part words.
const BLANKS: &str = "quad qquad newline par linebreak break item smallskip medskip bigskip hfill vfill newpage clearpage enspace \
thinspace space nobreakspace";

/// Commands whose (first) argument is no text: a key, an address, a length, a colour, a language, or what is not printed.
const UNSPOKEN: &str = "cite citep citet citealp citealt citeauthor citeyear ref eqref autoref cref Cref label pageref footnotemark \
vspace hspace includegraphics usepackage documentclass pagestyle setlength bibliography bibliographystyle color input begin end tag \
phantom vphantom hphantom nocite href textcolor colorbox raisebox resizebox scalebox hyperlink hypertarget adjustbox bibinfo \
foreignlanguage selectlanguage noopsort sortnoop singleletter";

/// The combining character of an accent: of a sign (`'`) or a letter (`v`).
pub fn accent(command: &str) -> Option<char> {
    ACCENTS.iter().find(|(name, _)| *name == command).map(|(_, mark)| *mark)
}

/// What a command of letters stands for in a text. Dotless letters come without their dots.
pub fn letter(command: &str) -> Option<&'static str> {
    LETTERS.iter().find(|(name, _)| *name == command).map(|(_, letter)| *letter)
}

/// Whether a command parts words and says nothing else.
pub fn is_blank(command: &str) -> bool {
    listed(BLANKS, command)
}

/// Whether the (first) argument of a command is no text.
pub fn is_unspoken(command: &str) -> bool {
    listed(UNSPOKEN, command)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_command_means_one_thing() {
        let accents = ACCENTS.iter().map(|a| a.0);
        let letters = LETTERS.iter().map(|l| l.0).chain(BLANKS.split(' ')).chain(UNSPOKEN.split(' '));
        for names in [accents.collect::<Vec<_>>(), letters.collect()] {
            assert_eq!(names.iter().collect::<HashSet<_>>().len(), names.len());
        }
        assert_eq!((accent("v"), accent("\""), accent("x")), (Some('\u{30c}'), Some('\u{308}'), None));
        assert_eq!((letter("ss"), letter("alpha"), symbol("alpha").as_deref()), (Some("ß"), None, Some("α")));
        assert!(is_blank("quad") && is_unspoken("href") && !is_unspoken("emph") && !is_blank(""));
    }
}
