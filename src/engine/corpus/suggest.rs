//! What somebody who types may mean: titles, authors, categories and themes that begin so.

use roaring::RoaringBitmap;

use super::{Corpus, check_query};
use crate::bounds;
use crate::engine::answer::{FacetValue, Suggestion, SuggestionKind};
use crate::error::{Error, Result};
use crate::index::visible;
use crate::paper::{Filter, Paper, Row, letters, plain, unaccented};
use crate::store::{Column, Counted};

/// Characters of the longest text that is being typed; what is longer was pasted, and begins nothing.
const LONGEST: usize = 200;

/// Authors, categories and themes, each at most one in so many suggestions; titles are the rest.
const SHARE: usize = 4;

/// Papers whose authors are looked at for names, and titles that are read for an order.
const PAPERS: usize = 400;
const TITLES: usize = 64;

/// Letters from which on titles are looked up by how they begin.
const BEGINNING: usize = 2;

/// Names whose papers are counted for one that is shown.
const COUNTED: usize = 3;

/// The words of a text, as names and titles are compared.
struct Words(Vec<String>);

impl Words {
    fn of(text: &str) -> Self {
        let folded = unaccented(text);
        Words(folded.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).map(str::to_string).collect())
    }

    /// Whether each of them begins a word of a text.
    fn begin_words_of(&self, text: &str) -> bool {
        let others = Words::of(text);
        !self.0.is_empty() && self.0.iter().all(|word| others.0.iter().any(|other| other.starts_with(word.as_str())))
    }

    /// Whether a text begins with them, from its first letter or digit on; the last may go on.
    fn begin(&self, text: &str) -> bool {
        let (Some((last, whole)), others) = (self.0.split_last(), Words::of(text)) else { return false };
        let goes_on = others.0.get(whole.len()).is_some_and(|other| other.starts_with(last.as_str()));
        goes_on && others.0.starts_with(whole)
    }
}

impl Corpus {
    /// What a text that is being typed may go on as: up to `limit` authors, categories, themes and titles, in this order.
    pub fn suggest(&self, text: &str, limit: usize) -> Result<Vec<Suggestion>> {
        if !(1..=bounds::SUGGESTIONS).contains(&limit) {
            let most = bounds::SUGGESTIONS;
            return Err(Error::Invalid(format!("limit is {limit}; it goes from 1 to {most}")));
        }
        let text = visible(text);
        let text = text.trim_start();
        if text.trim().is_empty() {
            return Ok(Vec::new());
        }
        check_query(text)?;
        if text.chars().nth(LONGEST).is_some() {
            return Ok(Vec::new());
        }
        let words = Words::of(text);
        let shown = self.lexical().rows() - self.versions().superseded_rows(None);
        let each = (limit / SHARE).max(1);
        let named = |kind, value: FacetValue| Suggestion {
            kind,
            id: value.name.is_some().then(|| value.value.clone()),
            value: value.name.unwrap_or(value.value),
            papers: Some(value.count),
        };
        let mut suggestions: Vec<Suggestion> = Vec::new();
        let authors = self.authors_beginning(text, &words, &shown, each)?;
        suggestions.extend(authors.into_iter().map(|value| named(SuggestionKind::Author, value)));
        if !text.trim().contains(char::is_whitespace) && !words.0.is_empty() {
            let categories = self.store.categories_beginning(text.trim(), &shown, each)?;
            let categories = self.as_written(Column::Category, categories)?;
            suggestions.extend(categories.into_iter().map(|value| named(SuggestionKind::Category, value)));
        }
        if let Some(groups) = self.groups() {
            let themes = groups.groups_called(&|name| words.begin_words_of(name), each)?;
            suggestions.extend(themes.into_iter().map(|value| named(SuggestionKind::Theme, value)));
        }
        suggestions.truncate(limit.saturating_sub(1).max(1));
        let titles = self.titles_beginning(text, &words, &shown, limit.saturating_sub(suggestions.len()))?;
        suggestions.extend(titles);
        Ok(suggestions)
    }

    /// The authors of most papers whose names hold the words, as they write themselves.
    fn authors_beginning(
        &self,
        text: &str,
        words: &Words,
        shown: &RoaringBitmap,
        most: usize,
    ) -> Result<Vec<FacetValue>> {
        let rows = self.lexical().authors_beginning(text)? & shown;
        // Who has many papers is among any of them that lie evenly.
        let step = (rows.len() as usize).div_ceil(PAPERS).max(1);
        let some: RoaringBitmap = rows.iter().step_by(step).collect();
        let names = self.store.values_among(Column::Author, &some, usize::MAX)?;
        let mut counted: Vec<Counted> = Vec::new();
        for name in names.into_iter().filter(|name| words.begin_words_of(&name.value)).take(COUNTED * most) {
            let by = Filter { authors: vec![name.value.clone()], ..Filter::default() };
            let papers = self.store.allowed(&by)?.unwrap_or_default().intersection_len(shown);
            counted.push(Counted { papers, ..name });
        }
        counted.sort_by(|a, b| b.papers.cmp(&a.papers).then_with(|| a.value.cmp(&b.value)));
        counted.truncate(most);
        self.as_written(Column::Author, counted)
    }

    /// Titles that hold the words: first those that begin so, then those of most votes. Of very many of either kind some are looked
    /// at: those that begin so by the alphabet, the others by their votes.
    fn titles_beginning(
        &self,
        text: &str,
        words: &Words,
        shown: &RoaringBitmap,
        most: usize,
    ) -> Result<Vec<Suggestion>> {
        let holding = self.lexical().titles_beginning(text)? & shown;
        let rows: Vec<Row> = holding.iter().map(Row).collect();
        let votes = self.store.votes(&rows)?;
        let mut best: Vec<(u32, Row)> = votes.into_iter().zip(rows).collect();
        let order = |key: &(u32, Row)| std::cmp::Reverse(*key);
        if best.len() > TITLES {
            best.select_nth_unstable_by_key(TITLES, order);
            best.truncate(TITLES);
        }
        let begin = letters(text);
        if begin.chars().count() >= BEGINNING {
            let mut rows = self.store.rows_of_titles_beginning(&begin, TITLES)?;
            rows.retain(|row| shown.contains(row.0) && !best.iter().any(|(_, known)| known == row));
            best.extend(self.store.votes(&rows)?.into_iter().zip(rows));
        }
        best.sort_unstable_by_key(order);
        let papers = self.store.papers(&best.iter().map(|(_, row)| *row).collect::<Vec<_>>())?;
        let title = |(row, paper): (Row, Paper)| {
            let value = plain(&paper.title).into_owned();
            let begins = words.begin(&value);
            // By its letters alone a title may begin so and hold none of the words: `in form`, `Information`.
            let is_one = begins || holding.contains(row.0);
            // One that holds another form of a word says less.
            let order = (!begins, !words.begin_words_of(&value));
            let id = Some(paper.id.to_string());
            is_one.then_some((order, Suggestion { kind: SuggestionKind::Title, value, id, papers: None }))
        };
        let mut titles: Vec<((bool, bool), Suggestion)> = papers.into_iter().filter_map(title).collect();
        titles.sort_by_key(|(order, _)| *order);
        let titles = titles.into_iter().map(|(_, title)| title);
        let mut seen = std::collections::HashSet::new();
        Ok(titles.filter(|title| seen.insert(title.value.clone())).take(most).collect())
    }
}
