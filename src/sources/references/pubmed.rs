//! PubMed: MEDLINE text (`.nbib`) and XML.

use super::date;
use super::draft::Draft;
use super::people::{person, short};
use super::tagged::{Part, Record, Syntax, parts};
use super::xml::{Element, elements, parse};
use crate::cancel;
use crate::engine::{Reference, ReferenceList};

/// Two to four capital letters, blanks up to the fifth place, a hyphen.
fn tag(line: &str) -> Option<(&str, &str)> {
    let line = line.trim_start_matches('\u{feff}');
    let (tag, value) = line.split_once('-')?;
    let word = tag.trim_end_matches(' ');
    let shaped = (2..=4).contains(&word.len())
        && word.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
        && tag.len() <= 5
        // `DNA-binding` is text.
        && (value.is_empty() || value.starts_with(' '));
    shaped.then_some((word, value))
}

/// Whether a text looks like MEDLINE text.
pub fn looks(text: &str) -> bool {
    let mut tags = std::collections::HashSet::new();
    tags.extend(text.lines().take(500).filter_map(tag).map(|(tag, _)| tag));
    let own = ["PMID", "OWN", "STAT", "DCOM", "FAU", "LID", "CRDT", "JID", "PHST", "BTI"];
    let own = own.iter().filter(|tag| tags.contains(*tag)).count();
    !tags.contains("TY") && own >= 1 && (own >= 2 || tags.contains("TI"))
}

/// Whether a line begins an entry of MEDLINE text.
pub fn begins(line: &str) -> bool {
    tag(line).is_some_and(|(tag, _)| tag == "PMID")
}

/// Reads MEDLINE text.
pub fn medline(text: &str, list: &mut ReferenceList) {
    let syntax = Syntax {
        tag: &tag,
        begins: |tag| tag == "PMID",
        ends: |_, _| false,
        // An empty line inside an abstract is followed by its next line, which is indented.
        blank_ends: &|rest| !rest.starts_with("      "),
    };
    for part in parts(text, &syntax) {
        match part {
            Part::Record(record) => list.add(record.line, record.first(&["PMID"]), entry(&record)),
            Part::Astray(line, _) => list.reject(line, None, "no entry has begun with PMID".into()),
        }
    }
}

fn entry(record: &Record<'_>) -> Option<Reference> {
    let first = |tags: &[&str]| record.first(tags).unwrap_or_default().to_string();
    let mut draft = Draft { title: title(&first(&["TI", "BTI", "TT"])), summary: first(&["AB"]), ..Draft::default() };
    let full: Vec<String> = record.all(&["FAU"]).map(person).collect();
    draft.authors = if full.is_empty() { record.all(&["AU"]).map(short).collect() } else { full };
    draft.authors.extend(record.all(&["CN"]).map(str::to_string));
    let dated = ["DP", "DEP", "EDAT", "CRDT"].into_iter().filter_map(|tag| record.first(&[tag]));
    draft.date = dated.filter_map(date::day).next();
    for id in record.all(&["LID", "AID", "SO"]).flat_map(str::lines) {
        // `10.1000/a [doi]`, `S0000-0000(21)00001-0 [pii]`.
        if let Some(doi) = id.trim().strip_suffix("[doi]") {
            draft.doi(doi);
        } else if let Some((_, doi)) = id.split_once("doi: ").filter(|_| !draft.is_named()) {
            draft.doi(doi.trim().trim_end_matches('.'));
        }
    }
    record.all(&["PMID"]).for_each(|id| draft.pubmed("pmid", id));
    record.all(&["PMC"]).for_each(|id| draft.pubmed("pmcid", id));
    // The words of the authors, else those of the library.
    draft.keywords = record.all(&["OT"]).map(|word| word.trim_start_matches('*').to_string()).collect();
    if draft.keywords.is_empty() {
        draft.keywords = record.all(&["MH"]).map(|word| word.trim_start_matches('*').to_string()).collect();
    }
    draft.retracted = record.all(&["PT"]).any(|kind| kind.eq_ignore_ascii_case("Retracted Publication"));
    let places: Vec<String> = record.all(&["PG", "VI", "LID"]).map(str::to_string).collect();
    draft.journal(&first(&["JT", "TA"]), &places);
    draft.finish()
}

/// A title without the stop that PubMed puts behind each, and the brackets around a translated one.
fn title(text: &str) -> String {
    let text = super::draft::spaced(text);
    let bare = text.strip_suffix('.').unwrap_or(&text);
    match bare.strip_prefix('[').and_then(|t| t.strip_suffix(']').or_else(|| t.strip_suffix(".]"))) {
        Some(translated) => translated.trim_end_matches('.').to_string(),
        None => bare.to_string(),
    }
}

/// The elements that hold an article each.
pub const ARTICLES: &[&str] = &["PubmedArticle", "PubmedBookArticle"];

/// Reads PubMed XML.
pub fn xml(text: &str, list: &mut ReferenceList) {
    for (line, part) in elements(text, ARTICLES) {
        if cancel::check().is_err() {
            break;
        }
        match parse(part) {
            Ok(article) => {
                let body = article.at("MedlineCitation").or_else(|| article.at("BookDocument")).unwrap_or(&article);
                list.add(line, Some(&body.text_at("PMID")), article_of(&article, body));
            }
            Err(why) => list.reject(line, None, why),
        }
    }
}

fn article_of(whole: &Element, body: &Element) -> Option<Reference> {
    let article = body.at("Article").unwrap_or(body);
    let titles = ["ArticleTitle", "VernacularTitle", "Book/BookTitle"];
    let text =
        titles.iter().map(|path| article.text_at(path)).find(|t| !t.trim_matches(['[', ']', '.', ' ']).is_empty());
    let mut draft = Draft { title: title(&text.unwrap_or_default()), ..Draft::default() };
    let summary = article.at("Abstract").map_or_else(Vec::new, |a| {
        a.children("AbstractText")
            .map(|part| match part.attribute("Label") {
                "" => part.text(),
                label => format!("{label}: {}", part.text()),
            })
            .collect::<Vec<_>>()
    });
    draft.summary = summary.join(" ");
    let people = article.at("AuthorList").or_else(|| article.at("Book/AuthorList"));
    draft.authors = people.map_or_else(Vec::new, |list| list.children("Author").map(author).collect());
    draft.venue = article.text_at("Journal/Title");
    let words = |list: &str, word: &str| -> Vec<String> {
        let lists = body.children(list).chain(article.children(list));
        lists
            .flat_map(|list| list.children(word))
            .map(|word| match word.at("DescriptorName") {
                Some(name) => name.text(),
                None => word.text(),
            })
            .collect()
    };
    draft.keywords = words("KeywordList", "Keyword");
    if draft.keywords.is_empty() {
        draft.keywords = words("MeshHeadingList", "MeshHeading");
    }
    let kinds = article.at("PublicationTypeList").into_iter().flat_map(|kinds| kinds.children("PublicationType"));
    draft.retracted = kinds.map(Element::text).any(|kind| kind == "Retracted Publication");
    let dates = ["Journal/JournalIssue/PubDate", "ArticleDate", "Book/PubDate"];
    let issued = dates.iter().filter_map(|path| article.at(path)).filter_map(|date| {
        let part = |name: &str| date.text_at(name);
        let free = part("MedlineDate");
        date::day(&format!("{} {} {} {free}", part("Year"), part("Month"), part("Day")))
    });
    draft.date = issued.max_by_key(String::len);
    let ids =
        [whole.at("PubmedData/ArticleIdList"), whole.at("PubmedBookData/ArticleIdList"), body.at("ArticleIdList")];
    // Not those of the papers in its own list of references, which are called the same.
    let ids: Vec<&Element> = ids.into_iter().flatten().flat_map(|list| list.children("ArticleId")).collect();
    let dois = article.children("ELocationID").filter(|id| id.attribute("EIdType") == "doi");
    for doi in dois.chain(ids.iter().copied().filter(|id| id.attribute("IdType") == "doi")) {
        draft.doi(&doi.text());
    }
    draft.pubmed("pmid", &body.text_at("PMID"));
    ids.iter().filter(|id| id.attribute("IdType") == "pmc").for_each(|id| draft.pubmed("pmcid", &id.text()));
    draft.journal(&article.text_at("Journal/Title"), &[]);
    draft.finish()
}

fn author(author: &Element) -> String {
    let part = |name: &str| author.text_at(name);
    match part("CollectiveName") {
        group if !group.is_empty() => group,
        _ => {
            let given = Some(part("ForeName")).filter(|n| !n.is_empty()).unwrap_or_else(|| part("Initials"));
            format!("{given} {}", part("LastName"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medline_text_is_read() {
        let text = "\nPMID- 99000001\nOWN - NLM\nDP  - 2021 Mar 5\nTI  - On things with\n      DNA-binding and\n      PMID-like words.\n\
            LID - 10.1000/a [doi]\nLID - S0000 [pii]\nAB  - First\n      and second.\nFAU - Doe, Jane\nAU  - Doe J\nCN  - The Group\n\
            JT  - The journal of things\nPMC - PMC9900001\nAID - 10.1000/a [doi]\n\nPMID- 99000002\nTI  - [A translated title].\nAU  - Roe M\n\
            SO  - J. 2020. doi: 10.1000/b.\n";
        assert!(looks(text));
        let list = ReferenceList::of(|list| medline(text, list));
        assert_eq!((list.references.len(), list.rejected_total), (2, 0));
        let (a, b) = (&list.references[0], &list.references[1]);
        assert_eq!(a.paper.title, "On things with DNA-binding and PMID-like words");
        assert_eq!(a.paper.authors, ["Jane Doe", "The Group"]);
        assert_eq!(a.paper.date.as_ref().map(|d| d.as_str()), Some("2021-03-05"));
        assert_eq!((a.paper.id.as_str(), a.key.as_deref(), a.line), ("doi:10.1000/a", Some("99000001"), 2));
        assert_eq!((b.paper.title.as_str(), b.paper.authors[0].as_str()), ("A translated title", "M Roe"));
        assert_eq!(b.paper.id.as_str(), "doi:10.1000/b");
    }

    #[test]
    fn xml_is_read() {
        let text = r#"<?xml version="1.0" ?>
<!DOCTYPE PubmedArticleSet PUBLIC "-//NLM//DTD PubMedArticle, 1st January 2025//EN" "https://dtd.nlm.nih.gov/x.dtd">
<PubmedArticleSet>
<PubmedArticle><MedlineCitation><PMID Version="1">99000001</PMID><Article>
<Journal><JournalIssue><PubDate><MedlineDate>2021 Nov-Dec</MedlineDate></PubDate></JournalIssue><Title>Things</Title></Journal>
<ArticleTitle>On H<sub>2</sub>O &amp; <i>things</i>.</ArticleTitle><ELocationID EIdType="doi" ValidYN="Y">10.1000/a</ELocationID>
<Abstract><AbstractText Label="AIMS">First.</AbstractText><AbstractText>Second.</AbstractText></Abstract>
<AuthorList><Author><LastName>Doe</LastName><ForeName>Jane</ForeName><Initials>J</Initials></Author>
<Author><CollectiveName>The Group</CollectiveName></Author></AuthorList></Article></MedlineCitation>
<PubmedData><ArticleIdList><ArticleId IdType="pubmed">99000001</ArticleId></ArticleIdList>
<ReferenceList><Reference><ArticleIdList><ArticleId IdType="doi">10.1000/other</ArticleId></ArticleIdList></Reference></ReferenceList></PubmedData></PubmedArticle>
<PubmedArticle><MedlineCitation><PMID>2</PMID><Article><ArticleTitle>Broken</Article></PubmedArticle>
<PubmedBookArticle><BookDocument><PMID>99000003</PMID><ArticleTitle>A chapter</ArticleTitle><Book><BookTitle>A book</BookTitle>
<PubDate><Year>2020</Year><Month>Feb</Month></PubDate></Book></BookDocument></PubmedBookArticle>
<DeleteCitation><PMID>5</PMID></DeleteCitation></PubmedArticleSet>"#;
        let list = ReferenceList::of(|list| xml(text, list));
        assert_eq!((list.references.len(), list.rejected_total), (2, 1));
        let (a, b) = (&list.references[0], &list.references[1]);
        assert_eq!((a.paper.title.as_str(), a.line), ("On H2O & things", 4));
        assert_eq!(a.paper.authors, ["Jane Doe", "The Group"]);
        assert_eq!(a.paper.summary, "AIMS: First. Second.");
        assert_eq!(a.paper.date.as_ref().map(|d| d.as_str()), Some("2021-11"));
        assert!(a.names.contains(&"doi:10.1000/a".to_string()) && !a.names.iter().any(|n| n.contains("other")));
        assert_eq!(b.paper.title, "A chapter");
        assert_eq!(b.paper.date.as_ref().map(|d| d.as_str()), Some("2020-02"));
        assert_eq!(list.rejected[0].line, 12);
    }
}
