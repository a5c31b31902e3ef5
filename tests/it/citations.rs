//! References: written as people's programs read them, and read back by those programs and by our own import.

use std::collections::HashSet;
use std::io::Write;
use std::process::{Command, Stdio};

use biblatex::{Bibliography, ChunksExt};
use paperkin::deliver::citations::{CitationFormat, Citations};
use paperkin::paper::person::{CitedName, suffix};
use paperkin::paper::{Paper, Piece, letters, pieces, plain};
use paperkin::sources::{Format, references};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support::{Folder, Server, error, papers};

fn paper(fields: Value) -> Paper {
    Paper::from_json(fields).expect("a paper")
}

fn written(format: CitationFormat, papers: &[Paper]) -> String {
    let mut citations = Citations::begin(Vec::new(), format, false).expect("memory");
    papers.iter().for_each(|paper| citations.add(paper, None).expect("memory"));
    String::from_utf8(citations.finish().expect("memory")).expect("UTF-8")
}

/// A text with single blanks, composed, and without what is not seen.
fn tidy(text: &str) -> String {
    use unicode_normalization::UnicodeNormalization;
    paperkin::paper::shown(text).nfc().collect::<String>().split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Whether a text is a title, formulas as LaTeX or as text.
fn is_title(read: &str, title: &str) -> bool {
    let mut ways = vec![String::new()];
    for piece in pieces(title) {
        ways = match piece {
            Piece::Text(text) => ways.into_iter().map(|way| way + &text).collect(),
            Piece::Formula { source, text } => {
                let both = ways.into_iter().flat_map(|way| [format!("{way}${source}$"), way + &text]);
                both.take(256).collect()
            }
        };
    }
    ways.iter().any(|way| tidy(way) == tidy(read)) || tidy(title) == tidy(read)
}

const NASTY: &[&str] = &[
    "R&D at 5% costs $5 and #1 a_b {x} ~ ^ \\ | <b> \"quoted\" it's",
    "Learning $\\ell_1$ of CO$_2$ and H<sub>2</sub>O: \\textbf{bold} \\'etude",
    "An unbalanced } brace { and another {",
    "a--b --- c ''d'' ``e`` ?` !`",
    "Größe, Erdős, Ångström, naïve, 東京大学の研究, Москва, ελληνικά",
    "@article{x, title={y}} % and more",
    "$100 to $200 a month",
    "ER  - and TY  - JOUR",
    "=cmd|'/C calc'!A0",
    "\u{202e}turned\u{200b} round\u{7}",
];

proptest! {
    // The same titles each time: of titles made at random one in some thousands is read in two ways, and nobody's title is one.
    #![proptest_config(ProptestConfig { rng_seed: proptest::test_runner::RngSeed::Fixed(21), ..ProptestConfig::with_cases(400) })]

    /// Whatever a title holds, everybody reads the same text.
    #[test]
    fn titles_come_back(
        title in "([a-zA-Z0-9 &%_#${}~^<>|\\\\\\\\'`\"?!.,:;=@()-]|\\$x_1\\$|\\\\\\\\'e|<i>|</i>|&amp;|é|東|\\PC){1,60}",
        given in "[A-Z][a-zé]{0,7}( [A-Z]\\.)?", family in "[A-Z][a-z&_%'é-]{1,9}",
    ) {
        prop_assume!(!tidy(&plain(&title)).is_empty());
        // Where one formula ends and the next begins, those who read LaTeX do not agree.
        prop_assume!(!title.contains("$$") && !title.contains("\\$"));
        // `Jr` and `Inc` are no family names.
        prop_assume!(suffix(&given).is_none() && suffix(&family).is_none());
        let name = format!("{given} {family}");
        prop_assume!(matches!(CitedName::read(&name), Some(CitedName::Person { suffix: "", .. })));
        let paper = paper(json!({"id": "doi:10.1000/a", "title": title, "authors": [format!("{given} {family}")], "date": "2024-05"}));
        let bibtex = written(CitationFormat::Bibtex, std::slice::from_ref(&paper));
        let read = Bibliography::parse(&bibtex).map_err(|e| TestCaseError::fail(format!("{e}: {bibtex}")))?;
        let entry = read.iter().next().expect("an entry");
        let read = entry.title().expect("a title").format_verbatim();
        prop_assert!(is_title(&read, &paper.title), "biblatex has {read:?} of {bibtex}");
        prop_assert_eq!(&entry.author().expect("authors")[0].name, &family);
        let own = references(&bibtex, Format::Bibtex).expect("reads").references;
        prop_assert!(is_title(&own[0].paper.title, &paper.title), "we have {:?} of {bibtex}", own[0].paper.title);
        prop_assert_eq!(&own[0].paper.authors, &[format!("{given} {family}")]);
        // Classic BibTeX counts braces whatever stands before.
        let depth = bibtex.chars().fold(0i32, |depth, c| depth + i32::from(c == '{') - i32::from(c == '}'));
        prop_assert_eq!(depth, 0, "{}", bibtex);
        for (format, reading) in [(CitationFormat::Ris, Format::Ris), (CitationFormat::CslJson, Format::Csl), (CitationFormat::Csv, Format::Csv)] {
            let text = written(format, std::slice::from_ref(&paper));
            let own = references(&text, reading).expect("reads").references;
            prop_assert_eq!(own.len(), 1, "{}", text);
            let read = tidy(&own[0].paper.title);
            let wanted = tidy(&plain(&paper.title));
            prop_assert!(read == wanted, "{format}: {read:?}, not {wanted:?}");
            prop_assert_eq!(own[0].paper.date.as_ref().map(|d| d.as_str()), Some("2024-05"));
            prop_assert_eq!(&own[0].names[0], "doi:10.1000/a");
        }
    }
}

#[test]
fn what_is_known_stands_in_its_fields() {
    let article = paper(
        json!({"id": "doi:10.1000/a_b", "title": "On Things", "venue": "Journal of R&D", "date": "2024-05-22",
        "authors": ["Jan van der Berg", "King, Martin Luther, Jr.", "World Health Organization", "Plato", "García Márquez, Gabriel"],
        "type": "journal-article", "volume": "3", "issue": 4, "pages": "12–34", "issn": ["1234-5678"], "keywords": ["a & b"],
        "url": "https://doi.org/10.1000/a_b", "abstract": "Costs 5% <i>more</i>."}),
    );
    let preprint =
        paper(json!({"id": "arxiv:2405.13729v2", "title": "BERT and U-Net for all", "authors": ["Jane Doe"],
        "date": "2024", "categories": ["stat.ML", "cs.LG"]}));
    let meeting = paper(
        json!({"id": "x/7", "title": "On Meetings", "venue": "Proceedings of ICML", "authors": ["Jane Doe"], "date": "2024"}),
    );
    let text = written(CitationFormat::Bibtex, &[article.clone(), preprint.clone(), meeting.clone()]);
    for line in [
        "@article{berg2024things,",
        "  author = {van der Berg, Jan and King, Jr., Martin Luther and {World Health Organization} and Plato and García Márquez, Gabriel},",
        "  year = {2024},",
        "  month = may,",
        "  day = {22},",
        r"  journal = {Journal of R\&D},",
        "  volume = {3},",
        "  number = {4},",
        "  pages = {12--34},",
        "  issn = {1234-5678},",
        "  doi = {10.1000/a_b},",
        r"  abstract = {Costs 5\% more.},",
        "@misc{doe2024bert,",
        "  title = {{BERT} and {U-Net} for all},",
        "  eprint = {2405.13729v2},",
        "  archivePrefix = {arXiv},",
        "  primaryClass = {stat.ML},",
        "  url = {https://arxiv.org/abs/2405.13729},",
        "@inproceedings{doe2024meetings,",
        "  booktitle = {Proceedings of ICML},",
        "  paperkinid = {x/7},",
    ] {
        assert!(text.lines().any(|known| known == line), "{line} is not in\n{text}");
    }
    assert!(!text.contains("doi.org"), "{text}");
    let all = [article, preprint, meeting];
    for (format, reading) in [
        (CitationFormat::Bibtex, Format::Bibtex),
        (CitationFormat::Ris, Format::Ris),
        (CitationFormat::CslJson, Format::Csl),
        (CitationFormat::Csv, Format::Csv),
    ] {
        let text = written(format, &all);
        let own = references(&text, reading).unwrap_or_else(|e| panic!("{e}: {text}")).references;
        let names: Vec<Vec<String>> = own.iter().map(|r| r.names.clone()).collect();
        assert!(names[0].contains(&"doi:10.1000/a_b".into()), "{format}: {names:?}");
        assert!(names[1].contains(&"arxiv:2405.13729v2".into()), "{format}: {names:?}");
        assert!(names[2].contains(&"x/7".into()), "{format}: {names:?}");
        let people: Vec<&str> = own[0].paper.authors.iter().map(String::as_str).collect();
        assert_eq!(people[..2], ["Jan van der Berg", "Martin Luther King"], "{format}");
        assert_eq!(people[2..], ["World Health Organization", "Plato", "Gabriel García Márquez"], "{format}");
        assert_eq!(own[0].paper.date.as_ref().map(|d| d.as_str()), Some("2024-05-22"), "{format}");
        assert_eq!(own[0].paper.venue.as_deref(), Some("Journal of R&D"), "{format}");
        assert_eq!(own[0].paper.summary, "Costs 5% more.", "{format}");
    }
    // `{}` alone, and one paper twice: every key is one.
    let twice = vec![all[1].clone(); 5];
    let text = written(CitationFormat::Bibtex, &twice);
    let keys: HashSet<&str> = text.lines().filter(|line| line.starts_with('@')).collect();
    assert_eq!(keys.len(), 5, "{text}");
    assert_eq!(written(CitationFormat::CslJson, &[]), "[]\n");
}

#[test]
fn no_cell_is_a_formula_and_every_row_is_one() {
    let all: Vec<Paper> = NASTY
        .iter()
        .enumerate()
        .map(|(k, title)| {
            paper(json!({"id": format!("-{k}"), "title": title, "abstract": "+1\n\n@x", "authors": ["=Doe, Jane"]}))
        })
        .collect();
    let text = written(CitationFormat::Csv, &all);
    let mut rows = 0;
    for row in csv::Reader::from_reader(text.as_bytes()).records() {
        let row = row.expect("a row");
        rows += 1;
        assert!(row.iter().all(|cell| !cell.starts_with(['=', '+', '-', '@', '\t', '\r'])), "{row:?}");
    }
    assert_eq!(rows, NASTY.len());
    let own = references(&text, Format::Csv).expect("reads").references;
    for (read, wrote) in own.iter().zip(&all) {
        assert_eq!(tidy(&read.paper.title), tidy(&plain(&wrote.title)));
        assert_eq!(read.names[0], wrote.id.as_str());
    }
}

/// Runs pandoc, where it is. Without it the test says so and is passed over, unless `PAPERKIN_REQUIRE_PANDOC` is set, as
/// `.ci/run` does.
fn pandoc(args: &[&str], input: &str) -> Option<String> {
    let child =
        Command::new("pandoc").args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let Ok(mut child) = child else {
        let how = "pandoc is not here, which reads our references in a test (Debian: apt-get install pandoc)";
        assert!(std::env::var_os("PAPERKIN_REQUIRE_PANDOC").is_none(), "{how}; PAPERKIN_REQUIRE_PANDOC asks for it");
        // Past the capture of the test's own output: what was not tried is to be seen.
        let _ = writeln!(std::io::stderr(), "\nSKIPPED: {how}\n");
        return None;
    };
    let mut stdin = child.stdin.take().expect("piped");
    let input = input.to_string();
    let sending = std::thread::spawn(move || stdin.write_all(input.as_bytes()));
    let done = child.wait_with_output().expect("pandoc ends");
    sending.join().expect("sent").expect("pandoc reads");
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success() && said.is_empty(), "pandoc {args:?}: {said}");
    Some(String::from_utf8(done.stdout).expect("UTF-8"))
}

#[test]
fn pandoc_reads_our_references() {
    let names = [
        "Jan van der Berg",
        "World Health Organization and Sons",
        "Plato",
        "Martin Luther King Jr.",
        "张伟",
        "José Ortega y Gasset",
    ];
    let all: Vec<Paper> = NASTY
        .iter()
        .enumerate()
        .map(|(k, title)| {
            paper(json!({"id": format!("doi:10.1000/n_{k}"), "title": title, "authors": names, "date": "2024-05-22",
                "venue": "Journal of R&D", "pages": "1-9", "abstract": format!("An abstract of {title}")}))
        })
        .collect();
    // Pandoc makes its own apostrophes, lowers what is not in braces, and gives formulas as LaTeX.
    let same = |text: &str| letters(&text.replace(['’', '‘', '“', '”', '\'', '"', '`', '\u{2060}'], ""));
    for (format, reader) in
        [(CitationFormat::Bibtex, "bibtex"), (CitationFormat::Bibtex, "biblatex"), (CitationFormat::CslJson, "csljson")]
    {
        let text = written(format, &all);
        let Some(read) = pandoc(&["-f", reader, "-t", "csljson"], &text) else { return };
        let items: Vec<Value> = serde_json::from_str(&read).expect("CSL-JSON");
        assert_eq!(items.len(), all.len(), "{reader}: {read}");
        for paper in &all {
            let item = items
                .iter()
                .find(|item| item["DOI"].as_str().is_some_and(|doi| format!("doi:{doi}") == paper.id.as_str()));
            let item = item.unwrap_or_else(|| panic!("{reader}: {} is not in {read}", paper.id));
            let title = item["title"].as_str().expect("a title");
            let formulas = pieces(&paper.title).iter().any(|piece| matches!(piece, Piece::Formula { .. }));
            assert!(formulas || same(title) == same(&plain(&paper.title)), "{reader}: {title:?} of {:?}", paper.title);
            let family =
                |k: usize| item["author"][k]["family"].as_str().or_else(|| item["author"][k]["literal"].as_str());
            let families: Vec<_> = (0..6).filter_map(family).collect();
            assert_eq!(
                families,
                ["Berg", "World Health Organization and Sons", "Plato", "King", "张伟", "Gasset"],
                "{reader}"
            );
            assert_eq!(item["author"][3]["suffix"], "Jr.", "{reader}: {item}");
            assert_eq!(item["issued"]["date-parts"], json!([[2024, 5, 22]]), "{reader}");
            assert_eq!(
                (&item["container-title"], &item["page"]),
                (&json!("Journal of R&D"), &json!("1-9")),
                "{reader}"
            );
        }
    }
    // And as a bibliography is printed: formulas and all, capitals kept.
    let one = [paper(
        json!({"id": "arxiv:2405.13729", "title": "Learning the $\\ell_1$ norm of H$_2$O with BERT & Gaussian noise",
        "authors": ["Jan van der Berg"], "date": "2024"}),
    )];
    for (format, reader) in [(CitationFormat::Bibtex, "bibtex"), (CitationFormat::CslJson, "csljson")] {
        let Some(read) = pandoc(&["-f", reader, "-t", "plain", "--citeproc", "--wrap=none"], &written(format, &one))
        else {
            return;
        };
        assert!(read.contains("BERT & Gaussian") && read.contains("ℓ") && read.contains("Berg"), "{reader}: {read}");
    }
}

fn served() -> (Folder, Server) {
    let folder = Folder::new();
    folder.json(&["ingest", &folder.file("p.jsonl", papers(300))]);
    let server = Server::start(&folder);
    let events: Vec<Value> = (0..12).map(|k| json!({ "paper": format!("p/{}", k * 7), "kind": "like" })).collect();
    assert_eq!(server.post("/v1/users/ada/events", &json!({ "events": events })).status, 200);
    assert_eq!(server.get("/v1/themes").status, 200);
    (folder, server)
}

fn header<'r>(reply: &'r crate::support::Reply, name: &str) -> Vec<&'r str> {
    reply.headers.get_all(name).iter().filter_map(|value| value.to_str().ok()).collect()
}

#[test]
fn every_list_of_papers_comes_in_every_form() {
    let (_folder, server) = served();
    let import = json!({ "text": "Krill that nobody has counted", "format": "titles", "embed_missing": true });
    assert_eq!(server.post("/v1/users/ada/history", &import).status, 200);
    let theme = server.get("/v1/themes").body["themes"][0]["id"].as_str().expect("a theme").to_string();
    let lists: Vec<(&str, String, Option<Value>)> = vec![
        ("GET", "/v1/papers?limit=7".into(), None),
        ("GET", "/v1/search?q=topic3".into(), None),
        ("POST", "/v1/search".into(), Some(json!({ "q": "topic3" }))),
        ("GET", "/v1/papers/p%2F3/similar?limit=4".into(), None),
        ("GET", "/v1/similar?id=p/3".into(), None),
        ("POST", "/v1/recommend".into(), Some(json!({ "like": ["p/1"] }))),
        ("GET", "/v1/trending?window=900d".into(), None),
        ("GET", format!("/v1/themes/{theme}"), None),
        ("GET", "/v1/users/ada/feed".into(), None),
        ("POST", "/v1/users/ada/feed/preview".into(), Some(json!({}))),
        ("POST", "/v1/users/ada/rank".into(), Some(json!({ "candidates": ["p/1", "p/2"] }))),
        ("GET", "/v1/users/ada/questions".into(), None),
        ("GET", "/v1/users/ada/outside".into(), None),
        ("GET", "/v1/users/ada/library?limit=20".into(), None),
    ];
    for (method, path, body) in &lists {
        let bytes = body.as_ref().map_or_else(Vec::new, |body| body.to_string().into_bytes());
        let ask = |path: &str, accept: Option<&str>| {
            let mut headers: Vec<(&str, &str)> = accept.iter().map(|accept| ("accept", *accept)).collect();
            headers.extend(body.as_ref().map(|_| ("content-type", "application/json")));
            server.text_of(method, path, &headers, &bytes)
        };
        let (plain, _) = ask(path, None);
        assert_eq!((plain.status, header(&plain, "content-type")), (200, vec!["application/json"]), "{path}");
        assert!(header(&plain, "vary").join(",").to_lowercase().contains("accept"), "{path}");
        assert!(header(&plain, "content-disposition").is_empty());
        let titles: Vec<&str> =
            plain.body["papers"].as_array().expect("papers").iter().filter_map(|p| p["title"].as_str()).collect();
        assert!(!titles.is_empty(), "{path}: {}", plain.body);
        let sign = if path.contains('?') { '&' } else { '?' };
        for (format, reading) in [
            (CitationFormat::Bibtex, Format::Bibtex),
            (CitationFormat::Ris, Format::Ris),
            (CitationFormat::CslJson, Format::Csl),
            (CitationFormat::Csv, Format::Csv),
        ] {
            let asked = [
                ask(&format!("{path}{sign}format={format}"), None),
                ask(path, Some(&format!("{}, */*;q=0.1", format.media_type()))),
                ask(&format!("{path}{sign}format={format}"), Some("application/json")),
            ];
            for (reply, text) in asked {
                assert_eq!(reply.status, 200, "{path} {format}: {text}");
                assert!(header(&reply, "content-type")[0].starts_with(format.media_type()), "{path} {format}");
                let name = header(&reply, "content-disposition").join("");
                assert!(
                    name.starts_with("attachment; filename=\"")
                        && name.ends_with(&format!(".{}\"", format.extension())),
                    "{name}"
                );
                let vary = header(&reply, "vary").join(",").to_lowercase();
                assert!(vary.split(',').any(|part| part.trim() == "accept"), "{vary}");
                let own = references(&text, reading).unwrap_or_else(|e| panic!("{path} {format}: {e}\n{text}"));
                let read: Vec<&str> = own.references.iter().map(|r| r.paper.title.as_str()).collect();
                assert_eq!(read, titles, "{path} {format}");
                if format == CitationFormat::Csv {
                    let scored = plain.body["papers"][0]["score"].is_number();
                    let head = text.lines().next().unwrap_or_default();
                    assert_eq!(head.trim_end().ends_with(",score"), scored, "{path}: {head}");
                }
            }
        }
        let (json, _) = ask(&format!("{path}{sign}format=json"), Some("application/x-bibtex"));
        assert!(json.body["papers"].is_array(), "{path}");
        let (refused, _) = ask(&format!("{path}{sign}format=docx"), None);
        let (status, _, message) = error(&refused);
        assert!(status == 400 && message.contains("json, bibtex, ris, csl-json, csv"), "{path}: {message}");
    }
    // What is no list knows no form, and errors are JSON in any.
    assert_eq!(error(&server.get("/v1/papers/p%2F3?format=bibtex")).0, 400);
    assert_eq!(error(&server.get("/v1/search?format=bibtex")).0, 422);
    assert_eq!(server.request("POST", "/v1/papers?format=csv", Some("application/json"), b"{}").status, 400);
}

#[test]
fn a_paper_has_its_reference() {
    let (folder, server) = served();
    let (reply, text) = server.text_of("GET", "/v1/papers/p%2F3/citation", &[], b"");
    assert!(reply.status == 200 && text.starts_with("@misc{paper32026paper,"), "{text}");
    assert_eq!(header(&reply, "content-disposition"), ["attachment; filename=\"paper32026paper.bib\""]);
    let (_, ris) = server.text_of("GET", "/v1/papers/p%2F3/citation?format=ris", &[], b"");
    assert!(ris.starts_with("TY  - GEN\r\n"), "{ris}");
    let csl = [("accept", "application/vnd.citationstyles.csl+json")];
    assert_eq!(server.text_of("GET", "/v1/papers/p%2F3/citation", &csl, b"").0.body[0]["id"], "paper32026paper");
    assert_eq!(error(&server.get("/v1/papers/nobody/citation")).0, 404);
    let (status, _, message) = {
        let refused = server.get("/v1/papers/p%2F3/citation?format=json");
        let (a, b, c) = error(&refused);
        (a, b.to_string(), c.to_string())
    };
    assert!(status == 400 && message.ends_with("one of bibtex, ris, csl-json, csv"), "{message}");
    // The command prints the same, for one and for many.
    assert_eq!(folder.run(&["cite", "p/3"]).out, text);
    let all = folder.run(&["cite", "--all", "--format", "csl-json"]).out;
    let all: Vec<Value> = serde_json::from_str(&all).expect("CSL-JSON");
    let keys: HashSet<&str> = all.iter().filter_map(|item| item["id"].as_str()).collect();
    assert_eq!((all.len(), keys.len()), (300, 300));
    let found = folder.run(&["search", "topic3", "-k", "3", "--format", "csv"]).out;
    assert_eq!(found.lines().count(), 4, "{found}");
    assert!(
        found.starts_with("id,key,title,")
            && found.lines().next().is_some_and(|head| head.trim_end().ends_with(",score"))
    );
    assert_eq!(folder.run(&["similar", "p/3", "--format", "docx"]).status, Some(2));
    assert_eq!(folder.run(&["similar", "p/3", "--format", "ris", "--json"]).status, Some(2));
}

#[test]
fn a_library_goes_out_and_comes_in_again() {
    let (folder, server) = served();
    let list = "@article{s, title={Krill that nobody has counted, at 5\\% of {R\\&D}}, author={Nil, N. and {The Krill Group}}, \
        year=2020, doi={10.1000/krill_1}, abstract={They swarm.}}\n@misc{t, title={Whales without any name}, author={Roe, R.}}";
    let path = "/v1/users/ada/history?embed_missing=true";
    assert_eq!(server.request("POST", path, Some("text/plain"), list.as_bytes()).status, 200);
    let events = json!({ "events": [
        { "paper": "p/100", "kind": "save" }, { "paper": "p/101", "kind": "save", "at": "2026-01-01" },
        { "paper": "p/101", "kind": "unsave" }, { "paper": "p/0", "kind": "dislike" }, { "paper": "p/102", "kind": "view" },
    ] });
    assert_eq!(server.post("/v1/users/ada/events", &events).status, 200);
    let held = |user: &str| -> Vec<(String, String)> {
        let body = server.get(&format!("/v1/users/{user}/library?limit=500")).body;
        let of = |p: &Value| (p["id"].as_str().expect("an id").to_string(), p["in_corpus"].to_string());
        let mut held: Vec<_> = body["papers"].as_array().expect("papers").iter().map(of).collect();
        assert_eq!(body["meta"]["total"].as_u64(), Some(held.len() as u64));
        held.sort();
        held
    };
    let of_ada = held("ada");
    // Eleven likes that stand, one save, two from outside.
    assert_eq!(of_ada.len(), 14, "{of_ada:?}");
    assert!(of_ada.iter().any(|(id, _)| id == "p/100") && of_ada.iter().all(|(id, _)| id != "p/0" && id != "p/101"));
    assert_eq!(of_ada.iter().filter(|(_, inside)| inside == "false").count(), 2);
    for (k, format) in CitationFormat::ALL.into_iter().enumerate() {
        let (reply, text) = server.text_of("GET", &format!("/v1/users/ada/library?format={format}"), &[], b"");
        assert_eq!(reply.status, 200, "{text}");
        let name = format!("attachment; filename=\"library.{}\"", format.extension());
        assert_eq!(header(&reply, "content-disposition"), [name]);
        let user = format!("grace{k}");
        let path = format!("/v1/users/{user}/history?embed_missing=true");
        let taken = server.request("POST", &path, Some("text/plain"), text.as_bytes());
        assert_eq!((taken.status, &taken.body["rejected_total"]), (200, &json!(0)), "{format}: {}", taken.body);
        assert_eq!(held(&user), of_ada, "{format}:\n{text}");
        // Taken out again it says the same.
        let (_, again) = server.text_of("GET", &format!("/v1/users/{user}/library?format={format}"), &[], b"");
        let said = |text: &str| {
            let list = references(text, Format::Auto).expect("reads").references;
            let mut said: Vec<String> = list.iter().map(|r| format!("{:?}", r.paper)).collect();
            said.sort();
            said
        };
        assert_eq!(said(&again), said(&text), "{format}");
        let printed = folder.run(&["history", "export", "ada", "--format", format.name()]);
        assert_eq!((printed.status, printed.out), (Some(0), text), "{format}: {}", printed.err);
    }
    let page = server.get("/v1/users/ada/library?limit=10").body;
    let next = page["meta"]["next"].as_str().expect("there is more");
    let rest = server.get(&format!("/v1/users/ada/library?limit=10&cursor={next}")).body;
    assert_eq!(rest["papers"].as_array().map(Vec::len), Some(4));
    assert_eq!(error(&server.get("/v1/users/nobody/library")).0, 404);
    assert_eq!(folder.run(&["history", "export", "nobody"]).status, Some(1));
}

/// Every paper of a file of JSON Lines, written in each format and read back by everybody; run by hand with
/// `PAPERKIN_CORPUS=papers.jsonl cargo test --release --test it whole_corpus -- --ignored --nocapture`.
#[test]
#[ignore = "wants a corpus in PAPERKIN_CORPUS"]
fn a_whole_corpus_comes_back() {
    let file = std::env::var("PAPERKIN_CORPUS").expect("PAPERKIN_CORPUS names a file of JSON Lines");
    let lines = std::fs::read_to_string(file).expect("a file");
    let all: Vec<Paper> = lines.lines().map(|line| paper(serde_json::from_str(line).expect("JSON"))).collect();
    let bibtex = written(CitationFormat::Bibtex, &all);
    let began = std::time::Instant::now();
    let read = Bibliography::parse(&bibtex).unwrap_or_else(|e| panic!("{e}"));
    let (mut titles, mut people) = (0, 0);
    for (entry, paper) in read.iter().zip(&all) {
        let title = entry.title().expect("a title").format_verbatim();
        if !is_title(&title, &paper.title) {
            titles += 1;
            println!("biblatex title: {title:?} of {:?}", paper.title);
        }
        let count = entry.author().map_or(0, |people| people.len());
        if count != paper.authors.iter().filter(|name| !tidy(name).is_empty()).count() {
            people += 1;
            println!("biblatex authors: {count} of {:?}", paper.authors);
        }
    }
    println!(
        "biblatex: {} of {} entries, {titles} other titles, {people} other numbers of authors, {:?}",
        read.len(),
        all.len(),
        began.elapsed()
    );
    for (format, reading) in [
        (CitationFormat::Bibtex, Format::Bibtex),
        (CitationFormat::Ris, Format::Ris),
        (CitationFormat::CslJson, Format::Csl),
        (CitationFormat::Csv, Format::Csv),
    ] {
        let text = written(format, &all);
        let list = references(&text, reading).expect("reads");
        let mut wrong = [0; 5];
        for (own, paper) in list.references.iter().zip(&all) {
            let differs = [
                !is_title(&own.paper.title, &paper.title),
                own.paper.authors.iter().map(|a| letters(a)).ne(paper.authors.iter().map(|a| letters(a))),
                own.paper.date != paper.date,
                letters(&own.paper.summary) != letters(&paper.summary),
                !own.names.iter().any(|name| name == paper.id.as_str()),
            ];
            for (k, differs) in differs.into_iter().enumerate().filter(|(_, differs)| *differs) {
                wrong[k] += usize::from(differs);
                if wrong[k] < 12 {
                    println!(
                        "{format} {k}: {:?}\n   of {:?} {:?}",
                        [&own.paper.title, &format!("{:?}", own.paper.authors), &format!("{:?}", own.names)],
                        paper.title,
                        paper.authors
                    );
                }
            }
        }
        println!(
            "{format}: {} of {} read by us, {} rejected; other titles, authors, dates, abstracts, names: {wrong:?}",
            list.references.len(),
            all.len(),
            list.rejected_total
        );
    }
    for (format, reader) in
        [(CitationFormat::Bibtex, "bibtex"), (CitationFormat::Bibtex, "biblatex"), (CitationFormat::CslJson, "csljson")]
    {
        let Some(read) = pandoc(&["-f", reader, "-t", "csljson"], &written(format, &all)) else { return };
        let items: Vec<Value> = serde_json::from_str(&read).expect("CSL-JSON");
        // Pandoc gives some readers' items in an order of its own.
        let keys = written(CitationFormat::CslJson, &all);
        let keys: Vec<Value> = serde_json::from_str(&keys).expect("CSL-JSON");
        let by_key: std::collections::HashMap<&str, &Value> =
            items.iter().filter_map(|item| Some((item["id"].as_str()?, item))).collect();
        let same = |text: &str| letters(&text.replace(['’', '‘', '“', '”', '\'', '"', '`', '\u{2060}'], ""));
        let (mut titles, mut people, mut formulas, mut dates) = (0, 0, 0, 0);
        for (key, paper) in keys.iter().zip(&all) {
            let item = by_key.get(key["id"].as_str().expect("a key")).unwrap_or_else(|| panic!("{reader} lost {key}"));
            let title = item["title"].as_str().unwrap_or_default();
            if same(title) != same(&plain(&paper.title)) {
                if pieces(&paper.title).iter().any(|piece| matches!(piece, Piece::Formula { .. })) {
                    formulas += 1;
                } else {
                    titles += 1;
                    println!("{reader} title: {title:?} of {:?}", paper.title);
                }
            }
            if item["author"].as_array().map_or(0, Vec::len) != key["author"].as_array().map_or(0, Vec::len) {
                people += 1;
                println!("{reader} authors: {} of {:?}", item["author"], paper.authors);
            }
            dates += usize::from(item["issued"]["date-parts"] != key["issued"]["date-parts"]);
        }
        println!(
            "pandoc {reader}: {} of {} items, {titles} other titles, {formulas} more with formulas in them, {people} other numbers of authors, {dates} other dates",
            items.len(),
            all.len()
        );
    }
}
