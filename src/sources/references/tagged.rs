//! Lists in which each line begins with a tag or goes on with the value before it: RIS, MEDLINE, EndNote, Web of Science.

use crate::cancel;

/// How such a list is written.
pub struct Syntax<'s> {
    /// The tag and the value of a line that has one.
    pub tag: &'s dyn Fn(&str) -> Option<(&str, &str)>,
    /// Whether a tag begins an entry, whatever came before.
    pub begins: fn(&str) -> bool,
    /// Whether a tag with its value ends an entry.
    pub ends: fn(&str, &str) -> bool,
    /// Whether an empty line ends an entry, seeing what comes behind it.
    pub blank_ends: &'s dyn Fn(&str) -> bool,
}

/// What a list holds, in its order.
pub enum Part<'a> {
    /// An entry.
    Record(Record<'a>),
    /// A line that belongs to no entry, the first of several.
    Astray(usize, &'a str),
}

/// The fields of an entry.
#[derive(Debug)]
pub struct Record<'a> {
    /// The line it begins on.
    pub line: usize,
    fields: Vec<(&'a str, String)>,
}

impl<'a> Record<'a> {
    /// The first value of the first of these tags that has one.
    pub fn first(&self, tags: &[&str]) -> Option<&str> {
        tags.iter().find_map(|tag| self.all(&[tag]).find(|value| !value.trim().is_empty()))
    }

    /// All values of these tags, in the order of the entry. Lines of one value are apart by line ends.
    pub fn all<'r, 't>(&'r self, tags: &'t [&'t str]) -> impl Iterator<Item = &'r str> + use<'r, 't, 'a> {
        self.fields.iter().filter(move |(tag, _)| tags.contains(tag)).map(|(_, value)| value.as_str())
    }

    /// Whether it has a tag.
    pub fn has(&self, tag: &str) -> bool {
        self.fields.iter().any(|(known, _)| *known == tag)
    }
}

/// Reads a list, an entry at a time; it ends early when it is [given up](crate::cancel).
pub fn parts<'a>(text: &'a str, syntax: &Syntax<'_>) -> impl Iterator<Item = Part<'a>> {
    let (mut open, mut astray): (Option<Record<'a>>, bool) = (None, false);
    let (mut rest, mut k) = (text, 0);
    std::iter::from_fn(move || {
        // A line ends one entry at most.
        while !rest.is_empty() {
            if cancel::check().is_err() {
                return None;
            }
            k += 1;
            if let Some(part) = line_of(&mut rest, k, syntax, &mut open, &mut astray) {
                return Some(part);
            }
        }
        open.take().map(Part::Record)
    })
}

/// Takes in a line; the entry that it ends, or what belongs to none.
fn line_of<'a>(
    rest: &mut &'a str,
    k: usize,
    syntax: &Syntax<'_>,
    open: &mut Option<Record<'a>>,
    astray: &mut bool,
) -> Option<Part<'a>> {
    let (line, behind) = rest.split_once('\n').unwrap_or((rest, ""));
    *rest = behind;
    match (syntax.tag)(line) {
        Some((tag, value)) if (syntax.ends)(tag, value) => {
            *astray = false;
            open.take().map(Part::Record)
        }
        Some((tag, value)) => {
            let before = if (syntax.begins)(tag) { open.take() } else { None };
            let record = open.get_or_insert_with(|| Record { line: k, fields: Vec::new() });
            record.fields.push((tag, value.trim().to_string()));
            *astray = false;
            before.map(Part::Record)
        }
        None if line.trim().is_empty() => {
            // Of several empty lines the last one counts.
            let more = rest.lines().next().is_some_and(|next| next.trim().is_empty());
            if !more && (syntax.blank_ends)(rest) { open.take().map(Part::Record) } else { None }
        }
        None => match open.as_mut().and_then(|record| record.fields.last_mut()) {
            // A long value goes on.
            Some((_, value)) => {
                value.push('\n');
                value.push_str(line.trim());
                None
            }
            None if !*astray => {
                *astray = true;
                Some(Part::Astray(k, line.trim()))
            }
            None => None,
        },
    }
}
