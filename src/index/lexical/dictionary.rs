//! Words by number: every term that a paper holds, with the form that a person reads.

use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};

const EMPTY: u32 = u32::MAX;

/// Terms in one string, found by open addressing. Numbers are given in the order in which terms came and stay for ever.
#[derive(Default)]
pub struct Dictionary {
    terms: Column,
    surfaces: Column,
    slots: Vec<u32>,
}

/// Many short texts in one.
#[derive(Default)]
struct Column {
    text: String,
    ends: Vec<u32>,
}

impl Column {
    fn push(&mut self, text: &str) {
        self.text.push_str(text);
        self.ends.push(u32::try_from(self.text.len()).unwrap_or(u32::MAX));
    }

    fn get(&self, k: usize) -> Option<&str> {
        let begin = if k == 0 { 0 } else { *self.ends.get(k - 1)? as usize };
        self.text.get(begin..*self.ends.get(k)? as usize)
    }
}

impl Dictionary {
    /// How many terms there are.
    pub fn len(&self) -> usize {
        self.terms.ends.len()
    }

    /// The number of a term.
    pub fn find(&self, term: &str) -> Option<u32> {
        let id = *self.slots.get(self.slot(term)?)?;
        (id != EMPTY).then_some(id)
    }

    /// The number of a term, given now if it has none. `surface` is what a person reads for it.
    pub fn intern(&mut self, term: &str, surface: &str) -> u32 {
        if (self.len() + 1) * 2 > self.slots.len() {
            self.grow();
        }
        let Some(slot) = self.slot(term) else { return EMPTY };
        if self.slots[slot] == EMPTY {
            self.slots[slot] = u32::try_from(self.len()).unwrap_or(EMPTY);
            self.terms.push(term);
            self.surfaces.push(surface);
        }
        self.slots[slot]
    }

    /// The form that is compared.
    pub fn term(&self, id: u32) -> Option<&str> {
        self.terms.get(id as usize)
    }

    /// The form that a person reads.
    pub fn surface(&self, id: u32) -> Option<&str> {
        self.surfaces.get(id as usize)
    }

    /// The slot that holds the term, or the free one where it belongs.
    fn slot(&self, term: &str) -> Option<usize> {
        let mask = self.slots.len().checked_sub(1)?;
        let hash = BuildHasherDefault::<DefaultHasher>::default().hash_one(term);
        let mut slot = hash as usize & mask;
        loop {
            match self.slots[slot] {
                EMPTY => return Some(slot),
                id if self.term(id) == Some(term) => return Some(slot),
                _ => slot = (slot + 1) & mask,
            }
        }
    }

    fn grow(&mut self) {
        self.slots = vec![EMPTY; (4 * self.len()).next_power_of_two().max(1024)];
        for id in 0..self.len() {
            let term = self.terms.get(id).unwrap_or_default();
            if let Some(slot) = self.slot(term) {
                self.slots[slot] = id as u32;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn agrees_with_a_map(words in prop::collection::vec("[a-c]{0,6}|\\PC{0,3}", 0..3000)) {
            let mut dictionary = Dictionary::default();
            let mut map: std::collections::HashMap<String, u32> = std::collections::HashMap::new();
            for word in &words {
                let next = map.len() as u32;
                let expected = *map.entry(word.clone()).or_insert(next);
                prop_assert_eq!(dictionary.intern(word, &format!("{word}!")), expected);
            }
            prop_assert_eq!(dictionary.len(), map.len());
            for (word, id) in &map {
                prop_assert_eq!(dictionary.find(word), Some(*id));
                prop_assert_eq!(dictionary.term(*id), Some(word.as_str()));
                let surface = format!("{word}!");
                prop_assert_eq!(dictionary.surface(*id), Some(surface.as_str()));
            }
            prop_assert_eq!(dictionary.find("never there"), None);
        }
    }
}
