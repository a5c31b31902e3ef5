use proptest::prelude::*;

use super::*;
use crate::engine::Reference;

fn read(text: &str) -> Vec<Reference> {
    let list = bibtex(text);
    assert_eq!(list.rejected, [], "{text}");
    list.references
}

fn one(text: &str) -> Reference {
    let mut found = read(text);
    assert_eq!(found.len(), 1, "{text}");
    found.remove(0)
}

fn date(reference: &Reference) -> Option<&str> {
    reference.paper.date.as_ref().map(|d| d.as_str())
}

/// What is the matter with real files costs no entry, and no field but its own.
#[test]
fn entries_as_they_are_found() {
    for entry in [
        "@article{k, title = {T}, year = 2021}",
        "@article(k, title = {T}, year = 2021)",
        "@article (k,\n title = {T}, year = 2021\n)",
        "@article(k(2021), title = {T}, year = 2021)",
        "@ARTICLE{k, TITLE = {T}, Year = {2021}}",
        "@web_page{k, title = {T}, year = 2021}",
        "@book-section2{k, title = \"T\", year = \"2021\"}",
        "@article{title = {T}, year = 2021}",
        "@article{, title = {T}, year = 2021}",
        "@article{k\n title = {T}, year = 2021}",
        "@article{k, title = {T} year = 2021}",
        "@article{k, title = {T}\n year = 2021}",
        "@article{k, title = \"T\" year = 2021}",
        "@article{k, date added = {x}, a/b = {y}, bdsk-url-1 = {z}, title = {T}, year = 2021}",
        "@article{k, note, title = {T}, volume = , year = 2021, }",
        "@article{k, title = {T}, title = {U}, year = 2021, year = 1999}",
        "@article{k, title = {T}, journal = jacm, month = foo # jan, year = 2021}",
        "@article{k, title = {T}, note = to appear, year = 2021}",
        "@article{k, title = {T}, file = {C:\\}, year = 2021}",
        "@article{k, note = {\\{a\\vphantom{\\}\\}}}, title = {T}, year = 2021}",
        "@article{k, abstract = {never closed,\n title = {T},\n year = 2021\n}",
        "@article{k, title = {T}}, year = 2021}",
        "@article{k, title = {T}, year = 2021\n",
        "@article{k, % a comment }\n title = {T}, % another {\n year = 2021 % the last\n}",
        "@article{k, title = \"T\", note = \"a \"quoted\" word, and { one\", year = 2021}",
        "@article{k, title = {T}, year = {in press}, date = {2021}}",
        "@article{k,title={T},year=2021}@comment{x}",
        "Some text, 100% sure: @article{k, title = {T}, year = 2021} and more.",
        "@article{k, title = { T }, year = { 2021 }}",
        "@article{k, title = \"T\" # \"\", year = 20 # 21}",
    ] {
        let found = one(entry);
        assert_eq!((found.paper.title.as_str(), date(&found)), ("T", Some("2021")), "{entry}");
    }
}

#[test]
fn abbreviations_are_followed_in_any_case_and_from_anywhere() {
    let text = "@article{a, title = Pre # { and more}, journal = jair}\n@string{JAIR = \"Journal \" # of}\n\
        @String(of = {of Things}, PRE = \"Before\")\n@misc{b, title = {B}, journal = IEEE_J_OE}";
    let found = read(text);
    assert_eq!(found[0].paper.title, "Before and more");
    assert_eq!(found[0].paper.venue.as_deref(), Some("Journal of Things"));
    assert_eq!(found[1].paper.venue.as_deref(), Some("IEEE_J_OE"));
}

#[test]
fn what_is_said_of_a_volume_is_said_of_its_parts() {
    let text = "@inproceedings{a, title = {A}, author = {Doe, Jane}, crossref = {P}}\n@inbook{b, crossref = {p}}\n\
        @xdata{x, journal = {Things}, doi = {10.1000/x}}\n@article{c, title = {C}, xdata = {y, x}}\n@set{s, entryset = {a, b}}\n\
        @proceedings{p, title = {Of things}, editor = {Roe, Max}, year = 2021, doi = {10.1000/p}}";
    let found = read(text);
    assert_eq!(found.iter().map(|r| r.paper.title.as_str()).collect::<Vec<_>>(), ["A", "Of things", "C", "Of things"]);
    assert_eq!((date(&found[0]), found[0].names.len()), (Some("2021"), 0));
    assert_eq!(
        (found[2].paper.venue.as_deref(), found[2].names.as_slice()),
        (Some("Things"), ["doi:10.1000/x".into()].as_slice())
    );
    assert_eq!(found[3].paper.authors, ["Max Roe"]);
}

#[test]
fn an_arxiv_id_stands_in_many_places() {
    for fields in [
        "eprint={2405.13729},archivePrefix={arXiv}",
        "eprint={2405.13729},eprinttype={arxiv},eprintclass={cs.CL}",
        "eprint={2405.13729}",
        "eprint={arXiv:2405.13729 [cs]}, archiveprefix={arXiv.org}",
        "eprint={http://arxiv.org/abs/2405.13729}, eprinttype={arXiv}",
        "journal={arXiv preprint arXiv:2405.13729}",
        "journal={ArXiv e-prints}, eid={arXiv:2405.13729}, pages={arXiv:2405.13729}",
        "journal={ArXiv}, volume={abs/2405.13729}",
        "journal={CoRR}, volume={abs/2405.13729}",
        "journaltitle={arXiv:2405.13729 [cs]}",
        "howpublished={\\url{https://arxiv.org/abs/2405.13729}}",
        "howpublished={arXiv:2405.13729}",
        "howpublished={Preprint at \\href{https://arxiv.org/abs/2405.13729}{arXiv}}",
        "note={arXiv:2405.13729 [cs]}",
        "note={arXiv: 2405.13729, 12 pages}",
        "archiveid={arXiv:2405.13729}",
        "arxivid={2405.13729}",
        "url={http://arxiv.org/pdf/2405.13729v1.pdf}",
        "number={arXiv:2405.13729}, institution={arXiv}",
        "doi={10.48550/arXiv.2405.13729}",
        "ee={https://arxiv.org/abs/2405.13729}",
        "bdsk-url-1={https://arxiv.org/abs/2405.13729}",
    ] {
        assert_eq!(
            one(&format!("@misc{{k, title={{T}}, {fields}}}")).paper.id.as_str(),
            "arxiv:2405.13729",
            "{fields}"
        );
    }
    for (fields, id) in [
        ("eprint={hep-th/9901001}, archivePrefix={arXiv}", "arxiv:hep-th/9901001"),
        ("eprint={9901001}, archivePrefix={arXiv}, primaryClass={hep-th}", "arxiv:hep-th/9901001"),
        ("eprint={99000001}, eprinttype={pubmed}", "pmid:99000001"),
        ("pmid={99000001}", "pmid:99000001"),
    ] {
        let found = one(&format!("@misc{{k, title={{T}}, {fields}}}"));
        assert_eq!(found.names, [id], "{fields}");
    }
    for fields in [
        "note={A reply to arXiv:2405.13729}",
        "annote={arXiv:2405.13729}",
        "abstract={As in arXiv:2405.13729}",
        "eprint={2405.13729}, eprinttype={jstor}, keywords={arXiv:2405.13729}",
    ] {
        let found = one(&format!("@misc{{k, title={{T}}, {fields}}}"));
        assert!(
            !found.names.iter().any(|n| n.contains("arxiv")) || fields.contains("jstor"),
            "{fields}: {:?}",
            found.names
        );
    }
}

#[test]
fn dates_come_from_several_fields() {
    for (fields, day) in [
        ("year=2021, month=mar", "2021-03"),
        ("year=2021, month=\"15~\" # mar", "2021-03-15"),
        ("year={2021}, month={3}, day={15}", "2021-03-15"),
        ("date={2021-03-15/2021-04-01}", "2021-03-15"),
        ("year={c. 2021}", "2021"),
        ("year={2021/22}, month={Spring}", "2021"),
    ] {
        assert_eq!(date(&one(&format!("@misc{{k, title={{T}}, {fields}}}"))), Some(day), "{fields}");
    }
}

/// What the crate reads of a list without mistakes is read here: the same entries, keys and words.
#[test]
fn the_oracle_agrees() {
    use biblatex::{Bibliography, ChunksExt};
    let mut runner = proptest::test_runner::TestRunner::default();
    let value = "[A-Za-z0-9 .:{}é-]{0,20}".prop_map(|value: String| {
        let mut depth = 0usize;
        let mut balanced: String = value
            .chars()
            .filter(|c| match c {
                '{' => {
                    depth += 1;
                    true
                }
                '}' if depth == 0 => false,
                '}' => {
                    depth -= 1;
                    true
                }
                _ => true,
            })
            .collect();
        balanced.push_str(&"}".repeat(depth));
        balanced
    });
    let entry = ("[a-z][a-z0-9:_-]{0,8}", prop::collection::vec((0usize..4, value, prop::bool::ANY), 1..5));
    let list = prop::collection::vec(entry, 1..6);
    let checked = runner.run(&list, |entries| {
        let mut text = String::from("@string{abc = \"Some words\"}\nText between.\n");
        for (k, (key, fields)) in entries.iter().enumerate() {
            text += &format!("@article{{{key}{k},\n");
            for (n, (name, value, quoted)) in fields.iter().enumerate() {
                let name = ["title", "note", "publisher", "address"][*name];
                text += &match (quoted, n) {
                    (true, 2) => format!("  {name}{n} = abc # \"{value}\",\n"),
                    (true, _) => format!("  {name}{n} = \"{value}\",\n"),
                    (false, _) => format!("  {name}{n} = {{{value}}},\n"),
                };
            }
            text += "}\n\n";
        }
        let Ok(theirs) = Bibliography::parse(&text) else { return Ok(()) };
        let entries = raw::entries(&text);
        let file = File::new(&entries, &[], text.len());
        let ours: Vec<&Entry<'_>> = entries.iter().filter(|e| !e.kind.eq_ignore_ascii_case("string")).collect();
        prop_assert_eq!(theirs.len(), ours.len());
        for (their, our) in theirs.iter().zip(ours) {
            prop_assert_eq!(their.key.as_str(), our.key);
            prop_assert_eq!(our.fault.as_deref(), None);
            for (name, chunks) in &their.fields {
                let mut reading = Reading::new(&file, our);
                let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
                let read = reading.text(&[&plain_name(name)]).unwrap_or_default();
                prop_assert_eq!(words(&chunks.format_verbatim()), words(&read), "{}", text);
            }
        }
        Ok(())
    });
    checked.unwrap_or_else(|e| panic!("{e}"));
}

proptest! {
    /// Entries follow each other, each inside the text.
    #[test]
    fn entries_stand_one_behind_the_other(
        text in "([\\{\\}\\(\\),=#\"%@ \n\\\\aé]|@misc\\{|@String \\(|@comment\\{|\n@preamble\\{\"){0,60}"
    ) {
        let mut last = None;
        for entry in raw::entries(&text) {
            prop_assert!(last < Some(entry.start) && text[entry.start..].starts_with('@'), "{text:?}");
            last = Some(entry.start);
        }
    }
}
