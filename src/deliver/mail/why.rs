//! Why a paper is in a mail, in one sentence.

use crate::engine::{Hit, InterestName, Part};
use crate::paper::{plain, shown};

/// A title beside the closest one is named where it adds at least this much of what that one adds.
const BESIDE: f32 = 0.4;

/// Characters of a title inside a sentence.
const TITLE: usize = 80;

/// Characters of a name in front of the colon of a title.
const NAME: usize = 30;

/// Words of the reader that are named.
const WORDS: usize = 3;

/// One sentence: why this paper is here, in the reader's own papers and words, from the parts of its score. None where the parts
/// are not there, or say nothing that a reader would call a reason.
///
/// What adds most is said first: papers of the reader (at most two), words that they have in common, the search that it matches,
/// what others read, attention. Of a paper that lies outside the reader's interests, that it does so on purpose.
pub fn why_sentence(hit: &Hit) -> Option<String> {
    let why = hit.why.as_ref()?;
    if let Some(followed) = why.interest.as_ref().and_then(followed) {
        return Some(followed);
    }
    let parts = &why.parts;
    let mut papers: Vec<(&str, f32)> = Vec::new();
    let mut words: Vec<(&str, f32)> = Vec::new();
    let (mut all_words, mut texts, mut others, mut votes) = (0.0, Vec::new(), 0.0, 0.0);
    for part in parts {
        match part {
            Part::Paper { title, value, .. } if *value > 0.0 => papers.push((title, *value)),
            Part::Term { term, value } if *value > 0.0 => {
                all_words += value;
                if term != "…" {
                    words.push((term, *value));
                }
            }
            Part::Text { text, value } if *value > 0.0 => texts.push(text.as_str()),
            Part::Exact { .. } => return Some("It is the paper that was asked for.".into()),
            Part::Others { value } if *value > 0.0 => others += value,
            Part::Votes { value } if *value > 0.0 => votes += value,
            _ => {}
        }
    }
    let largest_first = |all: &mut Vec<(&str, f32)>| all.sort_by(|a, b| b.1.total_cmp(&a.1));
    largest_first(&mut papers);
    largest_first(&mut words);
    let named = |title: &str| Some(format!("“{}”", name_of(title))).filter(|name| name.chars().count() > 2);
    let least = papers.first().map_or(0.0, |best| best.1 * BESIDE);
    let near: Vec<String> = papers.iter().filter(|p| p.1 >= least).filter_map(|p| named(p.0)).take(2).collect();
    let shared: Vec<String> =
        words.iter().map(|word| short(word.0, 40)).filter(|word| !word.is_empty()).take(WORDS).collect();
    let of_papers: f32 = papers.iter().map(|p| p.1).sum();
    if hit.explore {
        return Some(match near.first() {
            Some(title) => format!(
                "Outside your interests on purpose, so that they may widen; the nearest of your papers is {title}."
            ),
            None => "Outside your interests on purpose, so that they may widen.".into(),
        });
    }
    let reading = others > of_papers.max(all_words);
    let sentence = match (near.is_empty(), shared.is_empty()) {
        (false, false) if all_words >= 0.1 * of_papers => {
            format!("Close to {}, in words like {}", listed(&near), listed(&shared))
        }
        (false, _) => format!("Close to {}", listed(&near)),
        (true, _) if !texts.is_empty() => match shared.is_empty() {
            true => format!("Matches “{}” in meaning", super::plain::typed(texts[0], TITLE)),
            false => {
                let text = super::plain::typed(texts[0], TITLE);
                format!("Matches “{text}” in meaning and in words like {}", listed(&shared))
            }
        },
        (true, false) => format!("In words like {}", listed(&shared)),
        (true, true) if others > 0.0 => return Some("Read by others who read what you read.".into()),
        (true, true) if votes > 0.0 => return Some("Among the papers that readers notice most now.".into()),
        (true, true) => return None,
    };
    Some(if reading { format!("{sentence}; readers of your papers read it.") } else { format!("{sentence}.") })
}

/// That the reader follows what the paper is of, where that brought it.
fn followed(interest: &InterestName) -> Option<String> {
    // Typed by the reader: no markup.
    let name = super::plain::typed(&interest.name, TITLE);
    match interest.kind.as_str() {
        _ if name.is_empty() => None,
        "search" => Some(format!("It matches what you follow: “{name}”.")),
        kind @ ("author" | "category" | "organization" | "theme") => Some(format!("You follow the {kind} “{name}”.")),
        _ => None,
    }
}

/// What people call a paper: the name in front of the colon of its title, where that is short, else the title.
fn name_of(title: &str) -> String {
    let title = short(title, TITLE);
    match title.split_once(": ") {
        Some((name, _)) if (2..=NAME).contains(&name.chars().count()) => name.to_string(),
        _ => title,
    }
}

/// Without markup, on one line, cut at a word.
fn short(text: &str, length: usize) -> String {
    let line: Vec<String> = shown(&plain(text)).split_whitespace().map(str::to_string).collect();
    let line = line.join(" ");
    super::plain::cut(line.trim_end_matches('.'), length)
}

/// `a`, `a and b`, `a, b and c`.
fn listed(all: &[String]) -> String {
    match all {
        [] => String::new(),
        [one] => one.clone(),
        [before @ .., last] => format!("{} and {last}", before.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Why;

    fn hit(parts: Vec<Part>) -> Hit {
        let paper = crate::paper::Paper::stored(r#"{"id": "x", "title": "T"}"#).expect("a paper");
        Hit { why: Some(Why { parts, interest: None::<InterestName> }), ..Hit::new(paper, 1.0) }
    }

    fn paper(title: &str, value: f32) -> Part {
        Part::Paper { id: "x".into(), title: title.into(), value }
    }

    fn term(term: &str, value: f32) -> Part {
        Part::Term { term: term.into(), value }
    }

    #[test]
    fn what_adds_most_is_named_in_the_readers_own_papers_and_words() {
        let said = |parts| why_sentence(&hit(parts)).unwrap_or_default();
        assert_eq!(
            said(vec![paper("One", 0.2), paper("$\\alpha$-Two.", 0.9), paper("Three", 0.5), paper("Disliked", -2.0)]),
            "Close to “α-Two” and “Three”."
        );
        assert_eq!(
            said(vec![paper("One", 0.5), term("…", 0.1), term("ribosome", 0.3), term("folding", 0.4)]),
            "Close to “One”, in words like folding and ribosome."
        );
        assert_eq!(said(vec![paper("FoldNet: Maps of Proteins", 0.5)]), "Close to “FoldNet”.");
        assert_eq!(said(vec![term("ribosome", 0.3)]), "In words like ribosome.");
        let text = Part::Text { text: "protein design".into(), value: 0.4 };
        assert_eq!(said(vec![text.clone()]), "Matches “protein design” in meaning.");
        assert_eq!(
            said(vec![text, term("protein", 0.3)]),
            "Matches “protein design” in meaning and in words like protein."
        );
        assert_eq!(
            said(vec![paper("One", 0.2), Part::Others { value: 0.9 }]),
            "Close to “One”; readers of your papers read it."
        );
        assert_eq!(said(vec![Part::Others { value: 0.9 }]), "Read by others who read what you read.");
        assert_eq!(said(vec![Part::Votes { value: 0.9 }]), "Among the papers that readers notice most now.");
        assert_eq!(said(vec![Part::Recency { value: -0.9 }]), "");
        let exploring = Hit { explore: true, ..hit(vec![paper("One", 0.1)]) };
        assert!(why_sentence(&exploring).is_some_and(|said| said.contains("on purpose") && said.contains("“One”")));
    }

    #[test]
    fn it_is_one_line_however_long_a_title_is() {
        let said = why_sentence(&hit(vec![paper(&"a long\r\ntitle \u{202e}".repeat(500), 0.2)])).expect("one");
        assert!(said.chars().count() < 120 && !said.contains(['\n', '\r', '\u{202e}']), "{said}");
    }
}
