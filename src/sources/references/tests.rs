use proptest::prelude::*;

use super::*;
use crate::engine::Reference;

const BIBTEX: &str = r"
    @comment{made by hand}
    @article{a, title = {On {\'E}tale {Things}}, author = {Doe, Jane and Max van Moritz}, doi = {10.1000/AB.1}, year = 2021}
    @misc{b, title={Preprints of Preprints}, eprint={2405.13729v2}, archivePrefix={arXiv}, date-added = {2026-02-03 10:11:12 +0100}}
    @article{c, title={Third}, journal={arXiv preprint arXiv:2401.00001}}
";
const RIS: &str = "TY  - JOUR\r\nTI  - On Things\r\nAU  - Doe, Jane\r\nPY  - 2021/03/\r\nDO  - 10.1000/ab.1\r\nAB  - First line\r\nand second.\r\nER  - \r\n\r\nTY  - RPRT\r\nT1  - Without end\r\n";
const CSL: &str = r#"[{"id": "http://z/1", "type": "article", "title": "On Things", "DOI": "10.1000/ab.1",
    "author": [{"family": "Doe", "given": "Jane"}], "issued": {"date-parts": [["2021", 3]]}}, {"title": "Only this"}]"#;
const ZOTERO: &str = r#"{"config": {}, "items": [{"itemType": "book", "title": "On Things", "DOI": "10.1000/ab.1"},
    {"itemType": "note", "note": "x"}, {"itemType": "book", "title": "Other"}]}"#;
const PUBMED: &str = "PMID- 99000001\nOWN - NLM\nTI  - On things that are\n      wrapped.\nLID - 10.1000/ab.1 [doi]\nFAU - Doe, Jane\n\nPMID- 99000002\nTI  - Other.\n";
const PUBMED_XML: &str = "<PubmedArticleSet><PubmedArticle><MedlineCitation><PMID>1</PMID><Article><ArticleTitle>A &amp; B</ArticleTitle>\
    </Article></MedlineCitation></PubmedArticle>\n<PubmedArticle><MedlineCitation><Article><ArticleTitle>C</ArticleTitle></Article></MedlineCitation></PubmedArticle></PubmedArticleSet>";
const ENDNOTE: &str =
    "%0 Journal Article\n%T On Things\n%A Doe, Jane\n%R 10.1000/ab.1\n\n%0 Generic\n%T Other\n%D 2020\n";
const ENDNOTE_XML: &str = "<xml><records><record><titles><title><style>On Things</style></title></titles></record>\n<record><titles><title>Other</title></titles></record></records></xml>";
const WOS: &str = "FN Clarivate Analytics Web of Science\nVR 1.0\nPT J\nAU Doe, J\n   Roe, M\nTI On Things\nDI 10.1000/ab.1\nER\n\nPT J\nTI Other\nER\n\nEF";
const CSV: &str = "Title,DOI,\"Authors\"\n\"On \"\"Things\"\"\n, wrapped\",10.1000/ab.1,\"Doe, Jane\"\nOther,,\n";
const IDS: &str = "# mine\n2405.13729\n\nhttps://doi.org/10.1000/ab.1\nsome/own:id\nA title of five words\n";

fn of(text: &str) -> Vec<Reference> {
    let list = references(text, Format::Auto).expect("reads");
    assert_eq!(list.rejected, []);
    list.references
}

/// What goes in of a list, and what is told of the rest: line, key, and a word of the reason.
fn check(text: &str, format: Format, good: &[&str], bad: &[(usize, Option<&str>, &str)]) {
    let list = references(text, format).expect("reads");
    let titles: Vec<&str> = list.references.iter().map(|r| r.paper.title.as_str()).collect();
    assert_eq!(titles, good, "{text}");
    let told: Vec<(usize, Option<&str>)> = list.rejected.iter().map(|r| (r.line, r.id.as_deref())).collect();
    assert_eq!(told, bad.iter().map(|b| (b.0, b.1)).collect::<Vec<_>>(), "{text}");
    for (told, (.., word)) in list.rejected.iter().zip(bad) {
        assert!(told.reason.contains(word), "{}", told.reason);
    }
}

#[test]
fn a_broken_entry_costs_no_other() {
    use Format::{Bibtex, Csl, Ris};
    let broken = "@string{j = \"J\" # k}\n@article{a, title = {A \\{}, journal = j}\n\n@article{b,\n title {no sign}\n}\n\
        @article{c, title = {C}, year = 2021}, @misc{d, title={D}}\n% @misc{old, title={Old}}\n\
        @article{e, title = {never closed\n  @article{f, title = \"F\"}\n@misc{g, title = unknown}\n\
        @misc{c, title = {C again}}\n@comment{x}@misc{h, note = {n}}\n@string{k = {K}}\njane@doe.org {";
    let bad = [
        (4, Some("b"), "expected equals"),
        (9, Some("e"), "not closed"),
        (11, Some("g"), "unknown abbreviation"),
        (13, Some("h"), "neither"),
    ];
    check(broken, Bibtex, &["A {", "C", "D", "F", "C again"], &bad);
    let odd = "@PreAmble{{\\newcommand{\\x}{}}}\n@comment{it's 5\" % {}\n@misc{a, title = \"A { brace in quotes\"}\n\
        @misc{a, title = \"A } brace in \\\"quotes\"} @misc{a, % here } it is\n title = {B %}, % and } here\n\
        year = 2021 % and } here\n}\n\
        @misc(c, title = {C}) @misc{d\"%{, title = {D}}\n@misc{e, title = \"never closed}\n@misc{f, title = {F}}\n\
        @inbook{g, crossref = {f}}\n@misc{h, title = {H}} @preamble{";
    let bad = [(9, Some("e"), "not closed")];
    check(odd, Bibtex, &["A brace in quotes", "A brace in q\u{308}uotes", "B %", "C", "D", "F", "F", "H"], &bad);
    let same = |keys: &str| format!("@misc{{a, title={{A}}}}\n@misc{{{keys}, title={{B}}}}");
    check(&same("b"), Bibtex, &["A", "B"], &[]);
    check(&same("a"), Bibtex, &["A", "B"], &[]);
    let astray = "By hand\nand foot\nTY  - JOUR\nTI  - A\nER  -\nUR  - x\n\nTY  - JOUR\nTY  - JOUR\nDO  - 10.1000/b\n";
    check(astray, Ris, &["A", "doi:10.1000/b"], &[(1, None, "TY"), (6, None, "TY"), (8, None, "neither")]);
    check(
        r#"[{"title": "A"}, {"id": "x"}, 5, {"DOI": "10.1000/b"}]"#,
        Csl,
        &["A", "doi:10.1000/b"],
        &[(2, Some("x"), "neither"), (3, None, "neither")],
    );
}

#[test]
fn what_leads_on_for_ever_is_not_followed() {
    let round = "@string{a = b} @string{b = a # a}\n@misc{x, title = a}\n@misc{y, title={Y}}";
    check(round, Format::Bibtex, &["Y"], &[(2, Some("x"), "name each other")]);
    let doubling: String = (0..40).map(|k| format!("@string{{a{k} = a{} # a{}}}\n", k + 1, k + 1)).collect();
    let text =
        format!("{doubling}@string{{a15 = {{long}}}}\n@misc{{x, title = a16}}\n@misc{{y, title={{Y}}, note = a14}}");
    check(&text, Format::Bibtex, &["Y"], &[(42, Some("x"), "too much")]);
    let wide = format!(
        "@string{{b = {}}}\n@string{{a = {}}}\n@misc{{x, title = a # a}}\n@misc{{y, title={{Y}}}}",
        vec!["\"0123456789\""; 1000].join(" # "),
        vec!["b"; 1000].join(" # ")
    );
    check(&wide, Format::Bibtex, &["Y"], &[(3, Some("x"), "too much")]);
    // Braces are read in one loop, however deep they are.
    let nested = ("\\a{".repeat(99_999), "}".repeat(99_999));
    let deep = format!("@misc{{x, title = {{{}X{}}}}}\n@misc{{y, title={{Y}}}}", nested.0, nested.1);
    check(&deep, Format::Bibtex, &["X", "Y"], &[]);
    let circle = "@misc{x, title={X}, crossref={y}}\n@misc{y, title={Y}, xdata={x, y}}\n\
        @misc{z, ids={w}, crossref={w}, title={Z}}\n@misc{v, crossref={u}}\n@misc{u, crossref={v}}";
    check(circle, Format::Bibtex, &["X", "Y", "Z"], &[(4, Some("v"), "neither"), (5, Some("u"), "neither")]);
    let open = format!("{circle}\n@misc{{x");
    check(
        &open,
        Format::Bibtex,
        &["X", "Y", "Z"],
        &[(4, Some("v"), "neither"), (5, Some("u"), "neither"), (6, None, "BibTeX")],
    );
}

#[test]
fn every_format_is_told_and_read() {
    let bib = of(BIBTEX);
    assert_eq!(
        bib.iter().map(|r| r.paper.id.as_str()).collect::<Vec<_>>(),
        ["doi:10.1000/ab.1", "arxiv:2405.13729", "arxiv:2401.00001"]
    );
    assert_eq!(bib[0].paper.title, "On Étale Things");
    assert_eq!(bib[0].paper.authors, ["Jane Doe", "Max van Moritz"]);
    assert_eq!((bib[1].line, bib[1].key.as_deref()), (4, Some("b")));
    // The day is what counts of it.
    assert!(bib[1].added.is_some_and(|m| m.to_string().starts_with("2026-02-03")));
    let ris = of(RIS);
    assert_eq!(
        (ris[0].paper.id.as_str(), ris[0].paper.summary.as_str()),
        ("doi:10.1000/ab.1", "First line and second.")
    );
    assert_eq!((ris[1].paper.title.as_str(), ris.len(), ris[1].line), ("Without end", 2, 10));
    let csl = of(CSL);
    assert_eq!((csl[0].paper.id.as_str(), csl[0].paper.authors[0].as_str()), ("doi:10.1000/ab.1", "Jane Doe"));
    assert_eq!(csl[0].paper.date.as_ref().map(ToString::to_string).as_deref(), Some("2021-03"));
    assert!(csl[1].titled && csl[1].paper.id.as_str().starts_with("text:"));
    let ids = references(IDS, Format::Auto).expect("reads");
    assert_eq!((ids.references.len(), ids.rejected.len(), ids.rejected[0].line), (3, 1, 6));
    assert_eq!(ids.references[2].names, ["some/own:id"]);
    for (text, format, count) in [
        (BIBTEX, Format::Bibtex, 3),
        (RIS, Format::Ris, 2),
        (CSL, Format::Csl, 2),
        (ZOTERO, Format::Zotero, 2),
        (PUBMED, Format::Pubmed, 2),
        (PUBMED_XML, Format::Pubmed, 2),
        (ENDNOTE, Format::Endnote, 2),
        (ENDNOTE_XML, Format::Endnote, 2),
        (WOS, Format::Wos, 2),
        (CSV, Format::Csv, 2),
        (IDS, Format::Ids, 3),
    ] {
        for said in [Format::Auto, format] {
            // Line ends of every system, and a mark at the beginning.
            for text in [
                text.to_string(),
                text.replace("\r\n", "\n").replace('\n', "\r\n"),
                text.replace("\r\n", "\n").replace('\n', "\r"),
                format!("\u{feff}{text}"),
            ] {
                let list = references(&text, said).unwrap_or_else(|e| panic!("{format:?}: {e}"));
                assert_eq!((list.format, list.references.len()), (format, count), "{text}");
            }
        }
        let wide: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let list = references_from_bytes(&wide, Format::Auto).unwrap_or_else(|e| panic!("{format:?}: {e}"));
        assert_eq!(list.references.len(), count, "{format:?}");
        // Programs write more than the format that has their name.
        if format != Format::Ids {
            assert_eq!(references(text, Format::Zotero).map(|l| l.format).ok(), Some(format));
        }
        if !matches!(format, Format::Csv | Format::Ids) {
            let told = references(text, Format::Titles).expect_err("no titles").to_string();
            assert!(told.contains("send it as `auto`"), "{told}");
        }
    }
    assert_eq!(references("On things\nOn others", Format::Titles).expect("reads").references.len(), 2);
}

#[test]
fn what_cannot_be_read_is_said() {
    for (text, format, word) in [
        ("@article{a, title = {never closed", Format::Auto, "BibTeX"),
        ("no entry", Format::Ris, "line 1"),
        ("[{\"title\": ", Format::Auto, "CSL-JSON"),
        ("5", Format::Csl, "CSL-JSON"),
        ("", Format::Auto, "no reference"),
        ("[]", Format::Auto, "no reference"),
        ("A title\nAnother title", Format::Auto, "titles"),
        ("A title\nAnother title", Format::Ids, "line 1"),
        ("TY  - JOUR\nTI  - A", Format::Bibtex, "looks like `ris`"),
    ] {
        let e = references(text, format).expect_err(text).to_string();
        assert!(e.contains(word), "{text:?}: {e}");
    }
}

#[test]
fn what_can_be_read_and_names_nothing_is_not_allowed() {
    for (text, format, word) in [
        ("[{\"id\":\"x\"}]", Format::Auto, "entry 1: it has neither"),
        ("[5]", Format::Auto, "entry 1: it has neither"),
        ("\n@misc{a, note={n}}", Format::Auto, "line 2: it has neither"),
        ("@misc{a, xdata={b}}\n@misc{b, title {x}}", Format::Auto, "line 1: it has neither"),
        ("TY  - JOUR\nER  - ", Format::Auto, "line 1: it has neither"),
        ("@preamble{{x}}", Format::Auto, "no reference"),
        ("[]", Format::Auto, "no reference"),
    ] {
        let e = references(text, format).expect_err(text);
        assert!(matches!(&e, Error::Invalid(told) if told.contains(word)), "{text:?}: {e:?}");
    }
    for (text, format) in [("@misc{b, title {x}}", Format::Auto), ("[5", Format::Auto), ("no entry", Format::Ris)] {
        let e = references(text, format);
        assert!(matches!(e, Err(Error::BadRequest(_))), "{text:?}: {e:?}");
    }
}

#[test]
fn what_is_rejected_is_listed_up_to_a_thousand() {
    let text = format!("[{{\"title\": \"A\"}}{}]", ", 5".repeat(1500));
    let list = references(&text, Format::Auto).expect("reads");
    assert_eq!((list.rejected.len(), list.rejected_total), (1000, 1500));
    assert_eq!((list.rejected[999].line, list.rejected_unit), (1001, RejectedUnit::Entry));
}

/// Ten thousand lists of every format with bytes cut out, doubled and changed: nothing panics or takes long, and of an entry
/// that begins as one something is said.
#[test]
fn damaged_lists_are_read_as_far_as_they_go() {
    let samples = [BIBTEX, RIS, CSL, ZOTERO, PUBMED, PUBMED_XML, ENDNOTE, ENDNOTE_XML, WOS, CSV, IDS];
    let signs = b"{}()\",=#%@\\$\n\r -<>&;[]:0a\xff\x00\xe9".as_slice();
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = move |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % below.max(1) as u64) as usize
    };
    let began = std::time::Instant::now();
    for round in 0..10_000 {
        let mut bytes = samples[round % samples.len()].as_bytes().to_vec();
        for _ in 0..1 + random(4) {
            let (at, len) = (random(bytes.len()), 1 + random(20));
            let end = (at + len).min(bytes.len());
            match random(4) {
                0 => drop(bytes.drain(at..end)),
                1 => {
                    let piece = bytes[at..end].to_vec();
                    bytes.splice(at..at, piece);
                }
                2 => {
                    let other = random(bytes.len());
                    bytes.swap(at, other);
                }
                _ => bytes[at] = signs[random(signs.len())],
            }
            if bytes.is_empty() {
                bytes.push(b'@');
            }
        }
        for format in
            [Format::Auto, Format::Bibtex, Format::Ris, Format::Csv, Format::Pubmed, Format::Wos, Format::Endnote]
        {
            if let Ok(list) = references_from_bytes(&bytes, format) {
                assert!(list.references.iter().all(|r| r.line > 0));
            }
        }
    }
    assert!(began.elapsed().as_secs() < 120, "{:?}", began.elapsed());
}

/// Texts that a careless reader would look through again and again.
#[test]
fn no_list_takes_long() {
    let n = 200_000;
    for (text, format) in [
        ("@a{x, t = {\n y = {z} } ".repeat(n), Format::Bibtex),
        ("a = {\n".repeat(n), Format::Bibtex),
        (format!("@a{{x, {}", "a = {\n".repeat(n)), Format::Bibtex),
        (format!("@a{{x, {}", "a = \"{\n".repeat(n)), Format::Bibtex),
        (format!("@a{{x, t = \"{}", "\" ".repeat(n)), Format::Bibtex),
        (format!("@a{{x, t = {}", "# ".repeat(n)), Format::Bibtex),
        ("@a{".repeat(n), Format::Bibtex),
        ("@ ".repeat(n), Format::Bibtex),
        ("@comment{".repeat(n), Format::Bibtex),
        (format!("@a({}", ")".repeat(n)), Format::Bibtex),
        (format!("@a{{x, title = {{{}}}}}", "\\'".repeat(n)), Format::Bibtex),
        (format!("@a{{x, title = {{{}}}}}", "$".repeat(n + 1)), Format::Bibtex),
        (format!("@a{{x, author = {{{}}}}}", "{and} and ".repeat(n)), Format::Bibtex),
        ("<record>".repeat(n), Format::Endnote),
        (format!("<record>{}", "<a>".repeat(n)), Format::Endnote),
        ("TY  - JOUR\n".repeat(n), Format::Ris),
        (format!("PMID- 1\n{}", "\n".repeat(n)), Format::Pubmed),
        (format!("%0 Book\n{}", "\n".repeat(n)), Format::Endnote),
        (format!("title,doi\n{}", "\"\n".repeat(n)), Format::Csv),
        ("[".repeat(n), Format::Auto),
        ("arXiv:".repeat(n), Format::Auto),
    ] {
        let began = std::time::Instant::now();
        let _ = references(&text, format);
        let took = began.elapsed();
        assert!(took.as_secs() < 30, "{took:?} for {:?}", &text[..40]);
    }
}

proptest! {
    #[test]
    fn nothing_panics(text in "\\PC{0,200}", k in 0usize..11) {
        use Format::*;
        let format = [Auto, Ids, Titles, Bibtex, Ris, Csl, Zotero, Pubmed, Endnote, Wos, Csv][k];
        let _ = references(&text, format);
        let _ = references(&format!("TY  - {text}\nTI  - {text}\nER  -"), Ris);
        let _ = references(&format!("@a{{b, title = {{{text}}}}}"), Bibtex);
        let _ = references(&format!("@a{{b, title = {{X}}}}\n@{text}{{c = {text}}}\n@{text}"), Bibtex);
        let _ = references(&format!("title,doi\n{text},\"{text}"), Csv);
        let _ = references(&format!("<record><title>{text}</title></record>"), Endnote);
    }

    /// As many entries come out as went in, whatever stands in their values.
    #[test]
    fn every_entry_is_counted(values in prop::collection::vec(("[a-z {}\"%,=#\\\\$é]{0,20}", 0usize..3), 1..8)) {
        let mut text = String::new();
        for (k, (value, style)) in values.iter().enumerate() {
            text += &match style {
                0 => format!("@article{{k{k}, title = {{{value}}}, year = 2021}}\n"),
                1 => format!("@web_page(k{k}, title = \"{value}\")\n"),
                _ => format!("@misc{{k{k},\n  note = {{{value}}},\n  title = {{T}}\n}}\n"),
            };
        }
        let list = bibtex::bibtex(&text);
        prop_assert_eq!(list.references.len() + list.rejected_total, values.len(), "{}", text);
    }
}
