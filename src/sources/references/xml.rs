//! Entries of an XML file, one at a time, so that a broken one costs no other.

use html_escape::decode_html_entities;
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

/// An element.
#[derive(Debug, Default)]
pub struct Element {
    /// Its name without a prefix.
    pub name: String,
    attributes: Vec<(String, String)>,
    children: Vec<Child>,
}

#[derive(Debug)]
enum Child {
    Text(String),
    Element(Element),
}

/// How deep elements are told apart; below, only their text counts.
const DEEPEST: usize = 64;

impl Element {
    /// The value of an attribute; blank for none.
    pub fn attribute(&self, name: &str) -> &str {
        self.attributes.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }

    /// The elements of a name directly in it.
    pub fn children<'e, 'n>(&'e self, name: &'n str) -> impl Iterator<Item = &'e Element> + use<'e, 'n> {
        self.children.iter().filter_map(move |child| match child {
            Child::Element(element) if element.name == name => Some(element),
            _ => None,
        })
    }

    /// The first element at the end of a path from it: `contributors/authors`.
    pub fn at(&self, path: &str) -> Option<&Element> {
        path.split('/').try_fold(self, |element, name| element.children(name).next())
    }

    /// All its text, that of the elements in it included.
    pub fn text(&self) -> String {
        let mut out = String::new();
        self.write(&mut out);
        super::draft::spaced(&out)
    }

    /// All its text, with a sign before and behind that of the elements that have one.
    pub fn marked(&self, marks: &[(&str, &str)]) -> String {
        fn write(element: &Element, marks: &[(&str, &str)], out: &mut String) {
            for child in &element.children {
                match child {
                    Child::Text(text) => out.push_str(text),
                    Child::Element(element) => {
                        let mark = marks.iter().find(|(name, _)| *name == element.name).map_or("", |(_, mark)| mark);
                        out.push_str(mark);
                        write(element, marks, out);
                        out.push_str(mark);
                    }
                }
            }
        }
        let mut out = String::new();
        write(self, marks, &mut out);
        super::draft::spaced(&out)
    }

    /// The text at the end of a path; blank for none.
    pub fn text_at(&self, path: &str) -> String {
        self.at(path).map_or_else(String::new, Element::text)
    }

    // No deeper than DEEPEST.
    fn write(&self, out: &mut String) {
        for child in &self.children {
            match child {
                Child::Text(text) => out.push_str(text),
                Child::Element(element) => element.write(out),
            }
        }
    }

    fn push_text(&mut self, text: &str) {
        match self.children.last_mut() {
            Some(Child::Text(last)) => last.push_str(text),
            _ => self.children.push(Child::Text(text.into())),
        }
    }
}

/// The name of the root element, without a prefix.
pub fn root(text: &str) -> Option<String> {
    let mut reader = Reader::from_str(text);
    // Declarations, comments and white space may stand before it.
    for _ in 0..1000 {
        match reader.read_event().ok()? {
            Event::Start(start) | Event::Empty(start) => return Some(start.local_name().as_ref().to_string()),
            Event::Eof => return None,
            _ => {}
        }
    }
    None
}

/// The parts of a text from `<name` to `</name>`, each with the line it begins on. One that is not closed ends before the
/// next.
pub fn elements<'a>(text: &'a str, names: &[&str]) -> Vec<(usize, &'a str)> {
    let mut found: Vec<(usize, &'a str)> = Vec::new();
    let (mut line, mut counted) = (1, 0);
    let mut ends: Vec<(String, usize)> = names.iter().map(|name| (format!("</{name}>"), 0)).collect();
    let opens = |at: usize| names.iter().position(|name| is_open(&text[at + 1..], name));
    let next = |from: usize| text[from..].match_indices('<').map(|(k, _)| from + k).find(|k| opens(*k).is_some());
    let mut start = next(0);
    while let Some(begin) = start {
        let (close, known) = &mut ends[opens(begin).unwrap_or(0)];
        // Where an end lies is looked up once for all elements before it.
        if *known <= begin {
            *known = text[begin..].find(close.as_str()).map_or(text.len(), |k| begin + k + close.len());
        }
        start = next(begin + 1);
        let end = start.map_or(*known, |next| next.min(*known));
        line += text.as_bytes()[counted..begin].iter().filter(|b| **b == b'\n').count();
        counted = begin;
        found.push((line, &text[begin..end]));
    }
    found
}

fn is_open(text: &str, name: &str) -> bool {
    text.strip_prefix(name).is_some_and(|rest| rest.starts_with([' ', '>', '/', '\t', '\n']))
}

/// Reads one element.
///
/// # Errors
/// What is wrong with it.
pub fn parse(text: &str) -> Result<Element, String> {
    let mut reader = Reader::from_str(text);
    let config = reader.config_mut();
    config.allow_dangling_amp = true;
    config.allow_unmatched_ends = false;
    let mut open: Vec<Element> = Vec::new();
    // How many elements too deep to be told apart are open.
    let mut below = 0usize;
    loop {
        match reader.read_event().map_err(|e| format!("this is no XML: {e}"))? {
            Event::Start(start) if open.len() < DEEPEST => open.push(element(&start)),
            Event::Start(_) => below += 1,
            Event::Empty(start) => {
                let element = element(&start);
                match open.last_mut() {
                    Some(parent) => parent.children.push(Child::Element(element)),
                    None => return Ok(element),
                }
            }
            Event::End(_) if below > 0 => below -= 1,
            Event::End(_) => {
                let Some(element) = open.pop() else { return Err("this is no XML: an element ends too often".into()) };
                match open.last_mut() {
                    Some(parent) => parent.children.push(Child::Element(element)),
                    None => return Ok(element),
                }
            }
            Event::Text(text) => {
                if let Some(element) = open.last_mut() {
                    element.push_text(&text);
                }
            }
            Event::CData(text) => {
                if let Some(element) = open.last_mut() {
                    element.push_text(&text);
                }
            }
            // Entities come as events of their own. HTML's are met in XML that does not define them.
            Event::GeneralRef(name) => {
                if let Some(element) = open.last_mut() {
                    element.push_text(&decode_html_entities(&format!("&{};", &*name)));
                }
            }
            Event::Eof => return Err("the entry is not closed".into()),
            _ => {}
        }
    }
}

fn element(start: &BytesStart<'_>) -> Element {
    let mut attributes = Vec::new();
    for attribute in start.attributes().with_checks(false).flatten() {
        let name = attribute.key.local_name().as_ref().to_string();
        attributes.push((name, decode_html_entities(attribute.value.as_ref()).into_owned()));
    }
    Element { name: start.local_name().as_ref().to_string(), attributes, children: Vec::new() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn text_comes_with_its_signs_and_without_its_markup() {
        let element =
            parse("<a k='x &amp; y'><b>H<sub>2</sub>O &amp; <i>r</i>&#233;&nbsp;<![CDATA[<c>]]> &x; & z</b><b/></a>");
        let element = element.expect("reads");
        assert_eq!(element.text_at("b"), "H2O & ré <c> &x; & z");
        assert_eq!((element.attribute("k"), element.children("b").count()), ("x & y", 2));
        assert_eq!(element.text_at("c/d"), "");
    }

    #[test]
    fn what_is_too_deep_is_text() {
        let deep = format!("<a>{}x{}</a>", "<b>".repeat(200_000), "</b>".repeat(200_000));
        assert_eq!(parse(&deep).expect("reads").text(), "x");
    }

    #[test]
    fn a_broken_element_costs_no_other() {
        let text = "<set>\n<r><t>A</t></r>\n<r><t>B</r>\n<r x='1'><t>C</t>\n<r/><r><t>D</t></r></set>";
        let found: Vec<(usize, Option<String>)> =
            elements(text, &["r"]).into_iter().map(|(line, r)| (line, parse(r).ok().map(|r| r.text()))).collect();
        let expected = [(2, Some("A")), (3, None), (4, None), (5, Some("")), (5, Some("D"))];
        assert_eq!(found, expected.map(|(line, t)| (line, t.map(str::to_string))));
        assert_eq!(
            root("<?xml version='1.0'?>\n<!DOCTYPE x SYSTEM 'y'><!-- c --><p:set a='b'>").as_deref(),
            Some("set")
        );
    }

    proptest! {
        #[test]
        fn nothing_panics(text in "(<r>|</r>|<t a='|>|&|;|[a-z]|<!\\[CDATA\\[|-->|<!--|\\PC){0,40}") {
            for (_, part) in elements(&text, &["r"]) {
                let _ = parse(part).map(|e| e.text());
            }
            let _ = root(&text);
        }
    }
}
