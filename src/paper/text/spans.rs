//! Titles and abstracts as they are shown: text, formulas, faces, links, lines.

use std::borrow::Cow;

use super::markup::Kept;
use super::{
    BOLD, BREAK, CLOSE, CODE, Detail, EMPHASIS, END, LINK, LOWERED, MARKERS, MATH, OPEN, RAISED, SOURCE, TO,
    may_be_marked, read,
};

/// Faces inside each other that are told apart.
const MAX_FACES: usize = 8;

/// The longest address, in bytes.
const MAX_ADDRESS: usize = 2000;

/// Lines of a text that was broken to a width have so many characters, but for the last one of a paragraph.
const BROKEN: std::ops::RangeInclusive<usize> = 50..=100;

/// A part of a title or an abstract. Beginnings and ends are balanced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Span {
    /// Text without markup.
    Text(String),
    /// A formula.
    Formula {
        /// What it was written in.
        source: Source,
        /// The same as text.
        text: String,
    },
    /// Here a face begins.
    Begin(Face),
    /// Here the innermost face ends.
    End,
    /// Here a line ends.
    Break {
        /// And a paragraph with it.
        paragraph: bool,
    },
}

/// What a formula was written in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// LaTeX that can be read as a formula, without the signs around it.
    Latex(String),
    /// MathML as it was sent, from `<math` to its end; nobody has looked into it.
    MathMl(String),
}

/// How a text looks, or where it leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Face {
    /// Heavy.
    Bold,
    /// Slanted.
    Emphasis,
    /// As code.
    Code,
    /// Above the line.
    Raised,
    /// Below the line.
    Lowered,
    /// Leads to an address, for which [`is_link`] holds.
    Link(String),
}

/// Whether a text is an address on the web without anything that an address does not have.
pub fn is_link(address: &str) -> bool {
    let scheme = ["https://", "http://"]
        .iter()
        .find(|s| address.get(..s.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(s)));
    let clean = |c: char| !c.is_whitespace() && !c.is_control() && !"<>\"'`{}|\\^".contains(c) && !MARKERS.contains(&c);
    address.len() <= MAX_ADDRESS
        && scheme.is_some_and(|s| address[s.len()..].starts_with(char::is_alphanumeric))
        && address.chars().all(clean)
}

/// The parts of a title or an abstract that may hold JATS, HTML, MathML or LaTeX. Their texts together are what
/// [`super::plain`] gives, but for blanks, and for formulas that could not be read: these are as they came.
pub fn spans(text: &str) -> Vec<Span> {
    if !may_be_marked(text) && !text.contains(['\n', '\r']) && !text.contains(MARKERS) {
        return vec![Span::Text(text.to_string())];
    }
    let mut kept = Kept::default();
    let read = read(text, Detail::Faces, &mut kept);
    let mut builder = Builder::default();
    let mut rest = read.as_str();
    while let Some(found) = rest.find(MARKERS) {
        builder.text(&rest[..found]);
        rest = &rest[found..];
        let mark = rest.chars().next().unwrap_or_default();
        rest = &rest[mark.len_utf8()..];
        match mark {
            OPEN => {
                let (formula, behind) = rest.split_once(CLOSE).unwrap_or((rest, ""));
                builder.formula(formula, &kept);
                rest = behind;
            }
            BOLD => builder.begin(Face::Bold),
            EMPHASIS => builder.begin(Face::Emphasis),
            CODE => builder.begin(Face::Code),
            RAISED => builder.begin(Face::Raised),
            LOWERED => builder.begin(Face::Lowered),
            LINK => {
                let (address, behind) = rest.split_once(TO).unwrap_or(("", rest));
                builder.begin(Face::Link(address.to_string()));
                rest = behind;
            }
            END => builder.end(),
            BREAK => builder.line(),
            // The number of a formula that became a part of a text.
            MATH => rest = rest.strip_prefix(|c| kept.math(c).is_some()).unwrap_or(rest),
            _ => {}
        }
    }
    builder.text(rest);
    builder.finish()
}

/// A text with [`BREAK`] where its lines end, and with blanks where it was only broken to a width.
pub fn lines(text: &str) -> Cow<'_, str> {
    if !text.contains(['\n', '\r']) {
        return Cow::Borrowed(text);
    }
    // There elements say where lines end.
    let tagged = text.contains("</");
    let mut out = String::with_capacity(text.len());
    let mut before: Option<&str> = None;
    for line in text.split('\n') {
        let line = line.trim_end_matches('\r');
        if let Some(before) = before {
            let item = line.trim_start().starts_with(['-', '*', '•', '·', '–']) || line.starts_with([' ', '\t']);
            let whole = !BROKEN.contains(&before.chars().count());
            let blank = before.trim().is_empty() || line.trim().is_empty();
            out.push(if blank || !tagged && (item || whole) { BREAK } else { ' ' });
        }
        out.push_str(line);
        before = Some(line);
    }
    Cow::Owned(out)
}

/// A face that is open.
#[derive(PartialEq)]
enum Open {
    Face,
    Link,
    /// None of the spans: an address that is none, or a link in another.
    Nothing,
}

#[derive(Default)]
struct Builder {
    spans: Vec<Span>,
    /// The faces that are open.
    faces: Vec<Open>,
    /// Faces that are open beyond those.
    deeper: usize,
}

impl Builder {
    fn text(&mut self, text: &str) {
        let text = if matches!(self.spans.last(), Some(Span::Break { .. }) | None) { text.trim_start() } else { text };
        if text.is_empty() {
            return;
        }
        match self.spans.last_mut() {
            Some(Span::Text(before)) => before.push_str(text),
            _ => self.spans.push(Span::Text(text.to_string())),
        }
    }

    fn formula(&mut self, formula: &str, kept: &Kept) {
        let (text, source) = match formula.split_once(SOURCE) {
            Some((text, source)) => (text, Some(Source::Latex(source.to_string()))),
            None => (formula, None),
        };
        let mut maths =
            text.match_indices(MATH).filter_map(|(k, mark)| kept.math(text[k + mark.len()..].chars().next()?));
        let math = match (maths.next(), maths.next()) {
            (Some(math), None) => Some(Source::MathMl(math.to_string())),
            _ => None,
        };
        let mut said = String::with_capacity(text.len());
        let mut chars = text.chars();
        while let Some(c) = chars.next() {
            match c {
                MATH => drop(chars.next()),
                c if MARKERS.contains(&c) => {}
                c => said.push(c),
            }
        }
        match source.or(math) {
            Some(source) => self.spans.push(Span::Formula { source, text: said }),
            None => self.text(&said),
        }
    }

    fn begin(&mut self, face: Face) {
        if self.faces.len() >= MAX_FACES {
            self.deeper += 1;
            return;
        }
        let open = match &face {
            Face::Link(address) if !is_link(address) || self.faces.contains(&Open::Link) => Open::Nothing,
            Face::Link(_) => Open::Link,
            _ => Open::Face,
        };
        if open != Open::Nothing {
            self.spans.push(Span::Begin(face));
        }
        self.faces.push(open);
    }

    fn end(&mut self) {
        if self.deeper > 0 {
            self.deeper -= 1;
        } else if self.faces.pop().is_some_and(|face| face != Open::Nothing) {
            // A face of nothing is none.
            match self.spans.last() {
                Some(Span::Begin(_)) => drop(self.spans.pop()),
                _ => self.spans.push(Span::End),
            }
        }
    }

    fn line(&mut self) {
        if let Some(Span::Text(text)) = self.spans.last_mut() {
            text.truncate(text.trim_end().len());
            if text.is_empty() {
                self.spans.pop();
            }
        }
        match self.spans.last_mut() {
            Some(Span::Break { paragraph }) => *paragraph = true,
            Some(_) => self.spans.push(Span::Break { paragraph: false }),
            None => {}
        }
    }

    fn finish(mut self) -> Vec<Span> {
        self.deeper = 0;
        while !self.faces.is_empty() {
            self.end();
        }
        while let Some(Span::Break { .. }) = self.spans.last() {
            self.spans.pop();
        }
        self.spans
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MATH_OF_TWO: &str = "<mml:math><mml:mi>A</mml:mi><mml:mo>+</mml:mo><mml:mi>B</mml:mi></mml:math>";

    /// Whether any part of a text holds a sign that only says something in here.
    fn leaks(spans: &[Span]) -> bool {
        let inner = |c: char| c >= '\u{f0000}' || MARKERS.contains(&c);
        spans.iter().any(|span| match span {
            Span::Text(text) => text.contains(inner),
            Span::Formula { source: Source::Latex(source) | Source::MathMl(source), text } => {
                text.contains(inner) || source.contains(inner)
            }
            Span::Begin(Face::Link(address)) => address.contains(inner),
            Span::Begin(_) | Span::End | Span::Break { .. } => false,
        })
    }

    #[test]
    fn an_entity_that_was_escaped_twice_costs_no_markup() {
        let text = |text: &str| Span::Text(text.into());
        let math =
            |source: &str, text: &str| Span::Formula { source: Source::MathMl(source.into()), text: text.into() };
        let sent = format!(
            "<jats:p>Methods &amp;amp; results: <jats:italic>E. coli</jats:italic> had $x^2$.</jats:p><jats:p>See {MATH_OF_TWO}.</jats:p>"
        );
        assert_eq!(
            spans(&sent),
            [
                text("Methods & results: "),
                Span::Begin(Face::Emphasis),
                text("E. coli"),
                Span::End,
                text(" had "),
                Span::Formula { source: Source::Latex("x^2".into()), text: "x²".into() },
                text("."),
                Span::Break { paragraph: true },
                text("See "),
                math(MATH_OF_TWO, "A+B"),
                text("."),
            ]
        );
        assert_eq!(super::super::plain(&sent), "Methods & results: E. coli had x². See A+B.");
        // The same where the sign stands in a formula.
        let and = MATH_OF_TWO.replace('+', "&amp;");
        assert_eq!(
            spans(&format!("<b>Both</b> {and}")),
            [Span::Begin(Face::Bold), text("Both"), Span::End, text(" "), math(&and, "A&B")]
        );
    }

    #[test]
    fn what_is_inside_of_a_formula_leaves_no_number() {
        for sent in [
            format!("$a {MATH_OF_TWO} b$"),
            format!("&lt;mml:math&gt;&lt;mml:mi&gt;x&lt;/mml:mi&gt;{MATH_OF_TWO}&lt;/mml:math&gt;"),
            format!("\\[{MATH_OF_TWO}\\unknown\\] &amp;amp; \\href{{https://x.org/{MATH_OF_TWO}}}{{y}}"),
        ] {
            let spans = spans(&sent);
            assert!(!leaks(&spans), "{sent}: {spans:?}");
        }
    }

    proptest! {
        #[test]
        fn no_sign_of_ours_leaks(
            sent in "(<p>|</p>|<i>|</i>|<sub>|</sub>|<mml:math>|</mml:math>|<mml:mi>|</mml:mi>|<math><mi>y</mi><mo>&amp;</mo></math>|&lt;mml:math&gt;|&lt;/mml:math&gt;|&lt;i&gt;|&lt;/i&gt;|&lt;!--|--&gt;|&amp;amp;|&amp;lt;|&#xfdd3;|&#xfdd0;|&|\\$|\\\\\\[|\\\\\\]|\\\\textbf\\{|\\}|\\\\href\\{https://x\\.org/|\\}\\{|%|x|α|2| |\n){0,24}",
        ) {
            let spans = spans(&sent);
            prop_assert!(!leaks(&spans), "{} became {:?}", sent, spans);
        }
    }
}
