//! JATS, HTML and MathML: tags fall away, entities become what they stand for, formulas one line of text.

use super::tags::{BLOCKS, Kind, Tag, Token, matched, tokens};
use super::{BOLD, BREAK, CLOSE, CODE, EMPHASIS, END, LOWERED, MARKERS, MATH, OPEN, RAISED, formula, listed, unmarked};

/// Elements inside each other that are told apart; deeper ones are read as text of the one around them.
const MAX_DEPTH: usize = 64;

/// Elements that are shown slanted or heavy: around them some sources lose the blanks.
const FACES: &str = " i b em strong italic bold ";

/// Elements that are shown as code.
const TYPED: &str = " code tt monospace ";

/// The mark of an element that is shown slanted or heavy.
fn face(name: &str) -> char {
    if matches!(name, "b" | "strong" | "bold") { BOLD } else { EMPHASIS }
}

/// A text that is raised or lowered, where no signs do it.
fn set(mark: char, text: String, kept: bool) -> String {
    if kept { format!("{mark}{text}{END}") } else { text }
}

/// Formulas in MathML that are kept of one text, and the first of the signs that number them.
const MAX_MATHS: usize = 10_000;
const FIRST_MATH: u32 = 0xf_0000;

/// What is kept of the markup beside the text.
#[derive(Debug, Default)]
pub struct Kept {
    /// The MathML of formulas, by their numbers.
    maths: Vec<String>,
}

impl Kept {
    /// The MathML that a number behind [`MATH`] stands for.
    pub fn math(&self, number: char) -> Option<&str> {
        self.maths.get((number as usize).checked_sub(FIRST_MATH as usize)?).map(String::as_str)
    }
}

/// The text without its markup; `None` where there is none. With `kept` faces, blocks and MathML stay as marks in the text.
pub fn strip(text: &str, kept: Option<&mut Kept>) -> Option<String> {
    if !text.contains(['<', '&']) {
        return None;
    }
    let tokens = matched(tokens(text));
    let tags = tokens.iter().any(|t| !matches!(t, Token::Text(_)));
    if !tags {
        let plain = decoded(text);
        return (plain != text).then_some(plain);
    }
    let mut reader = MarkupParser { source: text, kept, ..MarkupParser::default() };
    let mut tokens = tokens.iter().peekable();
    while let Some(token) = tokens.next() {
        match token {
            Token::Text(text) => reader.text(&decoded(text)),
            Token::Verbatim(text) => reader.text(text),
            Token::Tag(tag) => {
                let next = match tokens.peek() {
                    Some(Token::Text(text)) => *text,
                    _ => "",
                };
                reader.tag(tag, next);
            }
        }
    }
    let out = reader.end().split_whitespace().collect::<Vec<_>>().join(" ");
    (out != text).then_some(out)
}

/// Entities as what they stand for, without control characters. Marks that stand in the text stay; none comes of an entity.
fn decoded(text: &str) -> String {
    if !text.contains('&') {
        return text.to_string();
    }
    let mut out = String::with_capacity(text.len());
    for part in text.split_inclusive(MARKERS) {
        let said = part.trim_end_matches(MARKERS);
        out.extend(html_escape::decode_html_entities(said).chars().map(|c| match c {
            '\n' | '\t' | '\r' => c,
            '\u{a0}' | '\u{2003}' | '\u{2002}' | '\u{2009}' => ' ',
            c if c.is_control() || MARKERS.contains(&c) => ' ',
            c => c,
        }));
        out.push_str(&part[said.len()..]);
    }
    out
}

/// How an element becomes text.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Shape {
    /// Its text, as it comes.
    Flow,
    /// A row of a formula.
    Row,
    /// A leaf of a formula: a letter, a number, a sign, a word.
    Leaf,
    /// Parts of a formula that stand below or above each other.
    Parts,
    /// The same formula in several languages.
    Choice,
    /// A formula in LaTeX.
    Tex,
    /// Nothing.
    Dropped,
}

fn shape_of(name: &str) -> Option<Shape> {
    Some(match name {
        "title" | "h1" | "h2" | "h3" | "h4" | "sub" | "inf" | "sup" => Shape::Flow,
        "math" | "mrow" | "mstyle" | "mtd" | "mtr" | "mtable" | "msqrt" | "mfenced" | "menclose" | "mpadded"
        | "merror" => Shape::Row,
        "mi" | "mn" | "mo" | "mtext" | "ms" => Shape::Leaf,
        "msub" | "msup" | "msubsup" | "mfrac" | "mroot" | "munder" | "mover" | "munderover" | "mmultiscripts" => {
            Shape::Parts
        }
        "alternatives" | "inline-formula" | "disp-formula" | "formula" | "semantics" => Shape::Choice,
        "tex-math" | "annotation" | "tex" => Shape::Tex,
        "script" | "style" | "annotation-xml" | "mphantom" => Shape::Dropped,
        _ => return None,
    })
}

#[derive(Debug)]
struct Frame {
    name: String,
    shape: Shape,
    text: String,
    /// Where it begins in the source.
    begin: usize,
    /// The parts inside that count one by one, by their names.
    parts: Vec<(String, String)>,
}

/// Builds the text, with the elements that are open.
#[derive(Debug, Default)]
struct MarkupParser<'a> {
    source: &'a str,
    kept: Option<&'a mut Kept>,
    out: String,
    frames: Vec<Frame>,
    /// Open elements that are no frames of their own since there are too many.
    deeper: usize,
    /// Where the text of slanted and heavy elements began.
    faces: Vec<usize>,
    /// Where the last heading ends.
    headed: usize,
    /// The same with the blank behind it, in what it is a part of.
    titled: usize,
}

impl MarkupParser<'_> {
    fn target(&mut self) -> &mut String {
        match self.frames.last_mut() {
            Some(frame) => &mut frame.text,
            None => &mut self.out,
        }
    }

    fn text(&mut self, text: &str) {
        match self.frames.last_mut() {
            Some(frame) => match frame.shape {
                Shape::Row => formula::join_leaf(&mut frame.text, text),
                Shape::Parts if text.trim().is_empty() => {}
                Shape::Parts => frame.parts.push((String::new(), text.trim().to_string())),
                Shape::Dropped => {}
                Shape::Flow | Shape::Leaf | Shape::Choice | Shape::Tex => frame.text.push_str(text),
            },
            None => self.out.push_str(text),
        }
    }

    /// Reads a tag; `next` is the text behind it.
    fn tag(&mut self, tag: &Tag<'_>, next: &str) {
        let name = tag.name.as_str();
        let shape = shape_of(name);
        match (tag.kind, shape) {
            (Kind::Open, Some(shape)) if self.frames.len() < MAX_DEPTH => {
                if listed(BLOCKS, name) {
                    self.block(name);
                }
                let (text, parts) = (String::new(), Vec::new());
                self.frames.push(Frame { name: name.to_string(), shape, text, begin: tag.at, parts });
            }
            (Kind::Open, Some(_)) => self.deeper += 1,
            (Kind::Close, Some(_)) if self.deeper > 0 => self.deeper -= 1,
            (Kind::Close, Some(_)) => {
                if let Some(place) = self.frames.iter().rposition(|f| f.name == name) {
                    // What was never closed inside ends here as well.
                    while self.frames.len() > place {
                        if self.frames.len() == place + 1 && name == "math" {
                            self.keep_math(place, tag.at + tag.source.len());
                        }
                        self.close();
                    }
                }
            }
            (Kind::Empty, _) if matches!(name, "mi" | "mn" | "none") => {
                if let Some(Frame { shape: Shape::Parts, parts, .. }) = self.frames.last_mut() {
                    parts.push((name.to_string(), String::new()));
                }
            }
            (Kind::Empty, _) if name == "mspace" => self.blank(),
            (Kind::Open, None) if listed(FACES, name) => {
                let target = self.target();
                if target.ends_with(char::is_lowercase) && next.starts_with(char::is_uppercase) {
                    target.push(' ');
                }
                self.mark(face(name));
                let begin = self.target().len();
                self.faces.push(begin);
            }
            (Kind::Close, None) if listed(FACES, name) => {
                let begin = self.faces.pop().unwrap_or_default();
                let target = self.target();
                let face = target.get(begin..).unwrap_or_default();
                let word = face.starts_with(char::is_uppercase) && face.chars().count() >= 4;
                let follows = next.chars().take_while(|c| c.is_lowercase()).count() >= 2;
                let parted = word && follows && face.ends_with(char::is_lowercase);
                self.mark(END);
                if parted {
                    self.target().push(' ');
                }
            }
            _ if listed(BLOCKS, name) => self.block(name),
            (Kind::Open, None) if listed(TYPED, name) => self.mark(CODE),
            (Kind::Close, None) if listed(TYPED, name) => self.mark(END),
            _ => {}
        }
    }

    /// Sets a mark, where marks are kept.
    fn mark(&mut self, mark: char) {
        if self.kept.is_some() {
            self.target().push(mark);
        }
    }

    /// Ends a line, or parts two cells of a table.
    fn block(&mut self, name: &str) {
        if self.kept.is_none() || matches!(name, "td" | "th") {
            self.blank();
        } else if ![0, self.titled].contains(&self.target().len()) && !self.target().ends_with(BREAK) {
            self.mark(BREAK);
            if !matches!(name, "br" | "break" | "li" | "tr" | "list-item" | "dt" | "dd") {
                self.mark(BREAK);
            }
        }
    }

    /// Keeps the MathML of a formula that ends at `end` of the source and is in no other.
    fn keep_math(&mut self, frame: usize, end: usize) {
        if self.frames[..frame].iter().any(|around| around.name == "math") {
            return;
        }
        let Frame { text, begin, .. } = &mut self.frames[frame];
        if let Some(kept) = self.kept.as_deref_mut()
            && let (Some(math), true) = (self.source.get(*begin..end), kept.maths.len() < MAX_MATHS)
            && let Some(number) = char::from_u32(FIRST_MATH + kept.maths.len() as u32)
        {
            kept.maths.push(unmarked(math));
            text.extend([MATH, number]);
        }
    }

    fn blank(&mut self) {
        let target = self.target();
        if target.ends_with(|c: char| !c.is_whitespace()) {
            target.push(' ');
        }
    }

    /// Ends the innermost element.
    fn close(&mut self) {
        let Some(frame) = self.frames.pop() else { return };
        let Frame { name, shape, mut text, parts, .. } = frame;
        let part = |k: usize| parts.get(k).map_or("", |(_, text)| text.as_str());
        match shape {
            Shape::Dropped => return,
            Shape::Leaf | Shape::Tex => text = text.trim().to_string(),
            Shape::Row if name == "msqrt" => text = formula::root("", &text),
            Shape::Row if name == "mfenced" => text = format!("({})", text.trim()),
            Shape::Row => {}
            Shape::Parts => {
                text = match name.as_str() {
                    "msub" | "munder" => formula::scripts(part(0), part(1), ""),
                    // What stands over a letter is an accent or an arrow: the letter is the word.
                    "mover" => part(0).to_string(),
                    "msup" => formula::scripts(part(0), "", part(1)),
                    "mfrac" => formula::fraction(part(0), part(1)),
                    "mroot" => formula::root(part(1), part(0)),
                    _ => formula::scripts(part(0), part(1), part(2)),
                };
            }
            Shape::Choice => {
                // The formula in MathML, else what else is no LaTeX, else that.
                let said = || parts.iter().filter(|(_, text)| !text.trim().is_empty());
                let tex = |name: &str| shape_of(name) == Some(Shape::Tex);
                let math = said().find(|(name, _)| name == "math");
                let chosen = math.or_else(|| said().find(|(name, _)| !tex(name))).or_else(|| said().next());
                text.extend(chosen.map(|(_, text)| text.as_str()));
            }
            Shape::Flow => {}
        }
        self.put(name, shape, text);
    }

    /// Gives the text of an element to the one around it.
    fn put(&mut self, name: String, shape: Shape, mut text: String) {
        let around = self.frames.last().map(|f| f.shape);
        if shape == Shape::Tex {
            if let Some((_, document)) = text.split_once("\\begin{document}") {
                text = document.split("\\end{document}").next().unwrap_or_default().trim().to_string();
            }
            // Left to what reads LaTeX, which comes next and looks for signs around it.
            if !text.is_empty() && !["$", "\\(", "\\["].iter().any(|sign| text.contains(sign)) {
                text = format!("${text}$");
            }
        }
        match (around, name.as_str()) {
            (Some(Shape::Choice | Shape::Parts), _) => {
                if let Some(frame) = self.frames.last_mut() {
                    frame.parts.push((name, text));
                }
            }
            (Some(Shape::Row), _) => {
                if let Some(frame) = self.frames.last_mut() {
                    match shape {
                        Shape::Leaf => formula::join_leaf(&mut frame.text, &text),
                        _ => formula::join(&mut frame.text, &text),
                    }
                    if matches!(name.as_str(), "mtd" | "mtr") {
                        frame.text.push(' ');
                    }
                }
            }
            (_, "math" | "semantics" | "alternatives" | "inline-formula" | "disp-formula" | "formula")
                if !text.contains(['$', '\\', OPEN]) =>
            {
                let text = format!("{OPEN}{}{CLOSE}", text.split_whitespace().collect::<Vec<_>>().join(" "));
                self.target().push_str(&text);
            }
            (_, "sub" | "inf") => {
                let text = formula::lowered(text.trim()).unwrap_or_else(|| set(LOWERED, text, self.kept.is_some()));
                self.target().push_str(&text);
            }
            (_, "sup") => {
                let text = formula::raised(text.trim()).unwrap_or_else(|| set(RAISED, text, self.kept.is_some()));
                self.target().push_str(&text);
            }
            (_, "title" | "h1" | "h2" | "h3" | "h4") => self.heading(text.trim()),
            _ => {
                self.target().push_str(&text);
                if listed(BLOCKS, &name) {
                    self.block(&name);
                }
            }
        }
    }

    /// A heading stands before its text with a colon; that an abstract is one needs no saying.
    fn heading(&mut self, text: &str) {
        let alone = self.frames.is_empty();
        let target = self.target();
        let bare = text.trim_end_matches([':', '.']).to_lowercase();
        if text.is_empty() || (target.trim().is_empty() && (bare == "abstract" || bare == "summary")) {
            return;
        }
        let ends = text.ends_with(|c: char| c.is_alphanumeric() || c == ')');
        let text = set(BOLD, text.to_string(), self.kept.is_some());
        let target = self.target();
        target.push_str(&text);
        if ends {
            target.push(':');
            if alone {
                self.headed = self.out.len();
            }
        }
        self.blank();
        self.titled = self.target().len();
    }

    fn end(mut self) -> String {
        while !self.frames.is_empty() {
            self.close();
        }
        // Nothing came behind the last heading.
        let said = self.out.trim_end_matches(|c: char| c.is_whitespace() || c == BREAK).len();
        if self.headed > 0 && said == self.headed {
            self.out.truncate(self.headed - 1);
        }
        self.out
    }
}
