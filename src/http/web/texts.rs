//! What the pages for reading and for whoever looks after the service say, in one place (`texts/en/*.toml`, a file a page): their
//! templates name a text and hold none, so that another language is another folder. The pages of signing in, those behind the links
//! of mails and the map still hold their own.
//!
//! A text may hold places: `{n}` is what the template gives under that name, `{n:paper|papers}` the one word or the other by
//! whether it is one.

use std::collections::BTreeMap;

use minijinja::value::{Kwargs, Serde};
use minijinja::{Environment, Error, ErrorKind, Value};

use crate::templates::{Text, text};

/// The texts, by page.
const ENGLISH: &[Text] = &[
    text!("frame", "src/http/web", "texts/en/frame.toml"),
    text!("paper", "src/http/web", "texts/en/paper.toml"),
    text!("search", "src/http/web", "texts/en/search.toml"),
    text!("for_you", "src/http/web", "texts/en/for_you.toml"),
    text!("begin", "src/http/web", "texts/en/begin.toml"),
    text!("reader", "src/http/web", "texts/en/reader.toml"),
    text!("library", "src/http/web", "texts/en/library.toml"),
    text!("themes", "src/http/web", "texts/en/themes.toml"),
    text!("subscribe", "src/http/web", "texts/en/subscribe.toml"),
    text!("admin", "src/http/web", "texts/en/admin.toml"),
    text!("script", "src/http/web", "texts/en/script.toml"),
    text!("today", "src/http/web", "texts/en/today.toml"),
];

/// Gives templates the texts, as `t`, and what fills their places, as the filter `fill`.
pub fn prepare(templates: &mut Environment<'static>) {
    templates.add_global("t", all());
    templates.add_filter("fill", |text: String, given: Kwargs| fill(&text, &given));
}

/// One text, by the name of its page and its own; its name where there is none, which a test would find.
pub fn text_of(page: &str, name: &str) -> String {
    let found = all().get_attr(page).and_then(|page| page.get_attr(name)).ok();
    found.and_then(|text| text.as_str().map(str::to_string)).unwrap_or_else(|| format!("{page}.{name}"))
}

fn all() -> Value {
    let pages: BTreeMap<&str, toml::Table> = ENGLISH.iter().map(|file| (file.name, read(file))).collect();
    Value::from(Serde(pages))
}

fn read(file: &Text) -> toml::Table {
    file.now().parse().unwrap_or_else(|e| {
        tracing::error!("the texts of {}: {e}", file.name);
        toml::Table::new()
    })
}

/// Puts what is given into the places of a text.
fn fill(text: &str, given: &Kwargs) -> Result<String, Error> {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, place)) = rest.split_once('{') {
        let wrong = || Error::new(ErrorKind::InvalidOperation, format!("a place of the text {text:?} has no end"));
        let (place, behind) = place.split_once('}').ok_or_else(wrong)?;
        filled.push_str(before);
        match place.split_once(':') {
            None => filled.push_str(&given.get::<Value>(place)?.to_string()),
            Some((name, words)) => {
                let (one, many) = words.split_once('|').unwrap_or((words, words));
                let is_one = given.get::<Value>(name)?.to_string() == "1";
                filled.push_str(if is_one { one } else { many });
            }
        }
        rest = behind;
    }
    filled.push_str(rest);
    given.assert_all_used()?;
    Ok(filled)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_of_texts_is_read_and_places_are_filled() {
        for file in ENGLISH {
            let texts: toml::Table = file.text.parse().expect(file.name);
            assert!(!texts.is_empty() && texts.values().all(toml::Value::is_str), "{}", file.name);
        }
        let mut templates = Environment::new();
        prepare(&mut templates);
        let filled = |template: &str| templates.render_str(template, ()).expect("filled");
        assert_eq!(filled("{{ 'Of {a}: {n} {n:paper|papers}.'|fill(a='x', n=1) }}"), "Of x: 1 paper.");
        assert_eq!(filled("{{ '{n} {n:paper|papers}'|fill(n='2,100') }}"), "2,100 papers");
        assert!(templates.render_str("{{ '{n}'|fill }}", ()).is_err());
        assert!(templates.render_str("{{ 'none'|fill(n=1) }}", ()).is_err());
    }
}
