//! How much one request may hold and one answer may give. The engine holds what its callers in the crate do, `http` what comes
//! in from outside, both by these numbers; the OpenAPI document says the same ones, and a test compares them.

use crate::error::{Error, Result};

/// Values of a condition: categories, authors.
pub const VALUES: usize = 1_000;
/// Papers to leave out of an answer.
pub const EXCLUDED: usize = 10_000;
/// Papers to be close to and far from, together.
pub const EXAMPLES: usize = 10_000;
/// Texts to embed, or to be close to.
pub const TEXTS: usize = 1_024;
/// Papers to rank, all of which come back.
pub const CANDIDATES: usize = 20_000;
/// Papers whose neighbours are looked for in one call.
pub const BATCH: usize = 1_000;
/// Events in one call.
pub const EVENTS: usize = 100_000;
/// Papers that are put in with one body of JSON; a stream has no such bound.
pub const PAPERS: usize = 100_000;
/// Papers that can be grouped by themselves.
pub const SELECTED: usize = 5_000;
/// Starting points of questions, of all kinds together; themes of a condition.
pub const STARTS: usize = 50;
/// Papers that were passed over.
pub const PASSED: usize = 1_000;
/// Numbers of a vector.
pub const NUMBERS: usize = 16_384;
/// Parameters of a query string, those that are repeated counted each time.
pub const PARAMETERS: usize = 2_000;
/// Scopes of a key.
pub const SCOPES: usize = 4;
/// Keys that open the service.
pub const KEYS: usize = 10_000;
/// Sessions of one reader, or of one key: of more those end that were used longest ago.
pub const SESSIONS: usize = 100;
/// Saved searches and names that one reader follows.
pub const SEARCHES: usize = 100;
/// Folders of one reader.
pub const FOLDERS: usize = 200;
/// Papers in all folders of one reader, one counted in each that it is in.
pub const FILED: usize = 50_000;
/// Notes of one reader.
pub const NOTES: usize = 5_000;
/// Characters of a note.
pub const NOTE_CHARS: usize = 10_000;
/// Webhooks of one reader, and those of nobody.
pub const WEBHOOKS: usize = 100;
/// Values of a facet that are counted in one answer, those that were chosen besides; and years.
pub const FACET_VALUES: usize = 12;
pub const FACET_YEARS: usize = 50;
/// Facets of one search.
pub const FACETS: usize = 5;
/// Suggestions for a text that is being typed.
pub const SUGGESTIONS: usize = 50;
/// Hits in one answer.
pub const HITS: usize = 20_000;
/// Bytes of text in the hits of one answer.
pub const ANSWER_BYTES: usize = 128 << 20;

/// The longest list that a field of this name may hold, in a body or a query string.
pub fn of_list(name: &str) -> usize {
    match name {
        "exclude" => EXCLUDED,
        "like" | "dislike" => EXAMPLES,
        "text" | "dislike_text" | "inputs" => TEXTS,
        "candidates" => CANDIDATES,
        "ids" => BATCH,
        "events" => EVENTS,
        "papers" => SELECTED,
        "topic" | "theme" | "query" => STARTS,
        "passed" => PASSED,
        "scopes" => SCOPES,
        "facets" => FACETS,
        "vector" => NUMBERS,
        _ => VALUES,
    }
}

/// Refuses a list that is too long.
///
/// # Errors
/// [`Error::Invalid`], with how many there are and may be.
pub fn at_most(name: &str, n: usize, most: usize) -> Result<()> {
    if n <= most {
        return Ok(());
    }
    Err(Error::Invalid(format!("`{name}` has {n} values; at most {most} are allowed in one call")))
}

/// Refuses what would give too many hits in one answer: so many for each of so many.
///
/// # Errors
/// [`Error::Invalid`], with both numbers and the way out.
pub fn hits(each: usize, limit: usize) -> Result<()> {
    let all = each.saturating_mul(limit);
    if all <= HITS {
        return Ok(());
    }
    Err(Error::Invalid(format!(
        "{each} ids with a limit of {limit} are {all} hits; at most {HITS} are given in one answer: send fewer ids in one \
         call, or ask for {} hits of each",
        (HITS / each.max(1)).max(1)
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_refused_says_both_numbers_and_the_way_out() {
        assert!(hits(1_000, 20).is_ok() && hits(40, 500).is_ok() && hits(usize::MAX, 0).is_ok());
        let refused = hits(1_000, 500).expect_err("too many").to_string();
        assert!(refused.contains("1000 ids") && refused.contains("20000 are given") && refused.contains("20 hits"));
        assert!(hits(usize::MAX, 2).is_err());
        assert!(
            at_most("author", 33_000, of_list("author")).expect_err("too many").to_string().contains("at most 1000")
        );
    }
}
