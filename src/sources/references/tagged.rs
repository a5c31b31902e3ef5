//! Lists in which each line begins with a tag or goes on with the value before it: RIS, MEDLINE, EndNote, Web of Science.

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

/// Reads a list.
pub fn parts<'a>(text: &'a str, syntax: &Syntax<'_>) -> Vec<Part<'a>> {
    let (mut parts, mut open, mut astray): (Vec<Part<'a>>, Option<Record<'a>>, bool) = (Vec::new(), None, false);
    let mut rest = text;
    for k in 1.. {
        if rest.is_empty() {
            break;
        }
        let (line, behind) = rest.split_once('\n').unwrap_or((rest, ""));
        rest = behind;
        match (syntax.tag)(line) {
            Some((tag, value)) if (syntax.ends)(tag, value) => {
                parts.extend(open.take().map(Part::Record));
                astray = false;
            }
            Some((tag, value)) => {
                if (syntax.begins)(tag) {
                    parts.extend(open.take().map(Part::Record));
                }
                let record = open.get_or_insert_with(|| Record { line: k, fields: Vec::new() });
                record.fields.push((tag, value.trim().to_string()));
                astray = false;
            }
            None if line.trim().is_empty() => {
                // Of several empty lines the last one counts.
                let more = rest.lines().next().is_some_and(|next| next.trim().is_empty());
                if !more && (syntax.blank_ends)(rest) {
                    parts.extend(open.take().map(Part::Record));
                }
            }
            None => match open.as_mut().and_then(|record| record.fields.last_mut()) {
                // A long value goes on.
                Some((_, value)) => {
                    value.push('\n');
                    value.push_str(line.trim());
                }
                None if !astray => {
                    parts.push(Part::Astray(k, line.trim()));
                    astray = true;
                }
                None => {}
            },
        }
    }
    parts.extend(open.map(Part::Record));
    parts
}
