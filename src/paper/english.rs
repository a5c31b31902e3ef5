//! English as far as more than one part needs it: its function words, and its plurals.

use std::collections::HashSet;
use std::sync::LazyLock;

/// Function words: articles, pronouns, prepositions, conjunctions, auxiliaries and the adverbs between them. They are too
/// frequent to tell papers apart, and end a phrase that could be a name.
const FUNCTION_WORDS: &str = "a about above after again against all also although am an and any are as at be because been before \
being below between both but by can cannot could did do does doing down due during each either et etc few for from \
further had has have having he hence her here hers him his how however i if in into is it its itself just may me might \
more most much must my neither no nor not of off on once only onto or other our ours out over own per rather same shall \
she should since so some such than that the their theirs them then there thereby therefore these they this those though \
through thus to too toward towards under until unto up upon us very via was we were what when where whereas whether \
which while who whom whose why will with within without would yet you your yours";

/// Endings of nouns that look like a plural and are none.
const NO_PLURAL: [&str; 7] = ["ss", "us", "is", "as", "os", "series", "species"];

/// Plurals in `-ics`: what else ends so ("physics", "statistics") is a science, and one thing.
const PLURALS_IN_ICS: [&str; 10] = [
    "topics",
    "metrics",
    "clinics",
    "critics",
    "heuristics",
    "characteristics",
    "fabrics",
    "rubrics",
    "lyrics",
    "tactics",
];

static SET: LazyLock<HashSet<&'static str>> = LazyLock::new(|| function_words().collect());

/// All function words, in lower case.
pub fn function_words() -> impl Iterator<Item = &'static str> {
    FUNCTION_WORDS.split_whitespace()
}

/// Whether a word in lower case is a function word.
pub fn is_function_word(lower: &str) -> bool {
    SET.contains(lower)
}

/// Whether a word in lower case has the form of a plural. Verbs ("detects") have it as well.
pub fn is_plural(lower: &str) -> bool {
    let science = lower.ends_with("ics") && !PLURALS_IN_ICS.iter().any(|p| lower.ends_with(p));
    lower.ends_with('s') && !science && !NO_PLURAL.iter().any(|end| lower.ends_with(end))
}

/// A word in lower case, in the singular. What only looks like a plural stays ("analysis", "bias", "loss"), and so does what is
/// too short to tell.
pub fn singular(lower: &str) -> String {
    let mut out = String::new();
    singular_into(lower, &mut out);
    out
}

/// The same, behind what is there already.
pub fn singular_into(lower: &str, out: &mut String) {
    let cut = |n: usize| &lower[..lower.len() - n];
    if lower.len() > 4 && lower.ends_with("ies") && is_plural(lower) {
        out.push_str(cut(3));
        out.push('y');
    } else if lower.len() > 4 && ["sses", "xes", "ches", "shes"].iter().any(|end| lower.ends_with(end)) {
        out.push_str(cut(2));
    } else if lower.len() > 3 && is_plural(lower) {
        out.push_str(cut(1));
    } else {
        out.push_str(lower);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn plurals_become_singulars_and_nothing_else_does() {
        for (word, one) in [
            ("topics", "topic"),
            ("ultrametrics", "ultrametric"),
            ("theories", "theory"),
            ("boxes", "box"),
            ("losses", "loss"),
            ("branches", "branch"),
            ("nets", "net"),
            ("statistics", "statistics"),
            ("physics", "physics"),
            ("series", "series"),
            ("subspecies", "subspecies"),
            ("analysis", "analysis"),
            ("bias", "bias"),
            ("loss", "loss"),
            ("corpus", "corpus"),
            ("chaos", "chaos"),
            ("gas", "gas"),
            ("pies", "pie"),
            ("bus", "bus"),
            ("net", "net"),
        ] {
            assert_eq!(singular(word), one, "{word}");
        }
    }

    #[test]
    fn function_words_are_each_listed_once_and_in_lower_case() {
        let all: Vec<&str> = function_words().collect();
        assert!(all.is_sorted() && all.iter().collect::<HashSet<_>>().len() == all.len());
        assert!(all.iter().all(|word| word.chars().all(|c| c.is_ascii_lowercase()) && is_function_word(word)));
        assert!(!is_function_word("whale") && !is_function_word("The"));
    }

    proptest! {
        #[test]
        fn any_word_has_a_singular(word in "\\PC{0,12}(s|ies|sses|ics)?") {
            let one = singular(&word);
            prop_assert!(one.len() <= word.len());
            prop_assert!(word.is_empty() || !one.is_empty());
        }
    }
}
