use super::*;
use proptest::prelude::*;

fn key(text: &str) -> Option<String> {
    Identifier::parse(text).map(|i| i.key)
}

/// Every form and the key that it comes to.
fn each(key_of_all: &str, forms: &[&str]) {
    for form in forms {
        assert_eq!(key(form).as_deref(), Some(key_of_all), "{form}");
        assert!(Identifier::all_in(form).iter().any(|i| i.key == key_of_all), "inside {form}");
    }
}

#[test]
fn an_id_of_arxiv_is_known_in_every_dress() {
    each(
        "arxiv:2405.13729",
        &[
            "2405.13729",
            "2405.13729v3",
            "2405.13729V3",
            " 2405.13729 ",
            "arXiv:2405.13729v1",
            "arxiv:2405.13729",
            "ARXIV:2405.13729",
            "arXiv: 2405.13729",
            "arXiv 2405.13729",
            "arXiv:2405.13729 [cs.CL]",
            "arXiv:2405.13729v1 [cs.CL] 22 May 2024",
            "arXiv preprint arXiv:2405.13729",
            "arXiv e-print 2405.13729",
            "arXiv ID: 2405.13729",
            "arXiv.2405.13729",
            "arXiv:abs/2405.13729",
            "ArXiv, abs/2405.13729".trim_start_matches("ArXiv, "),
            "abs/2405.13729",
            "pdf/2405.13729v2",
            "oai:arXiv.org:2405.13729",
            "info:arxiv/2405.13729",
            "URL:https://arxiv.org/abs/2405.13729",
            "https://arxiv.org/abs/2405.13729",
            "HTTPS://ARXIV.ORG/ABS/2405.13729",
            "http://arxiv.org/pdf/2405.13729v2.pdf",
            "https://arxiv.org/pdf/2405.13729v2.pdf#page=3",
            "https://arxiv.org/pdf/2405.13729",
            "https://arxiv.org/html/2405.13729v1",
            "https://arxiv.org/html/2405.13729v1#S3.F2",
            "https://arxiv.org/ps/2405.13729",
            "https://arxiv.org/format/2405.13729",
            "https://arxiv.org/e-print/2405.13729v4",
            "https://arxiv.org/src/2405.13729",
            "https://www.arxiv.org/abs/2405.13729",
            "https://export.arxiv.org/abs/2405.13729",
            "http://cn.arxiv.org/pdf/2405.13729.pdf",
            "http://xxx.lanl.gov/abs/2405.13729",
            "https://arxiv.org/abs/2405.13729?context=cs",
            "https://arxiv.org/abs/2405.13729#",
            "https://arxiv.org/abs/2405.13729/",
            "https://arxiv.org/abs/2405.13729 seen on Tuesday",
            "https://arxiv.org/abs/2405.13729).",
            "arxiv.org/abs/2405.13729",
            "//arxiv.org/abs/2405.13729",
            "https://www.alphaxiv.org/abs/2405.13729",
            "https://alphaxiv.org/overview/2405.13729v1",
            "https://huggingface.co/papers/2405.13729",
            "https://hf.co/papers/2405.13729?ref=x",
            "https://ar5iv.org/abs/2405.13729",
            "https://ar5iv.labs.arxiv.org/html/2405.13729",
            "https://scirate.com/arxiv/2405.13729",
            "https://api.semanticscholar.org/arXiv:2405.13729",
            "https://api.semanticscholar.org/graph/v1/paper/arXiv:2405.13729?fields=title",
            "https://ui.adsabs.harvard.edu/abs/arXiv:2405.13729",
            "https://www.google.com/url?sa=t&url=https%3A%2F%2Farxiv.org%2Fabs%2F2405.13729&usg=x",
            "10.48550/arXiv.2405.13729",
            "10.48550/arxiv.2405.13729v2",
            "https://doi.org/10.48550/arXiv.2405.13729",
            "doi:10.48550/ARXIV.2405.13729.",
            "[2405.13729] A title of a tab",
            "[2405.13729]",
            "[2405.13729v2] A title",
            "2405.13729 [cs.CL]",
            "2405.13729: A title",
            "2405.13729 A title that was copied along",
            "2405.13729v1.pdf",
            "2405.13729,",
            "- 2405.13729",
            "* https://arxiv.org/abs/2405.13729",
            "• arXiv:2405.13729",
            "•2405.13729",
            "1. 2405.13729",
            "3) arXiv:2405.13729",
            "(12) 2405.13729",
            "[7] arXiv:2405.13729",
            "- [ ] 2405.13729",
            "- [x] https://arxiv.org/abs/2405.13729",
            "> https://arxiv.org/abs/2405.13729",
            "> > 2405.13729",
            "\"2405.13729\"",
            "“arXiv:2405.13729”",
            "`2405.13729`",
            "**2405.13729**",
            "(arXiv:2405.13729)",
            "{2405.13729}",
            "<https://arxiv.org/abs/2405.13729>",
            "[A title](https://arxiv.org/abs/2405.13729)",
            "- [A title](https://arxiv.org/abs/2405.13729v2), read it",
            "[2405.13729](https://arxiv.org/abs/2405.13729)",
            "[[https://arxiv.org/abs/2405.13729][A title]]",
            "<a href=\"https://arxiv.org/abs/2405.13729\">A title</a>",
            "\\url{https://arxiv.org/abs/2405.13729}",
            "\\href{https://arxiv.org/abs/2405.13729}{A title}",
            "eprint = {2405.13729},",
            "Cite as: arXiv:2405.13729 [cs.CL]",
            "\u{FEFF}2405.13729\u{200B}",
            "ａｒＸｉｖ：2405.13729",
            "arXiv\u{A0}2405.13729",
            "2405.13729?",
            "A title - https://arxiv.org/abs/2405.13729",
            "A title that was copied along https://arxiv.org/abs/2405.13729v2",
            "https://web.archive.org/web/2024/https://arxiv.org/abs/2405.13729",
            "https://ui.adsabs.harvard.edu/abs/2024arXiv240513729D/abstract",
            "https://scholar.google.com/scholar?q=arXiv:2405.13729&hl=en",
        ],
    );
    each(
        "arxiv:hep-th/9901001",
        &[
            "hep-th/9901001",
            "hep-th/9901001v2",
            "HEP-TH/9901001",
            "arXiv:hep-th/9901001v1 1 Jan 1999",
            "http://arxiv.org/abs/hep-th/9901001",
            "https://arxiv.org/pdf/hep-th/9901001v2.pdf",
            "[hep-th/9901001] A title",
            "10.48550/arXiv.hep-th/9901001",
        ],
    );
    each(
        "arxiv:math/0309136",
        &["math.GT/0309136", "math/0309136v1", "arXiv:math.GT/0309136", "https://arxiv.org/abs/math.GT/0309136"],
    );
}

#[test]
fn a_doi_is_known_in_every_dress() {
    each(
        "doi:10.1145/3292500.33307_1",
        &[
            "10.1145/3292500.33307_1",
            "doi:10.1145/3292500.33307_1",
            "DOI 10.1145/3292500.33307_1",
            "DOI: 10.1145/3292500.33307_1.",
            "doi = {10.1145/3292500.33307_1},",
            "https://doi.org/10.1145/3292500.33307_1",
            "http://dx.doi.org/10.1145/3292500.33307_1",
            "https://www.doi.org/10.1145/3292500.33307_1",
            "doi.org/10.1145/3292500.33307_1",
            "doi:https://doi.org/10.1145/3292500.33307_1",
            "https://doi.org/doi:10.1145/3292500.33307_1",
            "https://doi-org.proxy.example.edu/10.1145/3292500.33307_1",
            "https://dl.acm.org/doi/10.1145/3292500.33307_1",
            "https://dl.acm.org/doi/abs/10.1145/3292500.33307_1",
            "https://dl.acm.org/doi/pdf/10.1145/3292500.33307_1?download=true",
            "https://dl.acm.org/doi/fullHtml/10.1145/3292500.33307_1#sec-2",
            "dl.acm.org/doi/10.1145/3292500.33307_1",
            "https://onlinelibrary.wiley.com/doi/full/10.1145/3292500.33307_1",
            "https://www.tandfonline.com/doi/abs/10.1145/3292500.33307_1?journalCode=x",
            "https://link.springer.com/article/10.1145/3292500.33307_1",
            "https://link.springer.com/content/pdf/10.1145/3292500.33307_1.pdf",
            "https://www.frontiersin.org/articles/10.1145/3292500.33307_1/full",
            "https://iopscience.iop.org/article/10.1145/3292500.33307_1/meta",
            "https://journals.example.org/article?id=10.1145/3292500.33307_1&type=printable",
            "https://example.org/x?doi=10.1145%2F3292500.33307_1&y=1",
            "10.1145%2F3292500.33307_1",
            "10.1145%2f3292500.33307%5f1",
            "https://doi.org/10.1145%2F3292500.33307_1",
            "10.1145/3292500.33307\\_1",
            "10.1145/3292500.33307{\\_}1",
            "10.1145/3292500.33307$\\_$1",
            "10.1145\\%2F3292500.33307{\\textunderscore}1",
            "https://doi.org/10.1145/3292500.33307\\_1",
            "urn:doi:10.1145/3292500.33307_1",
            "info:doi/10.1145/3292500.33307_1",
            "info:eu-repo/semantics/altIdentifier/doi/10.1145/3292500.33307_1",
            "(10.1145/3292500.33307_1)",
            "10.1145/3292500.33307_1).",
            "10.1145/3292500.33307_1]",
            "\"10.1145/3292500.33307_1\"",
            "<10.1145/3292500.33307_1>",
            "10.1145/3292500.33307_1 (accessed in May)",
            "10.1145/3292500.33307_1</a>",
            "\\doi{10.1145/3292500.33307_1}",
            "- [ ] doi:10.1145/3292500.33307_1",
            "10.1145/3292500\u{200B}.33307_1",
            "10.1145&#x2F;3292500.33307_1",
        ],
    );
    let old = "doi:10.1002/(sici)1097-4571(1999)50:9<799::aid-asi9>3.0.co;2-g";
    each(
        old,
        &[
            "10.1002/(SICI)1097-4571(1999)50:9<799::AID-ASI9>3.0.CO;2-G",
            "10.1002/(SICI)1097-4571(1999)50:9&lt;799::AID-ASI9&gt;3.0.CO;2-G",
            "10.1002/(SICI)1097-4571(1999)50:9$<$799::AID-ASI9$>$3.0.CO;2-G",
            "https://doi.org/10.1002/(SICI)1097-4571(1999)50:9%3C799::AID-ASI9%3E3.0.CO;2-G",
            "https://onlinelibrary.wiley.com/doi/10.1002/%28SICI%291097-4571%281999%2950:9%3C799::AID-ASI9%3E3.0.CO%3B2-G",
        ],
    );
    each(
        "doi:10.1101/2020.01.01.123456",
        &[
            "https://www.biorxiv.org/content/10.1101/2020.01.01.123456v2.full",
            "https://www.medrxiv.org/content/10.1101/2020.01.01.123456v1",
            "https://www.biorxiv.org/content/10.1101/2020.01.01.123456v2.full.pdf+html",
            "https://www.biorxiv.org/content/biorxiv/early/2020/01/01/2020.01.01.123456.full.pdf?doi=10.1101/2020.01.01.123456",
            "10.1101/2020.01.01.123456",
            "10.1101/2020.01.01.123456v3",
            "https://www.biorxiv.org/cgi/content/short/2020.01.01.123456v1",
        ],
    );
    each(
        "doi:10.1038/s41586-020-2649-2",
        &["https://www.nature.com/articles/s41586-020-2649-2", "https://www.nature.com/articles/s41586-020-2649-2.pdf"],
    );
    // Versions that are part of a DOI stay in it.
    each("doi:10.21203/rs.3.rs-123/v1", &["10.21203/rs.3.rs-123/v1"]);
    assert_eq!(Identifier::parse("10.1101/2020.01.01.123456v3").and_then(|i| i.version()), Some(3));
}

#[test]
fn the_collections_are_known() {
    each(
        "pmid:31452104",
        &[
            "PMID: 31452104",
            "pmid:31452104",
            "PMID 31452104",
            "PMID:31452104;",
            "PubMed ID: 31452104",
            "MEDLINE:31452104",
            "https://pubmed.ncbi.nlm.nih.gov/31452104/",
            "https://www.ncbi.nlm.nih.gov/pubmed/31452104",
            "https://www.ncbi.nlm.nih.gov/pubmed/?term=31452104",
            "https://pubmed.ncbi.nlm.nih.gov/?term=PMID+31452104",
            "https://europepmc.org/article/MED/31452104",
            "info:pmid/31452104",
        ],
    );
    each(
        "pmcid:7029759",
        &[
            "PMC7029759",
            "pmc7029759",
            "PMCID: PMC7029759",
            "PMCID:7029759",
            "PMC7029759.1",
            "https://www.ncbi.nlm.nih.gov/pmc/articles/PMC7029759/",
            "https://pmc.ncbi.nlm.nih.gov/articles/PMC7029759/pdf/x.pdf",
            "https://europepmc.org/articles/PMC7029759",
        ],
    );
    each(
        "corpusid:215416146",
        &[
            "CorpusId:215416146",
            "CorpusID: 215416146",
            "S2CID 215416146",
            "https://api.semanticscholar.org/CorpusID:215416146",
        ],
    );
    each(
        "acl:2020.acl-main.1",
        &[
            "2020.acl-main.1",
            "ACL:2020.acl-main.1",
            "https://aclanthology.org/2020.acl-main.1/",
            "https://aclanthology.org/2020.acl-main.1.pdf",
        ],
    );
    assert_eq!(key("P19-1001").as_deref(), Some("acl:p19-1001"));
    each(
        "acl:p19-1001",
        &[
            "https://www.aclweb.org/anthology/P19-1001",
            "https://aclanthology.org/P19-1001.pdf",
            "https://aclanthology.org/P19-1001v2.pdf",
            "ACL:P19-1001",
        ],
    );
    each(
        "openreview:rJXMpik-CZ",
        &[
            "https://openreview.net/forum?id=rJXMpik-CZ",
            "https://openreview.net/pdf?id=rJXMpik-CZ",
            "openreview:rJXMpik-CZ",
            "https://openreview.net/forum?id=rJXMpik-CZ&noteId=abc",
        ],
    );
}

#[test]
fn what_is_no_identifier_stays_none() {
    for text in [
        "",
        " ",
        "-",
        "2405",
        "3.14",
        "1.2.3",
        "2024.10",
        "2024.10.25",
        "v2.0.1",
        "version 2405.13729 of it",
        "10.1/x y",
        "10.5/x",
        "and/1234567",
        "tcp/1234567",
        "2413.12345",
        "2400.12345",
        "1234.56789",
        "2405.137290",
        "2405.137",
        "+49 30 1234567",
        "030/1234567",
        "192.168.0.1/24",
        "2405.13729.1",
        "2405.13729 2401.00001",
        "2405.13729,2401.00001",
        "x2405.13729",
        "attention is all you need",
        "10.1000/",
        "doi:",
        "doi",
        "arxiv",
        "arXiv:",
        "arXiv:cs.CL",
        "https://arxiv.org/list/cs.CL/recent",
        "https://arxiv.org/",
        "https://example.org/a/b",
        "https://doi.org/",
        "doing 10 things",
        "PMID",
        "PMC",
        "p19-100",
        "https://openreview.net/group?id=ICLR.cc/2024/Conference",
        "pages 1234.5678 of the ledger",
        "12/2405",
        "arXiv:2405.13729 and arXiv:2405.13730",
        "10.1000/a 10.1000/b",
        "category:cs.CL",
        "date:2025..2026-03",
        "2 > 1",
        "https://aclanthology.org/volumes/2020.acl-main/",
        "0.99131",
        "e.g. hep-th",
        "cs/9913001",
    ] {
        assert_eq!(Identifier::parse(text), None, "{text}");
    }
}

#[test]
fn identifiers_are_found_inside_prose() {
    let found = |text: &str| Identifier::all_in(text).into_iter().map(|i| i.key).collect::<Vec<_>>();
    assert_eq!(
        found(
            "See arXiv:2405.13729v2 and doi:10.1000/kelp.21, also https://arxiv.org/abs/2401.00001 (and PMID: 31452104)."
        ),
        ["arxiv:2405.13729", "doi:10.1000/kelp.21", "arxiv:2401.00001", "pmid:31452104"]
    );
    assert_eq!(found("CoRR abs/2405.13729, CoRR, abs/2401.00001"), ["arxiv:2405.13729", "arxiv:2401.00001"]);
    assert_eq!(found("10.1000/a,10.1000/b;10.1000/c"), ["doi:10.1000/a", "doi:10.1000/b", "doi:10.1000/c"]);
    assert_eq!(
        found("DOI: 10.1000/a\nPMCID: PMC7029759\n2405.13729\n"),
        ["doi:10.1000/a", "pmcid:7029759", "arxiv:2405.13729"]
    );
    assert_eq!(
        found("2405.13729, 2401.00001; hep-th/9901001"),
        ["arxiv:2405.13729", "arxiv:2401.00001", "arxiv:hep-th/9901001"]
    );
    assert_eq!(found("A title, [2405.13729] as the tab says"), ["arxiv:2405.13729"]);
    assert_eq!(found("A title. https://doi.org/10.1000/kelp.21."), ["doi:10.1000/kelp.21"]);
    assert_eq!(
        found("(https://arxiv.org/abs/2405.13729)(https://arxiv.org/abs/2401.00001)"),
        ["arxiv:2405.13729", "arxiv:2401.00001"]
    );
    assert_eq!(found("arXiv:2405.13729; arXiv:2405.13729v2").len(), 2, "two versions are two");
    // A number with nothing beside it that says what it is is a number.
    for text in [
        "it rose to 2405.13729 metres",
        "see 1234.5678",
        "a ratio of 2012.1234 or P19-1001 screws",
        "https://example.org/2012.1234",
    ] {
        assert_eq!(found(text), Vec::<String>::new(), "{text}");
    }
}

#[test]
fn versions_and_addresses_are_told() {
    let version = |text: &str| Identifier::parse(text).and_then(|i| i.version());
    assert_eq!(version("2405.13729v12"), Some(12));
    assert_eq!(version("https://arxiv.org/pdf/2405.13729v2.pdf"), Some(2));
    assert_eq!(version("hep-th/9901001v3"), Some(3));
    assert_eq!(version("2405.13729"), None);
    let url = |text: &str| Identifier::parse(text).and_then(|i| i.url()).unwrap_or_default();
    for text in [
        "2405.13729",
        "hep-th/9901001",
        "10.1000/a<1>b#c",
        "PMID:31452104",
        "PMC7029759",
        "CorpusId:215416146",
        "P19-1001",
        "2020.acl-main.1",
        "openreview:rJXMpik-CZ",
    ] {
        assert_eq!(key(&url(text)), key(text), "{text}: {}", url(text));
    }
}

proptest! {
    #[test]
    fn any_text_is_read_without_panic(text in "\\PC{0,80}|[-\\[\\](){}<>\\\\/.:%&;=?#$_0-9a-zA-Z ]{0,60}|(arxiv|doi|pmid|https?://|10\\.1|\\[|v|2405\\.13729|/|:| |é|%2F|\\\\_){0,12}") {
        let one = Identifier::parse(&text);
        let all = Identifier::all_in(&text);
        if let Some(one) = one {
            prop_assert!(all.iter().any(|i| i.key == one.key), "{} of {:?} is not in {:?}", one.key, text, all);
            // A key is a form as well.
            prop_assert_eq!(Identifier::parse(one.key()).map(|i| i.key), Some(one.key));
        }
    }

    #[test]
    fn a_doi_survives_every_dress(
        name in "[a-z0-9]([a-z0-9._:-]|/[a-z0-9]|;[a-z]|\\([a-z0-9]{1,3}\\)){0,12}[a-z0-9]", dress in 0usize..9
    ) {
        let doi = format!("10.1234/{name}");
        let tails = ["/full", "/pdf", "/abstract", "/abs", "/meta", "/html", "/xml", ".pdf", ".xml", ".html"];
        prop_assume!(!tails.iter().any(|t| name.ends_with(t)));
        let text = match dress {
            0 => doi.clone(),
            1 => doi.to_uppercase(),
            2 => format!("doi:{doi}"),
            3 => format!("https://doi.org/{doi}"),
            4 => doi.replace('/', "%2F"),
            5 => format!("({doi})."),
            6 => format!("- \"{doi}\","),
            7 => format!("[a title](https://dl.acm.org/doi/{doi})"),
            _ => format!("doi = {{{}}},", doi.replace('_', "\\_")),
        };
        prop_assert_eq!(key(&text), Some(format!("doi:{doi}")), "{}", text);
    }
}
