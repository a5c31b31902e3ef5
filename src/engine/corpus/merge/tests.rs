//! One paper of what several sources say, whichever came first.

use serde_json::{Value, json};

use super::*;
use crate::engine::corpus::fixture::{open, read};
use crate::engine::corpus::{Incoming, Report};
use crate::paper::PaperId;
use crate::store::Store;
use std::sync::Arc;

/// What a source says of papers.
struct Said {
    kind: &'static str,
    papers: Vec<Value>,
}

fn take(corpus: &Corpus, said: &Said) -> Report {
    let origin = Origin { source: format!("my-{}", said.kind), kind: said.kind.into() };
    let incoming =
        said.papers.iter().enumerate().map(|(k, paper)| Incoming::new(k + 1, Ok((read(paper.clone()), vec![]))));
    corpus.ingest_from(&origin, incoming.collect(), &[], &|_| {}).expect("goes in")
}

fn all(store: &Arc<dyn Store>) -> Vec<Paper> {
    let mut papers: Vec<Paper> = store.papers_after(None, 10_000).expect("read").into_iter().map(|(_, p)| p).collect();
    papers.sort_by(|a, b| a.id.cmp(&b.id));
    papers
}

/// Three sources with the same papers, each with what it alone knows; two know the DOI, one the title alone for every fifth.
fn three(n: usize) -> [Said; 3] {
    let title = |k: usize| format!("On the observation of subject number {k}");
    let arxiv = |k: usize| {
        json!({ "id": format!("arxiv:2601.{k:05}"), "title": title(k), "abstract": format!("We observe {k} closely."),
            "authors": [format!("Jane Doe{k}"), "Ed Roe"], "date": "2026-01-10", "categories": ["cs.LG"],
            "doi": if k.is_multiple_of(5) { Value::Null } else { format!("10.1000/s{k}").into() } })
    };
    let crossref = |k: usize| {
        json!({ "id": format!("doi:10.1000/s{k}"), "title": title(k), "authors": [format!("J. Doe{k}"), "E. Roe"],
            "date": "2026-03-01", "venue": "Journal of Subjects", "doi": format!("10.1000/S{k}") })
    };
    let daily = |k: usize| {
        json!({ "id": format!("arxiv:2601.{k:05}"), "title": format!("{} ", title(k)), "abstract": "Short.",
            "authors": [format!("Jane Doe{k}")], "upvotes": k, "listed": "2026-01-12" })
    };
    let of = |kind, one: &dyn Fn(usize) -> Value| Said { kind, papers: (0..n).map(one).collect() };
    [of("arxiv", &arxiv), of("crossref", &crossref), of("daily-papers", &daily)]
}

#[test]
fn the_order_in_which_sources_come_leaves_no_trace() {
    let sources = three(30);
    let mut seen: Option<Vec<Paper>> = None;
    for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        let folder = tempfile::tempdir().expect("a folder");
        let (store, corpus) = open(folder.path(), |_| {});
        for k in order {
            take(&corpus, &sources[k]);
        }
        let papers = all(&store);
        assert_eq!(papers.len(), 30, "{order:?}");
        assert!(store.works().expect("read").is_empty(), "no second version of any");
        if let Some(seen) = &seen {
            assert_eq!(&papers, seen, "{order:?}");
        }
        // A second run changes nothing.
        for k in order {
            let report = take(&corpus, &sources[k]);
            assert_eq!((report.accepted, report.updated, report.unchanged), (0, 0, 30), "{order:?}: {report:?}");
        }
        assert_eq!(all(&store), papers);
        seen = Some(papers);
    }
    let papers = seen.expect("papers");
    let first = &papers[1];
    assert_eq!(
        (first.id.as_str(), first.title.as_str()),
        ("arxiv:2601.00001", "On the observation of subject number 1")
    );
    assert_eq!((first.summary.as_str(), first.authors.len()), ("We observe 1 closely.", 2));
    assert_eq!((first.venue.as_deref(), first.upvotes), (Some("Journal of Subjects"), Some(1)));
    assert_eq!(first.date.as_ref().map(|d| d.as_str()), Some("2026-01-10"));
    assert_eq!(first.listed.as_ref().map(|d| d.as_str()), Some("2026-01-12"));
}

#[test]
fn a_preprint_that_is_published_keeps_its_id_and_its_readers() {
    let folder = tempfile::tempdir().expect("a folder");
    let (store, corpus) = open(folder.path(), |_| {});
    let [arxiv, crossref, _] = three(3);
    take(&corpus, &crossref);
    let row = store.rows(&[&PaperId::new("doi:10.1000/s1").expect("an id")]).expect("read")[0];
    take(&corpus, &arxiv);
    // The id became another one, and the old one still names it.
    let ids = [PaperId::new("doi:10.1000/s1").expect("an id"), PaperId::new("arxiv:2601.00001").expect("an id")];
    let rows = store.rows(&[&ids[0], &ids[1]]).expect("read");
    assert!(rows[0].is_some() && rows[0] == rows[1]);
    assert_eq!(corpus.paper("10.1000/s1").expect("there").id, ids[1]);
    // Its text is another, so its row is, too.
    assert_ne!(rows[0], row);
}

#[test]
fn what_is_given_by_hand_keeps_its_id_and_counts_until_its_source_says_more() {
    let folder = tempfile::tempdir().expect("a folder");
    let (store, corpus) = open(folder.path(), |_| {});
    let [mut arxiv, crossref, _] = three(2);
    let by_hand = |title: &str| json!({ "id": "my-1", "doi": "10.1000/s1", "title": title, "notes": "keep" });
    let ingest = |title: &str| crate::engine::corpus::fixture::ingest(&corpus, [by_hand(title)]);
    ingest("Mine");
    take(&corpus, &arxiv);
    take(&corpus, &crossref);
    let paper = |id: &str| store.paper(id).expect("read").map(|(_, paper)| paper).expect("there");
    assert_eq!((all(&store).len(), paper("my-1").title.as_str()), (2, "On the observation of subject number 1"));
    assert!(paper("my-1").extra.as_json().contains("keep"));
    // Said later, it counts; said once more, it changes nothing.
    ingest("Mine, corrected");
    ingest("Mine, corrected");
    assert_eq!(paper("my-1").title, "Mine, corrected");
    assert_eq!(take(&corpus, &arxiv).unchanged, 2);
    assert_eq!(paper("my-1").title, "Mine, corrected");
    // Until the one who publishes it says something new.
    arxiv.papers[1]["title"] = "On the observation of subject number one".into();
    assert_eq!(take(&corpus, &arxiv).updated, 1);
    assert_eq!(paper("my-1").title, "On the observation of subject number one");
    // Its title, first author and year alone say that it is one with another.
    assert_eq!(paper("arxiv:2601.00000").venue.as_deref(), Some("Journal of Subjects"));
}

#[test]
fn what_is_taken_back_stays_and_what_is_deleted_by_hand_does_not_come_back() {
    let folder = tempfile::tempdir().expect("a folder");
    let (store, corpus) = open(folder.path(), |_| {});
    let [arxiv, mut crossref, _] = three(4);
    take(&corpus, &arxiv);
    crossref.papers[1]["status"] = "retracted".into();
    take(&corpus, &crossref);
    let paper = |id: &str| store.paper(id).expect("read").map(|(_, paper)| paper);
    assert_eq!(paper("arxiv:2601.00001").and_then(|p| p.retirement()), Some(Retirement::Retracted));
    // One source takes a paper away that another still has; of a second one both do.
    let origin = |kind: &str| Origin { source: format!("my-{kind}"), kind: kind.into() };
    let gone = |kind: &str, key: &str| {
        corpus.ingest_from(&origin(kind), vec![], &[key.to_string()], &|_| {}).expect("goes in")
    };
    gone("crossref", "doi:10.1000/s2");
    assert_eq!(paper("arxiv:2601.00002").map(|p| (p.retirement(), p.venue)), Some((None, None)));
    gone("crossref", "doi:10.1000/s3");
    gone("arxiv", "arxiv:2601.00003");
    assert_eq!(paper("arxiv:2601.00003").and_then(|p| p.retirement()), Some(Retirement::Withdrawn));
    assert!(
        !corpus.search("observation of subject number 3", &Default::default()).expect("an answer").papers.is_empty()
    );
    // It comes back when its source has it again.
    take(&corpus, &arxiv);
    assert_eq!(paper("arxiv:2601.00003").map(|p| p.retirement()), Some(None));
    corpus.delete("arxiv:2601.00002").expect("deleted");
    take(&corpus, &arxiv);
    take(&corpus, &three(4)[2]);
    assert!(paper("arxiv:2601.00002").is_none(), "also not from another source that calls it the same");
    assert_eq!(all(&store).len(), 3);
    // Given by hand again, it is one with what its source says.
    crate::engine::corpus::fixture::ingest(&corpus, [json!({ "id": "arxiv:2601.00002", "title": "Back by hand" })]);
    take(&corpus, &arxiv);
    assert_eq!(paper("arxiv:2601.00002").map(|p| p.summary), Some("We observe 2 closely.".into()));
}

#[test]
fn the_day_on_which_a_paper_came_first_stays() {
    let folder = tempfile::tempdir().expect("a folder");
    let (store, corpus) = open(folder.path(), |_| {});
    let said = |listed: &str, title: &str| Said {
        kind: "arxiv",
        papers: vec![json!({ "id": "arxiv:2601.00001", "title": title, "date": "2026-01-10", "listed": listed })],
    };
    take(&corpus, &said("2026-01-12", "A first version"));
    let again = take(&corpus, &said("2026-01-15", "A first version"));
    assert_eq!((again.updated, again.unchanged), (0, 1));
    take(&corpus, &said("2026-01-16", "A second version"));
    let paper = &all(&store)[0];
    assert_eq!(
        (paper.title.as_str(), paper.listed.as_ref().map(|d| d.as_str())),
        ("A second version", Some("2026-01-12"))
    );
}

#[test]
fn nothing_that_is_two_is_made_one_by_a_third() {
    let folder = tempfile::tempdir().expect("a folder");
    let (store, corpus) = open(folder.path(), |_| {});
    let title = "Introduction to the special issue";
    let article =
        |doi: &str| json!({ "id": format!("doi:{doi}"), "title": title, "authors": ["Edi Tor"], "date": "2026-01-01" });
    take(&corpus, &Said { kind: "crossref", papers: vec![article("10.1000/one"), article("10.1000/two")] });
    let bare = json!({ "id": "feed:1", "title": title, "authors": ["Edi Tor"], "date": "2026-01-02" });
    take(&corpus, &Said { kind: "feed", papers: vec![bare] });
    assert_eq!(all(&store).len(), 3, "of two with one title it may be any");
    let arxiv = |k: u32| json!({ "id": format!("arxiv:2601.0000{k}"), "title": format!("Part {k} of a study"), "doi": "10.1000/both" });
    take(&corpus, &Said { kind: "arxiv", papers: vec![arxiv(1), arxiv(2)] });
    let both = json!({ "id": "doi:10.1000/both", "title": "Parts 1 and 2 of a study", "doi": "10.1000/both" });
    take(&corpus, &Said { kind: "crossref", papers: vec![both] });
    let ids: Vec<String> = all(&store).iter().map(|p| p.id.to_string()).filter(|id| id.starts_with("arxiv")).collect();
    assert_eq!(ids, ["arxiv:2601.00001", "arxiv:2601.00002"]);
}

#[test]
fn a_record_that_comes_twice_is_what_came_last_each_time() {
    let folder = tempfile::tempdir().expect("a folder");
    let (store, corpus) = open(folder.path(), |_| {});
    let version = |title: &str| json!({ "id": "f1", "title": title });
    let said = Said { kind: "files", papers: vec![version("Version A"), version("Version B")] };
    assert_eq!(take(&corpus, &said).accepted, 1);
    for _ in 0..3 {
        let again = take(&corpus, &said);
        assert_eq!((again.updated, again.unchanged), (0, 2));
        assert_eq!(all(&store)[0].title, "Version B");
    }
}

#[test]
fn a_record_that_comes_far_behind_itself_is_what_came_last() {
    let folder = tempfile::tempdir().expect("a folder");
    let (store, corpus) = open(folder.path(), |_| {});
    let one = |k: usize| json!({ "id": format!("f{}", k % 600), "title": format!("Version {k}") });
    let said = Said { kind: "files", papers: (0..1200).map(one).collect() };
    assert_eq!(take(&corpus, &said).accepted, 600);
    let again = take(&corpus, &said);
    assert_eq!((again.accepted, again.updated, again.unchanged), (0, 0, 1200));
    assert!(
        all(&store)
            .iter()
            .all(|paper| paper.title.trim_start_matches("Version ").parse::<usize>().expect("a number") >= 600)
    );
}

#[test]
fn titles_and_ids_of_every_record_are_known() {
    // What counts is arXiv's; by the title that the daily list has, the article is found all the same.
    let arxiv = json!({ "id": "arxiv:2601.00009", "title": "A new title of the study", "authors": ["Jane Doe"], "date": "2026-01-01" });
    let daily = json!({ "id": "arxiv:2601.00009", "title": "An old title of the study", "authors": ["Jane Doe"], "date": "2026-01-01" });
    let article = json!({ "id": "doi:10.1000/nine", "title": "An old title of the study", "authors": ["Jane Doe"], "date": "2026-02-01" });
    let said = [("arxiv", arxiv), ("daily-papers", daily), ("crossref", article)];
    let mut seen = None;
    for order in [[0, 1, 2], [2, 1, 0], [1, 0, 2], [1, 2, 0]] {
        let folder = tempfile::tempdir().expect("a folder");
        let (store, corpus) = open(folder.path(), |_| {});
        for k in order {
            take(&corpus, &Said { kind: said[k].0, papers: vec![said[k].1.clone()] });
        }
        let papers = all(&store);
        assert_eq!(papers.len(), 1, "{order:?}");
        assert_eq!(seen.get_or_insert_with(|| papers.clone()), &papers, "{order:?}");
        // Its id stays also when arXiv takes it away.
        let origin = Origin { source: "my-arxiv".into(), kind: "arxiv".into() };
        corpus.ingest_from(&origin, vec![], &["arxiv:2601.00009".into()], &|_| {}).expect("goes in");
        take(&corpus, &Said { kind: "daily-papers", papers: vec![said[1].1.clone()] });
        assert_eq!(all(&store).iter().map(|p| p.id.as_str()).collect::<Vec<_>>(), ["arxiv:2601.00009"], "{order:?}");
    }
}

proptest::proptest! {
    /// What is said makes the paper, not the order in which it was said.
    #[test]
    fn records_make_one_paper_in_any_order(
        said in proptest::collection::vec((0usize..13, 0u8..4, 0u8..3, proptest::bool::ANY, 0i64..4), 1..8),
        seed in 0u64..1000,
    ) {
        let record = |(k, (kind, title, extra, gone, since)): (usize, (usize, u8, u8, bool, i64))| {
            let kind = SourceKind::ALL[kind].0;
            let id = ["arxiv:2601.00001", "doi:10.1000/x", "doi:10.1101/2026.01.01.1", "oai:r:1"][title as usize];
            let paper = json!({ "id": id, "title": format!("Title {title}"), "abstract": if extra == 0 { "" } else { "Text" },
                "doi": if extra == 1 { json!("10.1000/x") } else { Value::Null }, "upvotes": extra,
                "status": if extra == 2 { json!("retracted") } else { Value::Null }, format!("field{extra}"): k });
            SourceRecord { source: format!("s{k}"), kind: kind.into(), key: id.into(), since: crate::user::Moment(since), gone, paper: read(paper) }
        };
        let records: Vec<SourceRecord> = said.into_iter().enumerate().map(record).collect();
        let mut mixed = records.clone();
        fastrand::Rng::with_seed(seed).shuffle(&mut mixed);
        let configured = |name: &str| name != "s1";
        proptest::prop_assert_eq!(merged(&records, &configured), merged(&mixed, &configured));
        // Made of its own paper alone, a paper is itself.
        let own = merged(&records, &configured);
        let again = SourceRecord { gone: false, paper: own.clone(), ..records[0].clone() };
        proptest::prop_assert_eq!(merged(std::slice::from_ref(&again), &configured), own);
    }
}
