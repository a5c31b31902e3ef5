//! Titles and abstracts as text: markup comes off here and nowhere else.
//!
//! What is searched, embedded, named and compared comes from here; what was sent is kept and given back.
//!
//! - [`plain`]: JATS, HTML, MathML and LaTeX as text. `CO$_2$` and `CO<sub>2</sub>` are `CO₂`.
//! - [`prose`]: the same without formulas, for names.
//! - [`spelled`]: Greek and signs as words, sub- and superscripts as digits: `CO₂` is `CO2`, for words.
//! - [`letters`]: letters and digits alone, for comparing.
//! - [`pieces`]: text and formulas apart, each formula with its LaTeX, for who writes LaTeX again.
//! - [`spans`]: text, formulas, faces, links and paragraphs apart, for who shows them.

mod folding;
mod formula;
mod latex;
mod markup;
mod mended;
mod spans;
mod tags;
pub mod tex;

pub use folding::{is_cjk, latin_folded, letters, spelled, unaccented};
pub use spans::{Face, Source, Span, is_link, spans};

use std::borrow::Cow;

use unicode_normalization::UnicodeNormalization;

use self::markup::Kept;

/// The number of these rules. Raised when they read a text in another way, so that folders of before are brought up to date:
/// their texts are read again, and those that have become others are embedded again.
pub const READING: u32 = 3;

/// What stands around a formula while a text is read; no text has these (they are no characters).
const OPEN: char = '\u{fdd0}';
const CLOSE: char = '\u{fdd1}';

/// What stands between the text of a formula and its LaTeX, where that is kept.
const SOURCE: char = '\u{fdd2}';

/// Where faces are kept: what stands before the number of a formula in MathML, before a face, before an address and behind it,
/// behind a face, and between lines.
const MATH: char = '\u{fdd3}';
const BOLD: char = '\u{fdd4}';
const EMPHASIS: char = '\u{fdd5}';
const CODE: char = '\u{fdd6}';
const RAISED: char = '\u{fdd7}';
const LOWERED: char = '\u{fdd8}';
const LINK: char = '\u{fdd9}';
const TO: char = '\u{fdda}';
const END: char = '\u{fddb}';
const BREAK: char = '\u{fddc}';

/// All of these.
const MARKERS: [char; 13] = [OPEN, CLOSE, SOURCE, MATH, BOLD, EMPHASIS, CODE, RAISED, LOWERED, LINK, TO, END, BREAK];

/// What is kept beside the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Detail {
    /// Nothing.
    Text,
    /// The LaTeX of formulas.
    Sources,
    /// That, and how the text looks.
    Faces,
}

/// Escaped text that was escaped again, and so on: how often that is undone.
const MAX_ESCAPED: usize = 4;

/// The text of a title or an abstract that may hold JATS, HTML, MathML or LaTeX. Text without any of it is given back as it is;
/// what only looks like markup (`a<b`, `<think>`, `$5`) stays.
pub fn plain(text: &str) -> Cow<'_, str> {
    if !may_be_marked(text) {
        return Cow::Borrowed(text);
    }
    let mut out = read(text, Detail::Text, &mut Kept::default());
    out.retain(|c| c != OPEN && c != CLOSE);
    if out == text { Cow::Borrowed(text) } else { Cow::Owned(out) }
}

/// The same without its formulas, for names: a bar stands in their place. Those that are part of a word (`CO$_2$`,
/// `$\alpha$-stable`) stay.
pub fn prose(text: &str) -> Cow<'_, str> {
    if !may_be_marked(text) {
        return Cow::Borrowed(text);
    }
    let read = read(text, Detail::Text, &mut Kept::default());
    let mut out = String::with_capacity(read.len());
    let mut rest = read.as_str();
    while let Some((before, behind)) = rest.split_once(OPEN) {
        out.push_str(before);
        let (formula, behind) = behind.split_once(CLOSE).unwrap_or((behind, ""));
        let next = behind.strip_prefix('-').unwrap_or(behind);
        let in_word = before.ends_with(char::is_alphanumeric) || next.starts_with(char::is_alphabetic);
        if in_word && formula.chars().count() <= 8 && formula.chars().all(|c| c.is_alphanumeric() || c == '-') {
            out.push_str(formula);
        } else {
            out.push_str(" | ");
        }
        rest = behind;
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// A part of a title or an abstract.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// Text without markup.
    Text(String),
    /// A formula that was written in LaTeX, and could be read as one: nothing in it but formulas does anything.
    Formula {
        /// Its LaTeX, without the signs around it.
        source: String,
        /// The same as text.
        text: String,
    },
}

/// The parts of a title or an abstract: their texts together are what [`plain`] gives.
pub fn pieces(text: &str) -> Vec<Piece> {
    if !may_be_marked(text) {
        return vec![Piece::Text(text.to_string())];
    }
    let read = read(text, Detail::Sources, &mut Kept::default());
    let mut pieces = vec![Piece::Text(String::new())];
    let add = |pieces: &mut Vec<Piece>, more: &str| match pieces.last_mut() {
        Some(Piece::Text(text)) => text.push_str(more),
        _ => pieces.push(Piece::Text(more.to_string())),
    };
    let mut rest = read.as_str();
    while let Some((before, behind)) = rest.split_once(OPEN) {
        add(&mut pieces, before);
        let (formula, behind) = behind.split_once(CLOSE).unwrap_or((behind, ""));
        match formula.split_once(SOURCE) {
            Some((text, source)) => {
                pieces.push(Piece::Formula { source: source.to_string(), text: text.to_string() });
            }
            None => add(&mut pieces, formula),
        }
        rest = behind;
    }
    add(&mut pieces, rest);
    for piece in &mut pieces {
        if let Piece::Text(text) = piece {
            text.retain(|c| ![OPEN, CLOSE, SOURCE].contains(&c));
        }
    }
    pieces.retain(|piece| !matches!(piece, Piece::Text(text) if text.is_empty()));
    pieces
}

/// Whether a text holds a sign that markup is made of: what most texts do not, and that in one pass over their bytes.
fn may_be_marked(text: &str) -> bool {
    // Last the first bytes of combining accents and of the soft hyphen.
    text.bytes().any(|b| matches!(b, b'<' | b'&' | b'\\' | b'$' | b'{' | b'}' | b'~' | 0xcc | 0xcd))
        || text.contains(['\u{ad}', '\u{200b}', '\u{feff}'])
}

/// The text with its formulas between [`OPEN`] and [`CLOSE`], their LaTeX behind [`SOURCE`], and what else is kept.
fn read(text: &str, detail: Detail, kept: &mut Kept) -> String {
    let mut out: Cow<'_, str> = Cow::Borrowed(text);
    if text.contains(MARKERS) {
        out = Cow::Owned(text.replace(MARKERS, ""));
    }
    if detail == Detail::Faces {
        out = Cow::Owned(spans::lines(&out).into_owned());
    }
    for _ in 0..MAX_ESCAPED {
        match markup::strip(&out, (detail == Detail::Faces).then_some(&mut *kept)) {
            Some(stripped) => out = Cow::Owned(stripped),
            None => break,
        }
    }
    if out.contains(['\\', '$', '{', '}', '~']) {
        out = Cow::Owned(latex::read(&out, detail));
    }
    if out.contains(['\u{ad}', '\u{200b}', '\u{feff}']) {
        out = Cow::Owned(out.replace(['\u{ad}', '\u{200b}', '\u{feff}'], ""));
    }
    if out.bytes().any(|b| matches!(b, 0xcc | 0xcd)) {
        out = Cow::Owned(out.nfc().collect());
    }
    out.into_owned()
}

/// A text with blanks for the marks in it, and without the numbers of formulas behind [`MATH`].
fn unmarked(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        if c == MATH {
            rest.next();
        }
        out.push(if MARKERS.contains(&c) { ' ' } else { c });
    }
    out
}

/// The beginning of a text, of at most so many bytes: what looks for an end looks no further, so that a text of nothing but
/// beginnings is read as fast as any.
fn within(text: &str, bytes: usize) -> &str {
    if text.len() <= bytes {
        return text;
    }
    let end = (0..=bytes).rev().find(|k| text.is_char_boundary(*k)).unwrap_or(0);
    &text[..end]
}

/// Whether a name stands in a list of names with blanks between them.
fn listed(list: &str, name: &str) -> bool {
    !name.is_empty() && list.split(' ').any(|word| word == name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn text_without_markup_is_given_back_as_it_is() {
        for text in [
            "plain text",
            "a<b, then c>d",
            "p < 0.05 and q > 3",
            "5 < x <= 7",
            "the <think> token, <eos> and [SEG], <answer>42</answer>, <s> and </s>",
            "R&D at AT&T; P&L",
            "it costs $5 per patient",
            "from $100 to $200 a month",
            "US$5 and CA$ 6 and 7$",
            "Größe ≤ 5 µm, 東京, α-stable",
            "if x<i and j>k",
            "momentum <p> of a particle",
            "vectors <i> alone",
            "a ~ b",
            "http://x.org/~user/",
        ] {
            assert!(matches!(plain(text), Cow::Borrowed(_)), "{text:?} became {:?}", plain(text));
        }
    }

    #[test]
    fn html_and_jats_are_read() {
        for (text, expected) in [
            ("<i>Bacteria</i> in oysters", "Bacteria in oysters"),
            ("A &amp; B &lt; C &#x2014; D&nbsp;E &eacute;", "A & B < C — D E é"),
            ("CO<sub>2</sub> at 10<sup>-3</sup> mol m<sup>−2</sup>, 4<sup>th</sup>", "CO₂ at 10⁻³ mol m⁻², 4th"),
            ("<p>One.</p><p>Two.</p>", "One. Two."),
            ("One.<br/>Two.<br>Three", "One. Two. Three"),
            (
                "<jats:title>Abstract</jats:title><jats:sec><jats:title>Methods</jats:title><jats:p>We <jats:italic>did</jats:italic> it.</jats:p></jats:sec>",
                "Methods: We did it.",
            ),
            ("&lt;jats:p&gt;Twice &amp;amp; escaped&lt;/jats:p&gt;", "Twice & escaped"),
            ("<jats:p>p &lt; 0.05</jats:p>", "p < 0.05"),
            ("growth of<i>Bacteria</i>in bays", "growth of Bacteria in bays"),
            ("<i>Drosophila</i>s fly", "Drosophilas fly"),
            ("<b>B</b>idirectional", "Bidirectional"),
            ("<![CDATA[a < b]]> and <!-- not this --> c", "a < b and c"),
            ("<span class=\"x\">in</span> <a href=\"http://x.org/?a=1&b=2\">here</a>", "in here"),
            ("<STRONG>Loud</STRONG>", "Loud"),
            ("<jats:p/>", ""),
            ("<ul><li>one</li><li>two</li></ul>", "one two"),
            ("<script>alert(1)</script>text", "text"),
        ] {
            assert_eq!(plain(text), expected, "{text}");
        }
    }

    #[test]
    fn a_formula_is_said_once() {
        let mathml = "<mml:math><mml:msub><mml:mi>x</mml:mi><mml:mn>1</mml:mn></mml:msub></mml:math>";
        for (text, expected) in [
            (mathml.to_string(), "x₁"),
            (format!("(<jats:inline-formula><jats:alternatives><jats:tex-math>$$x_1$$</jats:tex-math>{mathml}</jats:alternatives></jats:inline-formula>)."), "(x₁)."),
            ("<jats:inline-formula><jats:tex-math>x_1</jats:tex-math></jats:inline-formula>".into(), "x₁"),
            ("<tex-math>\\documentclass[12pt]{minimal} \\usepackage{amsmath} \\begin{document}$$\\alpha^2$$\\end{document}</tex-math>".into(), "α²"),
            ("<math><semantics><mrow><mi>E</mi><mo>=</mo><mi>m</mi><msup><mi>c</mi><mn>2</mn></msup></mrow><annotation encoding=\"application/x-tex\">E=mc^2</annotation></semantics></math>".into(), "E = mc²"),
            ("<math><mfrac><mrow><mi>a</mi><mo>+</mo><mi>b</mi></mrow><mn>2</mn></mfrac><msqrt><mi>n</mi></msqrt></math>".into(), "(a+b)/2√n"),
            ("<math><mi>log</mi><mi>n</mi></math>".into(), "log n"),
        ] {
            assert_eq!(plain(&text), expected, "{text}");
        }
    }

    #[test]
    fn latex_is_read() {
        for (text, expected) in [
            (r"$\alpha$-stable", "α-stable"),
            (
                r#"Schr\"odinger and Erd\H{o}s, Andr\'{e}, Ho\v{r}ava, stra\ss e, {\L}ukasiewicz, na\"{\i}ve"#,
                "Schrödinger and Erdős, André, Hořava, straße, Łukasiewicz, naïve",
            ),
            (r"CO$_2$ and H$_2$O", "CO₂ and H₂O"),
            (r"$\mathcal{N}=4$", "N = 4"),
            (r"$O(n \log n)$", "O(n log n)"),
            (r"$2\pi r$ and $\beta\gamma$", "2π r and β γ"),
            (r"$10^{-3}$ or $x_{max}$ or $n^{th}$", "10⁻³ or x_max or nth"),
            (r"$\frac{a+b}{2}$", "(a+b)/2"),
            (r"$90^\circ$", "90°"),
            ("$10%-20%$ more, $5\\%$, $50%\\text{ of 9% or 8\\%}$", "10%-20% more, 5%, 50% of 9% or 8%"),
            ("$a%b\nc$ and $1\\\\%$", "a%bc and 1 %"),
            (r"We gain 5\% with \textbf{bold \emph{moves}} in {\it style}", "We gain 5% with bold moves in style"),
            (r"see \href{https://x.org}{the page} and \cite{key}.", "see the page and ."),
            (r"costs \$5", "costs $5"),
            (r"\(x^2\) and \[y\]", "x² and y"),
            (r"\begin{equation}a=b\end{equation}", "a = b"),
            (r"Fig.~3 and a \& b", "Fig. 3 and a & b"),
            (r"our system \sysname\ works", "our system sysname works"),
            (r"\sysname{} works", "sysname works"),
            (r"{D}eep {BERT}", "Deep BERT"),
            (r"\nWe propose", "We propose"),
            (r"$x \neq y \in \mathbb{R}$", "x ≠ y ∈ R"),
            (r"$p<0.05$ for $5$ of $10$", "p < 0.05 for 5 of 10"),
            ("e\u{301}tude", "étude"),
            (r"the \alpha and \beta", "the α and β"),
            (r"92.0$\pm$3.5 on 2$^{\circ}\times$2 grids", "92.0±3.5 on 2° ×2 grids"),
            (r"where $0.58 KJ + \mu BJ > 1$", "where 0.58KJ+μ BJ > 1"),
            (r#"it\'s \"quoted\" here, 100\,000 of \'Sniadecki"#, "it's \"quoted\" here, 100 000 of Śniadecki"),
        ] {
            assert_eq!(plain(text), expected, "{text}");
        }
    }

    #[test]
    fn formulas_keep_their_latex() {
        let text = |text: &str| Piece::Text(text.into());
        let formula = |source: &str, text: &str| Piece::Formula { source: source.into(), text: text.into() };
        assert_eq!(pieces("costs $5 & more"), [text("costs $5 & more")]);
        assert_eq!(pieces(r"CO$_2$ and \'{e}"), [text("CO"), formula("_2", "₂"), text(" and é")]);
        assert_eq!(
            pieces(r"\(x^2\) <i>or</i> $$\ell_1$$"),
            [formula("x^2", "x²"), text(" or "), formula(r"\ell_1", "ℓ₁")]
        );
        assert_eq!(pieces("<math><mi>x</mi></math> alone"), [text("x alone")]);
        // Where LaTeX is written again, a percent sign is one as well.
        assert_eq!(pieces(r"$10%-5\%$ more"), [formula(r"10\%-5\%", "10%-5%"), text(" more")]);
        // Also where an entity was escaped twice.
        assert_eq!(
            pieces(r"<p>R &amp;amp; D of <math><mi>y</mi></math> or $x^2$.</p>"),
            [text("R & D of y or "), formula("x^2", "x²"), text(".")]
        );
        // What no parser of formulas reads may do anything.
        assert!(pieces(r"$\input{x}$").is_empty());
        assert_eq!(pieces(r"$\def\a{b}\a$").iter().filter(|p| matches!(p, Piece::Formula { .. })).count(), 0);
    }

    #[test]
    fn names_come_without_formulas() {
        assert_eq!(prose(r"An $O(n \log n)$ bound"), "An  |  bound");
        assert_eq!(prose(r"CO$_2$ capture, $\alpha$-stable laws"), "CO₂ capture, α-stable laws");
        assert_eq!(prose("costs $5"), "costs $5");
        assert_eq!(prose("R &amp;amp; D of <math><mi>y</mi><mo>+</mo><mn>1</mn></math>."), "R & D of  | .");
    }

    /// What a text of nothing but beginnings could make long takes no longer than any other.
    #[test]
    fn a_hostile_text_takes_no_longer() {
        let many = |piece: &str| piece.repeat(100_000 / piece.len());
        for piece in [
            "<",
            "$",
            "{",
            "}",
            "&",
            "\\",
            "~",
            "$a ",
            "$$",
            "<p>",
            "<i>",
            "</i>",
            "<b a=\"",
            "<!--",
            "<![CDATA[",
            "&lt;",
            "&amp;",
            "\\(",
            "\\[",
            "\\begin{equation}",
            "\\href{",
            "\\frac{",
            "\\'",
            "\\'{",
            "$1",
            "$x$",
            "<math><mrow>",
            "<mml:msub>",
            "<mfrac><mi>x</mi>",
            "<sub>",
            "&amp;lt;",
            "$\\sqrt{",
            "$\\def\\a{\\a\\a}\\a$",
            "<jats:title>",
            "<alternatives>",
            "{\\bf ",
            "\\\"a",
            "x_",
            "\\SI{",
            "<tex-math>",
            "\u{301}",
        ] {
            let text = many(piece);
            let began = std::time::Instant::now();
            let _ = (plain(&text), prose(&text), letters(&text));
            let took = began.elapsed();
            assert!(took.as_secs_f64() < 20.0, "{piece:?} took {took:?}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read(
            text in "\\PC{0,120}",
            tags in "(<|>|</|<i>|</i>|<p>|<sub>|</sub>|<math>|</math>|<mfrac>|<mi>|&amp;|&lt;|&|x|2| |<!--|-->|<jats:title>|</jats:title>|<alternatives>){0,24}",
            tex in "(\\$|\\\\|\\{|\\}|\\^|_|&|~|\\\\frac|\\\\sqrt|\\\\left|\\\\right|\\\\begin|\\{cases\\}|\\\\end|\\\\text|\\\\'|\\(|\\)|\\\\\\\\|x|α|2| |\\\\operatorname|\\\\not|\\\\limits|\\\\color|\\\\hspace|\\\\displaystyle|\\[|\\]){0,24}",
        ) {
            for text in [text, tags, tex.clone(), format!("${tex}$")] {
                let out = plain(&text).into_owned();
                let _ = (prose(&text), spelled(&text), letters(&text), unaccented(&text));
                prop_assert!(!out.contains([OPEN, CLOSE]));
            }
        }

        /// Text and formulas apart are the text that they are together.
        #[test]
        fn pieces_are_the_text(
            tex in "(\\$|\\\\|\\{|\\}|\\^|_|&|~|\\\\frac|\\\\alpha|\\\\'|\\(|\\)|x|α|2| |<i>|</i>|<math><mi>y</mi></math>|\\PC){0,24}",
        ) {
            let joined: String = pieces(&tex).iter().map(|piece| match piece {
                Piece::Text(text) | Piece::Formula { text, .. } => text.as_str(),
            }).collect();
            prop_assert_eq!(joined, plain(&tex).replace([OPEN, CLOSE, SOURCE], ""));
        }

        /// Tags and entities that were taken away are gone.
        #[test]
        fn text_of_tags_is_text(tags in "(<i>|</i>|<p>|</p>|<sub>|</sub>|<jats:p>|</jats:p>|&amp;|&lt;|&eacute;|word|2| |a<b|<think>){0,16}") {
            let once = plain(&tags).into_owned();
            prop_assert_eq!(plain(&once), once.as_str());
        }
    }
}
