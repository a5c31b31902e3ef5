//! Citation keys: `vaswani2017attention`.

use std::collections::HashSet;

use super::record::Record;
use crate::paper::english::is_function_word;
use crate::paper::person::CitedName;
use crate::paper::unaccented;

/// The keys of one list: each is given once, whatever upper and lower case.
#[derive(Debug, Default)]
pub struct Keys(HashSet<String>);

/// The longest word in a key, in letters.
const LONGEST: usize = 24;

impl Keys {
    /// The key of the next paper of the list: the first author's family name, the year and the first telling word of the title,
    /// in plain letters. It is made of the paper alone, so that it is the same in every list; a paper whose key another one of
    /// the list has already gets a few digits behind it, which its id makes.
    pub fn of(&mut self, record: &Record<'_>) -> String {
        let plain = key(record);
        if self.0.insert(plain.clone()) {
            return plain;
        }
        let digits = blake3::hash(record.paper.id.as_str().as_bytes()).to_hex();
        let longer = (4..=digits.len()).map(|n| format!("{plain}-{}", &digits[..n]));
        // A list that has one paper twice has two keys for it all the same.
        let again = (2..).map(|n: u64| format!("{plain}-{digits}-{n}"));
        longer.chain(again).find(|key| self.0.insert(key.clone())).unwrap_or(plain)
    }
}

fn key(record: &Record<'_>) -> String {
    let family = match record.names().next() {
        Some(CitedName::Person { family, .. }) => word(family),
        // `The ATLAS Collaboration` is `atlas`.
        Some(CitedName::Group(name)) => telling(name),
        None => String::new(),
    };
    let year = record.date.first().map_or_else(String::new, ToString::to_string);
    let title = telling(&record.plain_title());
    match format!("{family}{year}{title}") {
        key if key.starts_with(|c: char| c.is_ascii_lowercase()) => key,
        key => format!("paper{key}"),
    }
}

/// The first word of a text that is none of those that every text has, and can be written with plain letters.
fn telling(text: &str) -> String {
    let words =
        || text.split(|c: char| !(c.is_alphanumeric() || c == '\'' || c == '’')).filter(|word| !word.is_empty());
    let tells = |name: &&str| !is_function_word(&name.to_lowercase());
    words().filter(tells).map(word).find(|word| word.len() > 1).unwrap_or_default()
}

/// The plain letters and digits of a word.
fn word(text: &str) -> String {
    unaccented(text).chars().filter(char::is_ascii_alphanumeric).take(LONGEST).collect()
}
