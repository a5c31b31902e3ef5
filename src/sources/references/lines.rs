//! Lists with one paper a line: ids and addresses, or titles where they are asked for.

use std::collections::HashSet;

use super::draft::{Draft, identifiers};
use crate::cancel;
use crate::engine::ReferenceList;
use crate::paper::Identifier;

/// `doi`, `arxiv` and so on.
fn kind(id: &Identifier) -> &str {
    id.key().split(':').next().unwrap_or_default()
}

/// Reads ids and addresses. A line that holds none is rejected.
pub fn ids(text: &str) -> ReferenceList {
    let mut list = ReferenceList::default();
    for (number, line) in lines(text) {
        if list.is_full() {
            list.overflow(number, None);
            continue;
        }
        let found = identifiers(line);
        // Several of one kind are several papers; a DOI and an arXiv id on one line are one paper.
        let kinds: HashSet<&str> = found.iter().map(kind).collect();
        let several = kinds.len() < found.len();
        if several {
            for id in &found {
                let mut draft = Draft::default();
                draft.identifier(id);
                list.add(number, None, draft.finish());
            }
        } else if let Some(draft) = named(line) {
            list.add(number, None, draft.finish());
        } else {
            let reason = "no id, DOI or address is in this line (if it is a title, say so with the format `titles`)";
            list.reject(number, None, reason.into());
        }
    }
    list
}

/// Reads titles; what is an id instead, or has one in front or behind, is known by it.
pub fn titles(text: &str) -> ReferenceList {
    let mut list = ReferenceList::default();
    for (number, line) in lines(text) {
        if list.is_full() {
            list.overflow(number, None);
            continue;
        }
        let mut draft = Draft::default();
        draft.identifier_in(line);
        let one_word = !line.contains(char::is_whitespace);
        if one_word && !draft.is_named() && is_telling(line) {
            draft.own_id(line);
        }
        if !(one_word && draft.is_named()) {
            // Not the address behind it.
            let title = tab_title(line).unwrap_or(line);
            let behind = title.rsplit_once(char::is_whitespace).filter(|(_, word)| Identifier::parse(word).is_some());
            draft.title = behind.map_or(title, |(title, _)| title).to_string();
        }
        list.add(number, None, draft.finish());
    }
    list
}

/// Whether most lines of a text name a paper.
pub fn looks(text: &str) -> bool {
    let (mut all, mut good) = (0, 0);
    for (_, line) in lines(text).take(10_000) {
        all += 1;
        good += usize::from(!identifiers(line).is_empty() || named(line).is_some_and(|_| is_telling(line)));
    }
    good * 2 > all
}

/// The lines that say something, with their numbers, without what makes lists of them.
fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let asked = |_: &(usize, &str)| cancel::check().is_ok();
    text.lines().enumerate().take_while(asked).filter_map(|(k, line)| {
        let line = line.trim();
        let bare = unmarked(line);
        (!bare.is_empty() && !line.starts_with('#')).then_some((k + 1, bare))
    })
}

/// A line without its bullet (`- `, `* `, `• `, `1. `, `[3] `) and its quotes.
fn unmarked(line: &str) -> &str {
    let bare =
        line.strip_prefix(['-', '*', '•', '–', '+', '·', '>']).filter(|rest| rest.starts_with(char::is_whitespace));
    let bare = bare.unwrap_or(line).trim_start();
    let digits = bare.strip_prefix(['[', '(']).unwrap_or(bare);
    let rest = digits.trim_start_matches(|c: char| c.is_ascii_digit());
    let count = digits.len() - rest.len();
    let behind = rest.strip_prefix(['.', ')', ']']).filter(|rest| rest.starts_with(char::is_whitespace));
    let bare = behind.filter(|_| (1..=4).contains(&count)).unwrap_or(bare);
    bare.trim().trim_end_matches([',', ';']).trim_matches(['"', '\'', '<', '>', '`']).trim()
}

/// What a line names: identifiers somewhere in it, an address, or one word that may be an id of the corpus.
fn named(line: &str) -> Option<Draft> {
    let mut draft = Draft::default();
    let found = identifiers(line);
    if !found.is_empty() {
        found.iter().for_each(|id| draft.identifier(id));
        draft.title = tab_title(line).unwrap_or_default().to_string();
        return Some(draft);
    }
    let address = line.split_whitespace().find(|word| word.starts_with("http://") || word.starts_with("https://"));
    match address {
        Some(address) => draft.own_id(address),
        None if !line.contains(char::is_whitespace) => {
            draft.own_id(line);
            // PubMed's list of numbers.
            if (7..=8).contains(&line.len()) && line.bytes().all(|b| b.is_ascii_digit()) {
                draft.pubmed("pmid", line);
            }
        }
        None => return None,
    }
    Some(draft)
}

/// The title in a line made of the head of an arXiv page (`[2405.13729] A title`) or of a link (`[A title](https://...)`).
fn tab_title(line: &str) -> Option<&str> {
    let (inside, rest) = line.strip_prefix('[')?.split_once(']')?;
    let title = if Identifier::parse(inside).is_some() {
        rest
    } else if rest.starts_with("(http") {
        inside
    } else {
        return None;
    };
    let title = title.trim();
    (title.split_whitespace().count() >= 2 && identifiers(title).is_empty()).then_some(title)
}

/// Whether a single word looks like an id rather than like a word.
fn is_telling(line: &str) -> bool {
    line.contains("://") || line.contains(|c: char| c.is_ascii_digit() || matches!(c, '/' | ':' | '_' | '.' | '#'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(list: &ReferenceList) -> Vec<&str> {
        list.references.iter().map(|r| r.paper.id.as_str()).collect()
    }

    #[test]
    fn each_line_names_its_paper() {
        let text = "# mine\n2405.13729\n\n- https://doi.org/10.1000/ab.1\n  * \"some/own:id\"\n3. arXiv:2405.13731v2\n\
            A title of five words\n[2405.13732] Tidal heating of moons\n10.1000/c, 10.1000/d\nhttps://example.org/paper\n";
        let list = ids(text);
        assert_eq!(
            names(&list),
            [
                "arxiv:2405.13729",
                "doi:10.1000/ab.1",
                "some/own:id",
                "arxiv:2405.13731",
                "arxiv:2405.13732",
                "doi:10.1000/c",
                "doi:10.1000/d",
                "https://example.org/paper"
            ]
        );
        assert_eq!(list.rejected.iter().map(|r| r.line).collect::<Vec<_>>(), [7]);
        assert!(looks(text));
        assert_eq!(
            (list.references[4].titled, list.references[4].paper.title.as_str()),
            (true, "Tidal heating of moons")
        );
        assert!(!list.references[0].titled);
    }

    #[test]
    fn prose_is_no_list_of_ids() {
        for text in
            ["On things\nOn other things", "Dear all,\nread 2405.13729\nand more of it\nsoon.", "word\nanother", ""]
        {
            assert!(!looks(text), "{text}");
        }
        let list = titles(
            "1. On things\n\n# none\n2405.13729\n[2405.13730] On others\nTransformers\nOn Z https://doi.org/10.1000/z",
        );
        assert_eq!(list.references.iter().map(|r| r.line).collect::<Vec<_>>(), [1, 4, 5, 6, 7]);
        assert_eq!((list.references[0].paper.title.as_str(), list.references[1].titled), ("On things", false));
        assert_eq!(names(&list)[1..3], ["arxiv:2405.13729", "arxiv:2405.13730"]);
        let last: Vec<&str> = list.references[2..].iter().map(|r| r.paper.title.as_str()).collect();
        assert_eq!((last, names(&list)[4]), (vec!["On others", "Transformers", "On Z"], "doi:10.1000/z"));
    }
}
