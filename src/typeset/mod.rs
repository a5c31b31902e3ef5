//! Titles and abstracts as they are shown on a page: safe HTML for the inside of an element.
//!
//! A text comes as it was sent, in LaTeX, JATS, HTML with MathML, or plain ([`crate::paper::spans`] reads it). Text is escaped, whatever it
//! looks like. Formulas are signs with `<i>`, `<sub>` and `<sup>` where that is enough (`$O(n^2)$`), else MathML Core; what no
//! parser reads stands as it came. Everything that is HTML in an answer is made here, of these elements alone: `a b em i code
//! sub sup mark` and those of MathML that `typeset/mathml` lists; the one attribute outside MathML is an address on the web.
//!
//! The page gives its elements `white-space: pre-line`: lines end in `\n`.
//!
//! ```
//! use paperkin::typeset;
//!
//! assert_eq!(typeset::title(r"An $O(n^2)$ bound for <b>", None), "An <i>O</i>(<i>n</i>²) bound for &lt;b&gt;");
//! let words = |text: &str| text.find("bound").map(|at| at..at + 5).into_iter().collect();
//! assert_eq!(typeset::lead("A tight bound on what is lost", 13, Some(&words)), "A tight <mark>bound</mark>…");
//! ```

mod mathml;
mod passage;
mod signs;
#[cfg(test)]
mod tests;

use std::ops::Range;

use crate::paper::{Face, Source, Span, hides, is_link, shown, spans, tex};

/// Says which bytes of a text, in which no markup is, are words that somebody looked for; in order.
pub type Matched<'a> = dyn Fn(&str) -> Vec<Range<usize>> + 'a;

/// MathML of one text in bytes; further formulas are shown as text.
const MAX_MATHML: usize = 100_000;

/// The longest address that is looked for in a text, in bytes.
const MAX_LINK: usize = 1000;

/// A title, on one line, without links: it may stand in a link. What `matched` says is marked.
pub fn title(text: &str, matched: Option<&Matched<'_>>) -> String {
    let laid = Laid::new(text);
    laid.html(0..laid.text.len(), &laid.ranges(matched), Manner { links: false, lines: false })
}

/// An abstract, with its lines and links. What `matched` says is marked, but for formulas.
pub fn summary(text: &str, matched: Option<&Matched<'_>>) -> String {
    let laid = Laid::new(text);
    laid.html(0..laid.text.len(), &laid.ranges(matched), Manner { links: true, lines: true })
}

/// A passage of an abstract of at most so many characters (a formula counts by its text), on one line and without links: its beginning,
/// or with `matched` the one that has most of the words. Cut between words, never in a formula; `…` stands for what is left out.
pub fn lead(text: &str, chars: usize, matched: Option<&Matched<'_>>) -> String {
    let laid = Laid::new(text);
    let ranges = laid.ranges(matched);
    let passage = laid.passage(chars, &ranges);
    let manner = Manner { links: false, lines: false };
    let mut out = String::new();
    if passage.start > 0 {
        out.push('…');
    }
    out += &laid.html(passage.clone(), &ranges, manner);
    if passage.end < laid.text.len() {
        out.push('…');
    }
    out
}

/// What of a text becomes what.
#[derive(Clone, Copy)]
struct Manner {
    /// Addresses lead where they say.
    links: bool,
    /// Lines end where they did.
    lines: bool,
}

/// A text in parts, and as a whole.
struct Laid {
    spans: Vec<Span>,
    /// All of it without markup, formulas as text.
    text: String,
    /// Which bytes of that each part is.
    places: Vec<Range<usize>>,
}

impl Laid {
    fn new(text: &str) -> Self {
        let mut laid = Laid { spans: spans(text), text: String::with_capacity(text.len()), places: Vec::new() };
        for span in &mut laid.spans {
            let begin = laid.text.len();
            match span {
                Span::Text(text) => {
                    *text = shown(text);
                    laid.text.push_str(text);
                }
                Span::Formula { text, .. } => {
                    *text = shown(text);
                    laid.text.push_str(text);
                }
                Span::Break { .. } => laid.text.push('\n'),
                Span::Begin(_) | Span::End => {}
            }
            laid.places.push(begin..laid.text.len());
        }
        laid
    }

    /// What is to be marked: in order, apart, and between characters.
    fn ranges(&self, matched: Option<&Matched<'_>>) -> Vec<Range<usize>> {
        let mut ranges: Vec<Range<usize>> = Vec::new();
        for range in matched.map(|matched| matched(&self.text)).unwrap_or_default() {
            let begin = range.start.max(ranges.last().map_or(0, |before| before.end));
            if begin < range.end && self.text.get(begin..range.end).is_some() {
                ranges.push(begin..range.end);
            }
        }
        ranges
    }

    /// The HTML of some bytes of the text.
    fn html(&self, window: Range<usize>, ranges: &[Range<usize>], manner: Manner) -> String {
        let mut page = Page { out: String::with_capacity(window.len() * 5 / 4), open: Vec::new(), ranges };
        let mut mathml = 0;
        for (span, place) in self.spans.iter().zip(&self.places) {
            if place.start >= window.end {
                break;
            }
            match span {
                Span::Begin(Face::Link(_)) if !manner.links => page.open.push(("", None, false)),
                Span::Begin(face) => page.open.push(element(face)),
                Span::End => page.end(),
                Span::Text(text) => {
                    let from = window.start.saturating_sub(place.start);
                    let to = text.len().min(window.end - place.start);
                    if from < to {
                        let links = manner.links && !page.in_link();
                        page.text(&text[from..to], place.start + from, links);
                    }
                }
                Span::Break { paragraph } if place.start >= window.start => {
                    page.begin();
                    page.out.push_str(match (manner.lines, paragraph) {
                        (false, _) => " ",
                        (true, false) => "\n",
                        (true, true) => "\n\n",
                    });
                }
                Span::Formula { source, text } if place.start >= window.start && place.end <= window.end => {
                    let made = if mathml < MAX_MATHML { formula(source) } else { None };
                    if let Some(made) = &made {
                        mathml += made.len();
                    }
                    page.formula(made.as_deref(), text, place);
                }
                Span::Break { .. } | Span::Formula { .. } => {}
            }
        }
        while !page.open.is_empty() {
            page.end();
        }
        page.out
    }
}

/// A formula as HTML.
fn formula(source: &Source) -> Option<String> {
    let made = match source {
        Source::Latex(source) => tex::formula(source, |events| signs::html(&events).or_else(|| mathml::made(events)))?,
        Source::MathMl(source) => mathml::sent(source)?,
    };
    let hidden = |c: char| hides(c) && !('\u{2061}'..='\u{2064}').contains(&c);
    Some(if made.contains(hidden) { made.replace(hidden, "") } else { made })
}

/// The element of a face, its address, and that nothing is in it yet.
fn element(face: &Face) -> (&'static str, Option<&str>, bool) {
    match face {
        Face::Bold => ("b", None, false),
        Face::Emphasis => ("em", None, false),
        Face::Code => ("code", None, false),
        Face::Raised => ("sup", None, false),
        Face::Lowered => ("sub", None, false),
        Face::Link(address) => ("a", Some(address), false),
    }
}

/// HTML that is being written. An element begins when something is in it.
struct Page<'a> {
    out: String,
    /// Elements that are open: the name (none for what is left out), the address, whether it was written.
    open: Vec<(&'static str, Option<&'a str>, bool)>,
    ranges: &'a [Range<usize>],
}

impl Page<'_> {
    fn in_link(&self) -> bool {
        self.open.iter().any(|(name, ..)| *name == "a")
    }

    /// Writes the elements that wait for something in them.
    fn begin(&mut self) {
        let Page { out, open, .. } = self;
        for (name, address, written) in open.iter_mut().filter(|(name, _, written)| !written && !name.is_empty()) {
            match address {
                Some(address) => open_link(out, address),
                None => *out += &format!("<{name}>"),
            }
            *written = true;
        }
    }

    fn end(&mut self) {
        if let Some((name, _, true)) = self.open.pop() {
            self.out += &format!("</{name}>");
        }
    }

    /// Writes text that begins at `at` of the whole; with `links` addresses in it lead where they say.
    fn text(&mut self, text: &str, at: usize, links: bool) {
        self.begin();
        let mut done = 0;
        while links && let Some(link) = address(text, done) {
            self.marked(&text[done..link.start], at + done);
            open_link(&mut self.out, &text[link.clone()]);
            self.marked(&text[link.clone()], at + link.start);
            self.out.push_str("</a>");
            done = link.end;
        }
        self.marked(&text[done..], at + done);
    }

    /// Writes text with what is to be marked in it.
    fn marked(&mut self, text: &str, at: usize) {
        let end = at + text.len();
        // What ends before it is not needed again.
        let passed = self.ranges.iter().take_while(|range| range.end <= at).count();
        self.ranges = &self.ranges[passed..];
        let mut done = at;
        for range in self.ranges.iter().take_while(|range| range.start < end) {
            let (from, to) = (range.start.max(done), range.end.min(end));
            escape(&mut self.out, &text[done - at..from - at]);
            self.out.push_str("<mark>");
            escape(&mut self.out, &text[from - at..to - at]);
            self.out.push_str("</mark>");
            done = to;
        }
        escape(&mut self.out, &text[done - at..]);
    }

    /// Writes a formula, as text where it was not made; marked as a whole or not at all.
    fn formula(&mut self, made: Option<&str>, text: &str, place: &Range<usize>) {
        self.begin();
        let passed = self.ranges.iter().take_while(|range| range.end <= place.start).count();
        self.ranges = &self.ranges[passed..];
        let whole = |range: &Range<usize>| range.start <= place.start && place.end <= range.end;
        let marked = !place.is_empty() && self.ranges.first().is_some_and(whole);
        self.out.push_str(if marked { "<mark>" } else { "" });
        match made {
            Some(made) => self.out.push_str(made),
            None => escape(&mut self.out, text),
        }
        self.out.push_str(if marked { "</mark>" } else { "" });
    }
}

fn escape(out: &mut String, text: &str) {
    out.push_str(&html_escape::encode_text(text));
}

/// Begins a link to an address, which is told nothing of where it was followed.
fn open_link(out: &mut String, address: &str) {
    let address = html_escape::encode_double_quoted_attribute(address);
    *out += &format!("<a href=\"{address}\" rel=\"noreferrer\">");
}

/// Where the next address of a text is, from a byte on.
fn address(text: &str, from: usize) -> Option<Range<usize>> {
    let mut from = from;
    while let Some(found) = text[from..].find("http") {
        let begin = from + found;
        from = begin + 4;
        let rest = &text[begin..];
        let apart = !text[..begin].ends_with(char::is_alphanumeric);
        if !apart || !(rest.starts_with("https://") || rest.starts_with("http://")) {
            continue;
        }
        let ends = |(k, c): &(usize, char)| *k > MAX_LINK || c.is_whitespace() || "<>\"'`{}|\\^…，。）".contains(*c);
        let length = rest.char_indices().find(ends).map_or(rest.len(), |(k, _)| k);
        let link = bare(&rest[..length]);
        if is_link(link) {
            return Some(begin..begin + link.len());
        }
        from = begin + length;
    }
    None
}

/// An address without what ends its sentence, and without a bracket that was opened before it.
fn bare(link: &str) -> &str {
    let excess = |open: char, close: char| link.matches(close).count().saturating_sub(link.matches(open).count());
    let (mut round, mut square) = (excess('(', ')'), excess('[', ']'));
    let goes = |left: &mut usize| {
        let some = *left > 0;
        *left -= usize::from(some);
        some
    };
    link.trim_end_matches(|c| match c {
        ')' => goes(&mut round),
        ']' => goes(&mut square),
        c => ".,;:!?*".contains(c),
    })
}
