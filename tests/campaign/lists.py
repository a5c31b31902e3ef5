"""Reference lists to mutate: one in every format that is read, of invented works, and the cases of the tests."""

from __future__ import annotations

import json
from pathlib import Path

#: Where the tests keep their cases.
CASES = Path(__file__).resolve().parent.parent / "cases"

BIBTEX = """@string{ninv = "Letters from Nowhere"}
@comment{nothing}
@article{brandvik2024, author = {Brandvik, Chiara and M{\\"u}ller, {\\O}tto and others}, title = {Sparse {Memory} of \\emph{noisy} images},
  journal = ninv # " B", year = 2024, month = mar, doi = {10.5555/inv.2024.001}, keywords = {memory, images}}
@inproceedings(oddone, title = "A {"}quoted{"} title with $x^{2}$", author = "Ada Fenwickham", booktitle = {Proc. of Nowhere}, year = "2023")
@misc{arx, eprint = {2405.13729}, archivePrefix = {arXiv}, title = {An eprint}, url = {https://arxiv.org/abs/2405.13729v2}}
"""

RIS = """TY  - JOUR
AU  - Dravinsky, Dmitri
TI  - Bounding convex duality without a barrier
T2  - Annals of Invented Results
PY  - 2024/03/11/
DO  - 10.5555/inv.2024.002
KW  - convex
AB  - Some words
  that go on in another line.
UR  - https://doi.org/10.5555/inv.2024.002
ER  - 

TY  - CHAP
A1  - Nakahiro, Jun
T1  - Chapter of nothing
Y1  - 2022
ER  - 
"""

CSL = json.dumps(
    [
        {
            "id": "one",
            "type": "article-journal",
            "title": "Galaxy dust <i>in situ</i>",
            "author": [{"family": "Iwasakiru", "given": "Hana"}],
            "issued": {"date-parts": [[2024, 5, 1]]},
            "DOI": "10.5555/inv.2024.003",
            "container-title": "Journal of Made-up Science",
        },
        {"id": 2, "type": "book", "title": "A book", "author": [{"literal": "The Group"}], "issued": {"raw": "2021"}},
    ]
)

ZOTERO = json.dumps(
    [
        {
            "key": "AAAA1111",
            "version": 3,
            "data": {
                "key": "AAAA1111",
                "itemType": "journalArticle",
                "title": "Qubit decoders from elsewhere",
                "creators": [{"creatorType": "author", "firstName": "Rosa", "lastName": "Jablonowitz"}],
                "date": "2024-02-30",
                "DOI": "10.5555/inv.2024.004",
                "tags": [{"tag": "qubit"}],
                "extra": "arXiv: 2405.14906\nCitation Key: x",
                "abstractNote": "Words.",
            },
        },
        {"itemType": "attachment", "title": "PDF"},
    ]
)

MEDLINE = """PMID- 38999999
OWN - NLM
TI  - Slow rhythms of invented cortex and what
      they do to recall.
AB  - BACKGROUND: nothing. METHODS: less.
FAU - Castellune, Esi
AU  - Castellune E
DP  - 2024 Jan-Feb
LID - 10.5555/inv.2024.005 [doi]
AID - 10.5555/inv.2024.005 [doi]
PMC - PMC9999999
MH  - *Sleep/physiology

PMID- 38999998
TI  - Another.
DP  - 2023 Winter
"""

PUBMED_XML = """<?xml version="1.0" ?>
<!DOCTYPE PubmedArticleSet PUBLIC "-//NLM//DTD PubMedArticle, 1st January 2024//EN" "https://dtd.nlm.nih.gov/ncbi/pubmed/out/pubmed_240101.dtd">
<PubmedArticleSet><PubmedArticle><MedlineCitation Status="MEDLINE"><PMID Version="1">38999997</PMID><Article>
<Journal><Title>Letters from Elsewhere</Title><JournalIssue><PubDate><Year>2024</Year><Month>Mar</Month></PubDate></JournalIssue></Journal>
<ArticleTitle>Dendrites &amp; <sup>13</sup>C of nowhere.</ArticleTitle><Abstract><AbstractText Label="AIM">Words &#x3b1;.</AbstractText></Abstract>
<AuthorList><Author><LastName>Mbekani</LastName><ForeName>Kwame</ForeName></Author></AuthorList></Article></MedlineCitation>
<PubmedData><ArticleIdList><ArticleId IdType="doi">10.5555/inv.2024.006</ArticleId></ArticleIdList></PubmedData></PubmedArticle></PubmedArticleSet>
"""

ENDNOTE = """%0 Journal Article
%A Oberthaler, Greta
%A Pellegrand, Ivo
%T Auctions with hidden tariffs
%J Proceedings of Nowhere
%D 2024
%R 10.5555/inv.2024.007
%X Words and words.

%0 Book
%T Welfare
"""

ENDNOTE_XML = """<?xml version="1.0" encoding="UTF-8"?><xml><records><record><ref-type name="Journal Article">17</ref-type>
<contributors><authors><author><style face="normal">Quintavalle, Otto</style></author></authors></contributors>
<titles><title><style face="normal" font="default">Robots that </style><style face="italic">fold</style></title></titles>
<dates><year><style>2024</style></year></dates><electronic-resource-num><style>10.5555/inv.2024.008</style></electronic-resource-num>
</record></records></xml>
"""

WOS = """FN Clarivate Analytics Web of Science
VR 1.0
PT J
AU Rosendahlia, P
   Szymonek, Q
AF Rosendahlia, Priya
TI Terrain and torque of distant
   swarms
SO ANNALS OF INVENTED RESULTS
PY 2024
DI 10.5555/inv.2024.009
AB Words.
UT WOS:000999999999999
ER

EF
"""

WOS_TABLE = "PT\tAU\tTI\tSO\tPY\tDI\tAB\tUT\nJ\tUlbrichsen, R\tPlanner of nowhere\tLETTERS\t2024\t10.5555/inv.2024.010\tWords\tWOS:0009\n"

CSV = '''Key,Item Type,Publication Year,Author,Title,DOI,Url,Abstract Note
K1,journalArticle,2024,"Vantongren, Sven; Gàlvany, Lucía","Caches, logs and ""snapshots""",10.5555/inv.2024.011,https://x.example/?a=1,"Two
lines"
K2,book,2020,,No doi,,,
'''

IDS = """arxiv:2405.13729
arXiv:2405.14906v2 [cs.CL]
https://doi.org/10.5555/inv.2024.012
10.5555/INV.2024.013
PMID: 38999996
PMC9999998
https://huggingface.co/papers/2405.13729
CorpusId:260000000
https://aclanthology.org/2024.acl-long.1/
"""

#: Every format by its name, with the media type that it is sent under.
FORMATS: dict[str, tuple[str, str]] = {
    "bibtex": (BIBTEX, "application/x-bibtex"),
    "ris": (RIS, "application/x-research-info-systems"),
    "csl-json": (CSL, "text/plain"),
    "zotero-json": (ZOTERO, "text/plain"),
    "medline": (MEDLINE, "text/plain"),
    "pubmed-xml": (PUBMED_XML, "application/xml"),
    "endnote": (ENDNOTE, "text/plain"),
    "endnote-xml": (ENDNOTE_XML, "application/xml"),
    "wos": (WOS, "text/plain"),
    "wos-table": (WOS_TABLE, "text/plain"),
    "csv": (CSV, "text/csv"),
    "ids": (IDS, "text/plain"),
}

#: Signs and pieces that parsers of these formats look for, or trip over.
TOKENS = [
    "@",
    "@article{",
    "@string{",
    "{",
    "}",
    '\\"',
    "\\'",
    "\\",
    "#",
    " # ",
    "=",
    ",",
    '"',
    "TY  - ",
    "ER  - ",
    "AU  - ",
    "%0 ",
    "%T ",
    "PMID- ",
    "TI  - ",
    "PT J",
    "ER\n",
    "EF\n",
    "<",
    ">",
    "</",
    "/>",
    "<![CDATA[",
    "]]>",
    "<!--",
    "&amp;",
    "&#x110000;",
    "&#0;",
    "&lt",
    "[",
    "]",
    '{"',
    '"}',
    ":",
    "null",
    "1e999",
    "-0",
    "\\u0000",
    "\\ud800",
    "\t",
    "\r",
    "\r\n",
    "\n\n",
    "\0",
    "\x1b[2J",
    "\u202e",
    "\x7f",
    "\ufeff",
    "é",
    "e\u0301",
    "𝔘",
    "中",
    "\u2028",
    "  ",
    "-",
    "–",
    "10.",
    "10.5555/",
    "https://doi.org/",
    "arXiv:",
    "2405.13729v99999999999",
    "9" * 40,
    "0000-00-00",
    "$x^{2}$",
    "\\frac{",
    "<sub>",
    "<mml:math>",
    "jan # feb",
    "and and and",
    "\\relax ",
    ";",
    "''",
    '""',
    "(",
    ")",
    "OR",
    "AND",
    "NOT",
    "-",
    "..",
    "*",
]


def cases() -> list[tuple[str, str]]:
    """The lists among the cases of the tests, each with the media type for it."""
    kinds = {
        ".bib": "application/x-bibtex",
        ".ris": "application/x-research-info-systems",
        ".nbib": "text/plain",
        ".json": "text/plain",
    }
    files = sorted(file for file in CASES.rglob("*") if file.suffix in kinds) if CASES.exists() else []
    return [
        (file.read_text(encoding="utf-8", errors="replace"), kinds[file.suffix])
        for file in files
        if file.stat().st_size < 40_000
    ]


def seeds() -> list[tuple[str, str]]:
    """Everything there is to mutate: texts with their media types."""
    return list(FORMATS.values()) + cases()
