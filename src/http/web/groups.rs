//! Papers under headings: by theme, by what brought them.

use serde::Serialize;

use super::cards::Card;

/// What stands above some papers.
#[derive(Debug, Clone, Serialize)]
pub struct Heading {
    /// What they have in common.
    pub name: String,
    /// Where that leads, from the root of the service. Two headings are the same where they lead to the same.
    pub path: String,
    /// Its colour, by number.
    pub hue: Option<u32>,
}

/// Some papers under one heading.
#[derive(Serialize)]
pub struct Group {
    /// Empty where papers are not grouped.
    pub name: String,
    /// Where the heading leads.
    pub path: Option<String>,
    /// Its colour.
    pub hue: Option<u32>,
    /// The papers.
    pub cards: Vec<Card>,
}

impl Group {
    /// Papers that are not grouped.
    pub fn of_all(cards: Vec<Card>) -> Self {
        Group::named(String::new(), cards)
    }

    /// Papers under a heading that leads nowhere.
    pub fn named(name: String, cards: Vec<Card>) -> Self {
        Group { name, path: None, hue: None, cards }
    }
}

/// Papers by their headings, that of the first paper first, and those without one.
pub fn grouped(cards: Vec<Card>, heading: impl Fn(&Card) -> Option<Heading>) -> (Vec<Group>, Vec<Card>) {
    let mut groups: Vec<Group> = Vec::new();
    let mut rest = Vec::new();
    for card in cards {
        match heading(&card) {
            None => rest.push(card),
            Some(heading) => match groups.iter_mut().find(|group| group.path.as_ref() == Some(&heading.path)) {
                Some(group) => group.cards.push(card),
                None => {
                    let Heading { name, path, hue } = heading;
                    groups.push(Group { name, path: Some(path), hue, cards: vec![card] });
                }
            },
        }
    }
    (groups, rest)
}
