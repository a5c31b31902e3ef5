//! JATS, HTML and MathML: tags fall away, entities become what they stand for, formulas one line of text.
//!
//! Text is full of what only looks like a tag (`a<b, then c>`, `<think>`, `<eos>`), so only what is known counts as one: a name
//! of a list, with attributes as XML has them, and for names that could be anything its other half as well.

use quick_xml::events::BytesStart;

use super::{CLOSE, OPEN, formula, listed, within};

/// The longest tag, in bytes.
const MAX_TAG: usize = 2000;

/// Elements inside each other that are told apart; deeper ones are read as text of the one around them.
const MAX_DEPTH: usize = 64;

/// Prefixes of names that are nothing but markup, whatever the name.
const PREFIXES: [&str; 8] = ["jats", "mml", "m", "math", "mathml", "html", "xhtml", "ns0"];

/// Elements that end a line.
const BLOCKS: &str = " p div br hr sec section title abstract trans-abstract list list-item def-list def-item ul ol li dl dt dd \
h1 h2 h3 h4 h5 h6 tr td th table thead tbody caption blockquote disp-quote disp-formula boxed-text fig table-wrap label pre \
break article body front ";

/// Elements inside a line.
const INLINE: &str = " i b em strong italic bold u underline sub sup inf small big sc font span a tt code monospace sans-serif \
roman strike del ins mark abbr cite xref ext-link uri email named-content styled-content inline-formula formula alternatives \
tex-math tex inline-graphic graphic fn script style ";

/// MathML without a prefix.
const MATH: &str = " math mrow mi mn mo mtext ms mspace msub msup msubsup mfrac msqrt mroot munder mover munderover mfenced \
menclose mtable mtr mtd mstyle merror mpadded mphantom mmultiscripts mprescripts semantics annotation annotation-xml ";

/// Elements that are shown slanted or heavy: around them some sources lose the blanks.
const FACES: &str = " i b em strong italic bold ";

#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    Open,
    Close,
    Empty,
}

#[derive(Debug)]
enum Token<'a> {
    Text(&'a str),
    /// What stands in a CDATA section: no entities.
    Verbatim(&'a str),
    Tag(Tag<'a>),
}

#[derive(Debug)]
struct Tag<'a> {
    kind: Kind,
    /// Without its prefix, in lower case.
    name: String,
    /// As it stands in the text.
    source: &'a str,
    /// Whether it counts without its other half.
    sure: bool,
}

/// The text without its markup; `None` where there is none.
pub fn strip(text: &str) -> Option<String> {
    if !text.contains(['<', '&']) {
        return None;
    }
    let tokens = matched(tokens(text));
    let tags = tokens.iter().any(|t| !matches!(t, Token::Text(_)));
    if !tags {
        let plain = decoded(text);
        return (plain != text).then_some(plain);
    }
    let mut reader = MarkupParser::default();
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

/// Entities as what they stand for, without control characters.
fn decoded(text: &str) -> String {
    if !text.contains('&') {
        return text.to_string();
    }
    let plain = html_escape::decode_html_entities(text);
    plain
        .chars()
        .map(|c| match c {
            '\n' | '\t' | '\r' => c,
            '\u{a0}' | '\u{2003}' | '\u{2002}' | '\u{2009}' => ' ',
            c if c.is_control() => ' ',
            c => c,
        })
        .collect()
}

/// Parts a text into what may be a tag and what lies between.
fn tokens(text: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let (mut begin, mut at) = (0, 0);
    // An end that was looked for and is not there is not there further on either.
    let (mut comments, mut sections) = (true, true);
    while let Some(found) = text[at..].find('<') {
        let start = at + found;
        let rest = &text[start..];
        let mut token = None;
        if let (true, Some(inner)) = (comments, rest.strip_prefix("<!--")) {
            match inner.find("-->") {
                Some(end) => token = Some((end + 7, Token::Verbatim(""))),
                None => comments = false,
            }
        } else if let (true, Some(inner)) = (sections, rest.strip_prefix("<![CDATA[")) {
            match inner.find("]]>") {
                Some(end) => token = Some((end + 12, Token::Verbatim(&inner[..end]))),
                None => sections = false,
            }
        } else if let Some(end) =
            within(&rest[1..], MAX_TAG).find(['<', '>']).filter(|end| rest[1 + end..].starts_with('>'))
        {
            let inner = &rest[1..1 + end];
            if inner.starts_with("?xml") || inner.starts_with("!DOCTYPE") {
                token = Some((end + 2, Token::Verbatim("")));
            } else if let Some(tag) = tag(&rest[..end + 2]) {
                token = Some((end + 2, Token::Tag(tag)));
            }
        }
        match token {
            Some((length, token)) => {
                if start > begin {
                    tokens.push(Token::Text(&text[begin..start]));
                }
                tokens.push(token);
                begin = start + length;
                at = begin;
            }
            None => at = start + 1,
        }
    }
    if begin < text.len() {
        tokens.push(Token::Text(&text[begin..]));
    }
    tokens
}

/// Reads `<name attribute="value">`, `</name>`, `<name/>`; nothing where the name is not known.
fn tag(source: &str) -> Option<Tag<'_>> {
    let inner = &source[1..source.len() - 1];
    let (kind, inner) = match (inner.strip_prefix('/'), inner.strip_suffix('/')) {
        (Some(name), _) => (Kind::Close, name),
        (None, Some(inner)) => (Kind::Empty, inner),
        (None, None) => (Kind::Open, inner),
    };
    let length = inner.find(|c: char| c.is_whitespace()).unwrap_or(inner.len());
    let full = &inner[..length];
    let (prefix, local) = full.split_once(':').map_or(("", full), |(prefix, local)| (prefix, local));
    let named = |s: &str| {
        s.starts_with(|c: char| c.is_ascii_alphabetic())
            && s.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
    };
    if !named(local) || (!prefix.is_empty() && !named(prefix)) {
        return None;
    }
    let name = local.to_ascii_lowercase();
    let prefixed = !prefix.is_empty() && PREFIXES.contains(&prefix.to_ascii_lowercase().as_str());
    let math = prefix.is_empty() && listed(MATH, &name);
    let other = prefix.is_empty() && (listed(BLOCKS, &name) || listed(INLINE, &name));
    if !(prefixed || math || other) {
        return None;
    }
    let attributes = &inner[length..];
    if kind == Kind::Close && !attributes.trim().is_empty() {
        return None;
    }
    if !attributes.trim().is_empty() && BytesStart::from_content(inner, length).attributes().any(|a| a.is_err()) {
        return None;
    }
    let sure = prefixed || name == "br" || (kind == Kind::Empty && (math || other));
    Some(Tag { kind, name, source, sure })
}

/// The tokens, with tags that lack their other half as the text that they are.
fn matched(mut tokens: Vec<Token<'_>>) -> Vec<Token<'_>> {
    // Of each name the ends that no beginning has taken yet, from the last one back.
    let mut ends: std::collections::HashMap<String, Vec<usize>> = std::collections::HashMap::new();
    let mut counts = vec![false; tokens.len()];
    let paragraphs = |t: &Token<'_>| matches!(t, Token::Tag(tag) if tag.name == "p" && tag.kind == Kind::Open);
    let begins = tokens.first().is_some_and(paragraphs);
    let many = begins || tokens.iter().filter(|t| paragraphs(t)).count() > 1;
    for (k, token) in tokens.iter().enumerate().rev() {
        match token {
            Token::Tag(tag) if tag.sure || (many && tag.name == "p") => counts[k] = true,
            Token::Tag(Tag { kind: Kind::Close, name, .. }) => ends.entry(name.clone()).or_default().push(k),
            Token::Tag(Tag { kind: Kind::Open, name, .. }) => {
                if let Some(end) = ends.get_mut(name).and_then(Vec::pop) {
                    (counts[k], counts[end]) = (true, true);
                }
            }
            _ => {}
        }
    }
    for (token, counts) in tokens.iter_mut().zip(counts) {
        let source = match token {
            Token::Tag(tag) if !counts => tag.source,
            _ => continue,
        };
        *token = Token::Text(source);
    }
    tokens
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
    /// The parts inside that count one by one, by their names.
    parts: Vec<(String, String)>,
}

/// Builds the text, with the elements that are open.
#[derive(Debug, Default)]
struct MarkupParser {
    out: String,
    frames: Vec<Frame>,
    /// Open elements that are no frames of their own since there are too many.
    deeper: usize,
    /// Where the text of slanted and heavy elements began.
    faces: Vec<usize>,
    /// Where the last heading ends.
    headed: usize,
}

impl MarkupParser {
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
                    self.blank();
                }
                self.frames.push(Frame { name: name.to_string(), shape, text: String::new(), parts: Vec::new() });
            }
            (Kind::Open, Some(_)) => self.deeper += 1,
            (Kind::Close, Some(_)) if self.deeper > 0 => self.deeper -= 1,
            (Kind::Close, Some(_)) => {
                if let Some(place) = self.frames.iter().rposition(|f| f.name == name) {
                    // What was never closed inside ends here as well.
                    while self.frames.len() > place {
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
                let begin = target.len();
                self.faces.push(begin);
            }
            (Kind::Close, None) if listed(FACES, name) => {
                let begin = self.faces.pop().unwrap_or_default();
                let target = self.target();
                let face = target.get(begin..).unwrap_or_default();
                let word = face.starts_with(char::is_uppercase) && face.chars().count() >= 4;
                let follows = next.chars().take_while(|c| c.is_lowercase()).count() >= 2;
                if word && follows && face.ends_with(char::is_lowercase) {
                    target.push(' ');
                }
            }
            _ if listed(BLOCKS, name) => self.blank(),
            _ => {}
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
        let Frame { name, shape, mut text, parts } = frame;
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
                let text = formula::lowered(text.trim()).unwrap_or(text);
                self.target().push_str(&text);
            }
            (_, "sup") => {
                let text = formula::raised(text.trim()).unwrap_or(text);
                self.target().push_str(&text);
            }
            (_, "title" | "h1" | "h2" | "h3" | "h4") => self.heading(text.trim()),
            _ => {
                let block = listed(BLOCKS, &name);
                self.target().push_str(&text);
                if block {
                    self.blank();
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
        target.push_str(text);
        if text.ends_with(|c: char| c.is_alphanumeric() || c == ')') {
            target.push(':');
            if alone {
                self.headed = self.out.len();
            }
        }
        self.blank();
    }

    fn end(mut self) -> String {
        while !self.frames.is_empty() {
            self.close();
        }
        // Nothing came behind the last heading.
        if self.headed > 0 && self.out.trim_end().len() == self.headed {
            self.out.truncate(self.headed - 1);
        }
        self.out
    }
}
