"""Growth: the time that input takes grows with its size, not with its square; and what was given up ends.

Every attack makes input of a size in bytes. It is sent at doubling sizes until it takes `ENOUGH` seconds, or the size
is what the service takes; the power of the growth is taken over the last doublings.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from collections.abc import Callable

from figures import exponent
from service import Service
from stand import Outcome, Progress, Stand, attack
from wire import JSON, NDJSON, NoAnswer, path

#: Bytes of the first input, and of the last: below the bound of a body.
FIRST, LAST = 64 << 10, 8 << 20

#: Seconds at which a series ends: what takes as long is slow enough to judge.
ENOUGH = 12.0

#: The greatest power of the growth: linear, with room for caches that overflow and for logarithms.
POWER = 1.4

#: Seconds that any input may take at its greatest size.
LONGEST = 30.0


def _times(piece: str, size: int) -> str:
    return piece * max(1, size // len(piece.encode()))


def _nested(opening: str, closing: str, size: int) -> str:
    depth = max(1, size // (len(opening) + len(closing)))
    return opening * depth + closing * depth


@dataclass(frozen=True)
class Series:
    """Input that grows: its name, its media type, and the text of about so many bytes."""

    name: str
    kind: str
    of: Callable[[int], str]


LIST, BIB, RIS, XML, CSV = (
    "text/plain",
    "application/x-bibtex",
    "application/x-research-info-systems",
    "application/xml",
    "text/csv",
)

#: Reference lists.
LISTS = [
    Series("# joins in BibTeX", BIB, lambda n: '@article{a, title = "x"' + _times(' # "x"', n) + "}"),
    Series("# joins that never end", BIB, lambda n: "@article{a, title = {x}" + _times(" # {x}", n)),
    Series(
        "# joins over spaces",
        BIB,
        lambda n: "@article{a, title = x" + " # x".join(" " * 1000 for _ in range(n // 1004)) + "}",
    ),
    Series(
        "strings that each use the one before",
        BIB,
        lambda n: (
            '@string{a0 = "x"}'
            + "".join(f'@string{{a{k} = a{k - 1} # "x"}}@misc{{q{k}, title = a{k}}}' for k in range(1, n // 50))
        ),
    ),
    Series(
        "# joins of strings that join",
        BIB,
        lambda n: (
            "".join(f'@string{{s{k} = {"s" + str(k - 1) + " # " if k else ""}"abc"}}\n' for k in range(n // 30))
            + f"@article{{a, title = s{max(n // 30 - 1, 0)}}}"
        ),
    ),
    Series(
        "strings that double",
        BIB,
        lambda n: (
            '@string{s0 = "abcdefgh"}\n'
            + "".join(f"@string{{s{k} = s{k - 1} # s{k - 1}}}\n" for k in range(1, 40))
            + "@article{a, title = s39}\n"
            + _times("@misc{b, title = s30}\n", n)
        ),
    ),
    Series("one-letter ids", LIST, lambda n: _times("a\n", n)),
    Series("digits as ids", LIST, lambda n: "".join(f"{k}\n" for k in range(n // 7))),
    Series("a line of many DOIs", LIST, lambda n: _times("10.5555/inv.1 ", n)),
    Series("DOIs without spaces", LIST, lambda n: _times("10.5555/inv.1,", n)),
    Series("many arXiv ids", LIST, lambda n: "".join(f"{1 + k % 12:04}.{k % 100000:05}\n" for k in range(n // 11))),
    Series("opening braces", BIB, lambda n: "@article{a, title = " + _times("{", n)),
    Series("nested braces", BIB, lambda n: "@article{a, title = {" + _nested("{", "}", n) + "}}"),
    Series("nested BibTeX commands", BIB, lambda n: "@article{a, title = {" + _nested("\\emph{", "}", n) + "}}"),
    Series("entries that never end", BIB, lambda n: _times("@article{a, title = {x\n", n)),
    Series("at signs", BIB, lambda n: _times("@", n)),
    Series("backslashes", BIB, lambda n: "@article{a, title = {" + _times("\\", n) + "}}"),
    Series("dollars", BIB, lambda n: "@article{a, title = {" + _times("$x^{", n) + "}}"),
    Series("quotes", BIB, lambda n: "@article{a, title = " + _times('"', n) + "}"),
    Series("authors with and", BIB, lambda n: "@article{a, title = {x}, author = {" + _times("A B and ", n) + "C}}"),
    Series(
        "cross references",
        BIB,
        lambda n: "".join(
            f"@inproceedings{{k{k}, crossref = {{k{k + 1}}}, title = {{t{k}}}}}\n" for k in range(n // 60)
        ),
    ),
    Series("one key many times", BIB, lambda n: _times("@misc{k, title = {The same}}\n", n)),
    Series("tags without end", RIS, lambda n: "TY  - JOUR\nTI  - x\n" + _times("AU  - A\n", n)),
    Series("records without content", RIS, lambda n: _times("TY  - JOUR\nER  - \n", n)),
    Series("lines that go on", RIS, lambda n: "TY  - JOUR\nTI  - x\n" + _times("  x\n", n) + "ER  - \n"),
    Series("blank lines", LIST, lambda n: "PMID- 1\nTI  - x\n" + _times("\n", n)),
    Series("spaces", LIST, lambda n: _times(" ", n)),
    Series("carriage returns", LIST, lambda n: _times("\r", n)),
    Series("nested elements", XML, lambda n: "<PubmedArticleSet>" + _nested("<a>", "</a>", n) + "</PubmedArticleSet>"),
    Series("elements that never end", XML, lambda n: "<PubmedArticleSet>" + _times("<a>", n)),
    Series(
        "attributes",
        XML,
        lambda n: "<PubmedArticleSet><a " + "".join(f'a{k}="" ' for k in range(n // 9)) + "/></PubmedArticleSet>",
    ),
    Series("comments", XML, lambda n: "<PubmedArticleSet>" + _times("<!-- -", n)),
    Series("entities", XML, lambda n: "<PubmedArticleSet><PubmedArticle><ArticleTitle>" + _times("&amp;", n)),
    Series(
        "markup in titles",
        XML,
        lambda n: (
            "<xml><records><record><titles><title>"
            + _times("<style>x</style>", n)
            + "</title></titles></record></records></xml>"
        ),
    ),
    Series("columns", CSV, lambda n: "title" + _times(",", n) + "\nx\n"),
    Series("quoted fields", CSV, lambda n: "title,DOI\n" + _times('"', n)),
    Series("rows", CSV, lambda n: "title,DOI\n" + _times("a title,10.5555/x\n", n)),
    Series("nested JSON", LIST, lambda n: "[" * (n // 2) + "]" * (n // 2)),
    Series("objects that never end", LIST, lambda n: _times('{"title":', n)),
    Series("items of nothing", LIST, lambda n: "[" + _times('{"title":"x"},', n) + "{}]"),
    Series("date parts", LIST, lambda n: '[{"title":"x","issued":{"date-parts":[[' + _times("1,", n) + "1]]}}]"),
    Series(
        "notes with lines",
        LIST,
        lambda n: json.dumps([{"itemType": "book", "title": "x", "extra": _times("arXiv: x\n", n)}]),
    ),
    Series(
        "tagged records",
        LIST,
        lambda n: "FN Clarivate Analytics Web of Science\nVR 1.0\n" + _times("PT J\nTI x\nER\n\n", n),
    ),
    Series("percent tags", LIST, lambda n: "%0 Book\n%T x\n" + _times("%A\n", n)),
    Series("half of a pair", LIST, lambda n: _times("\U0001d518", n)),
]

#: Titles, abstracts and other fields of one paper, and searches.
PAPERS = [
    Series(
        "nested markup in an abstract",
        NDJSON,
        lambda n: json.dumps({"id": "g", "title": "x", "abstract": _nested("<i>", "</i>", n)}),
    ),
    Series(
        "markup that never ends",
        NDJSON,
        lambda n: json.dumps({"id": "g", "title": "x", "abstract": _times("<mml:math ", n)}),
    ),
    Series(
        "dollars in an abstract", NDJSON, lambda n: json.dumps({"id": "g", "title": "x", "abstract": _times("$ {", n)})
    ),
    Series(
        "LaTeX in an abstract",
        NDJSON,
        lambda n: json.dumps({"id": "g", "title": "x", "abstract": _nested("\\frac{", "}", n)}),
    ),
    Series("ampersands", NDJSON, lambda n: json.dumps({"id": "g", "title": "x", "abstract": _times("&", n)})),
    Series(
        "accents on one letter",
        NDJSON,
        lambda n: json.dumps({"id": "g", "title": "x", "abstract": "a" + _times("\u0301", n)}, ensure_ascii=False),
    ),
    Series(
        "authors",
        NDJSON,
        lambda n: json.dumps({"id": "g", "title": "x", "authors": [f"A{k} B" for k in range(n // 9)]}),
    ),
    Series(
        "categories",
        NDJSON,
        lambda n: json.dumps({"id": "g", "title": "x", "categories": [f"c{k}" for k in range(n // 8)]}),
    ),
    Series(
        "keywords",
        NDJSON,
        lambda n: json.dumps({"id": "g", "title": "x", "keywords": [f"c{k}" for k in range(n // 8)]}),
    ),
    Series("one word of letters", NDJSON, lambda n: json.dumps({"id": "g", "title": "x", "abstract": _times("a", n)})),
    Series(
        "unknown fields",
        NDJSON,
        lambda n: json.dumps({"id": "g", "title": "x", **{f"f{k}": k for k in range(n // 16)}}),
    ),
    Series("a deep unknown field", NDJSON, lambda n: '{"id": "g", "title": "x", "deep": ' + _nested("[", "]", n) + "}"),
    Series("a date of digits", NDJSON, lambda n: json.dumps({"id": "g", "title": "x", "date": _times("1", n)})),
    Series("small papers", NDJSON, lambda n: "".join(f'{{"id":"g{k}","title":"t"}}\n' for k in range(n // 26 // 8))),
    Series("bad lines", NDJSON, lambda n: _times("{\n", n // 8)),
    Series("empty lines", NDJSON, lambda n: _times("\n", n)),
]

SEARCHES = [
    Series("a text of words", JSON, lambda n: json.dumps({"q": "".join(f"word{k} " for k in range(n // 10))})),
    Series("one word", JSON, lambda n: json.dumps({"q": _times("a", n)})),
    Series("quotes", JSON, lambda n: json.dumps({"q": _times('"a" ', n)})),
    Series("alternatives", JSON, lambda n: json.dumps({"q": _times("a OR ", n) + "b"})),
    Series("brackets", JSON, lambda n: json.dumps({"q": _nested("(", ")", n)})),
    Series("authors to find", JSON, lambda n: json.dumps({"q": _times('author:"A B" ', n)})),
    Series("minus signs", JSON, lambda n: json.dumps({"q": "x" + _times(" -a", n)})),
    Series("ids", JSON, lambda n: json.dumps({"q": _times("arxiv:2405.13729 ", n)})),
    Series("a nested filter", JSON, lambda n: '{"q": "x", "filter": ' + _nested('{"filter":', "}", n) + "}"),
]


def grow(stand: Stand, outcome: Outcome, series: list[Series], address: str) -> None:
    """Sends each series at doubling sizes, and judges how its time grows."""
    first, last = FIRST, LAST if not stand.settings.quick else 1 << 20
    progress = Progress("series", len(series))
    worst: tuple[float, str] = (0.0, "")
    slowest: tuple[float, str] = (0.0, "")
    for one in series:
        # A service of its own, so that what one series leaves behind is not held against the next.
        with stand.serving(outcome, papers=1000) as service:
            sizes, seconds = measure(outcome, service, one, address, first, last)
        outcome.did["series"] += 1
        if sizes:
            power = exponent(sizes, seconds)
            worst, slowest = (
                max(worst, (round(power, 2), one.name)),
                max(slowest, (round(seconds[-1], 1), f"{one.name}, {sizes[-1] >> 10:,} kB")),
            )
            told = ", ".join(f"{size >> 10:,} kB {second:.2f} s" for size, second in zip(sizes, seconds))
            outcome.must(power <= POWER, f"{one.name} grows with the power {power:.1f}: {told}")
            outcome.must(seconds[-1] <= LONGEST, f"{one.name}: {told}")
        progress.step(one.name)
    outcome.figures["greatest power"] = f"{worst[0]} ({worst[1]})"
    outcome.figures["slowest s"] = f"{slowest[0]} ({slowest[1]})"


def measure(
    outcome: Outcome, service: Service, one: Series, address: str, first: int, last: int
) -> tuple[list[int], list[float]]:
    """The sizes sent and the seconds they took; ends where it is slow enough, or refused for its size."""
    sizes: list[int] = []
    seconds: list[float] = []
    size = first
    while size <= last:
        body = one.of(size).encode("utf-8", "surrogatepass")
        try:
            reply = service.post(address, body, one.kind, patience=2 * LONGEST)
        except NoAnswer as error:
            if not service.memory.overran:
                outcome.failed(f"{one.name}, {len(body) >> 10:,} kB: {error}")
            break
        outcome.did["inputs"] += 1
        if reply.status >= 500 and reply.status not in (503, 507):
            outcome.failed(f"{one.name}, {len(body) >> 10:,} kB: {reply}")
        sizes.append(len(body))
        seconds.append(reply.seconds)
        if reply.seconds > ENOUGH or reply.status in (408, 413):
            break
        size *= 2
    return sizes, seconds


@attack(
    "fuzz", "growth of lists", "The time of a reference list grows with its size in every format, whatever is in it."
)
def lists_grow(stand: Stand, outcome: Outcome) -> None:
    """Joins, nesting, runs of one sign, millions of tiny references."""
    grow(stand, outcome, LISTS, path("v1", "users", "grow", "history", dry_run="true"))


@attack("fuzz", "growth of papers", "The time of a paper grows with its size, whatever is in its fields.")
def papers_grow(stand: Stand, outcome: Outcome) -> None:
    """Markup, signs, fields without end."""
    grow(stand, outcome, PAPERS, "/v1/papers")


@attack("fuzz", "growth of searches", "The time of a search grows with the size of what is asked.")
def searches_grow(stand: Stand, outcome: Outcome) -> None:
    """Words, quotes, brackets, alternatives without end."""
    grow(stand, outcome, SEARCHES, "/v1/search")


@attack("fuzz", "what was given up ends", "What a request started ends within a second of its 408.")
def given_up_ends(stand: Stand, outcome: Outcome) -> None:
    """Heavy calls with a second to take; then the processor time of the service is watched."""
    ids = [paper["id"] for paper in stand.papers]
    texts = [paper.get("abstract") or paper["title"] for paper in stand.papers[:200]]
    heavy = [
        ("/v1/similar/batch", {"ids": ids[:1000], "limit": 20, "diversity": 0.9, "explain": True}),
        ("/v1/similar/batch", {"ids": ids[:40], "limit": 500, "diversity": 0.9, "explain": True}),
        ("/v1/recommend", {"text": texts, "limit": 500, "diversity": 0.9, "explain": True, "strategy": "logistic"}),
        ("/v1/recommend", {"like": ids[:2000], "candidates": ids[:9000], "explain": True, "strategy": "nearest"}),
        ("/v1/embed", {"inputs": [text * 200 for text in texts]}),
        ("/v1/themes/of", {"q": "memory", "limit": 5000}),
        ("/v1/themes/rebuild", {}),
        (
            path("v1", "users", "grow", "history", embed_missing="true"),
            {"text": '@article{a, title = "x"' + ' # "x"' * 100_000 + "}"},
        ),
    ]
    with stand.serving(outcome, env={"PAPERKIN_TIMEOUT_S": "1"}) as service:
        for address, body in heavy:
            try:
                reply = service.post(address, body, patience=90)
            except NoAnswer as error:
                outcome.must(False, f"no answer: {error}")
                continue
            outcome.did[f"answers {reply.status}"] += 1
            if reply.status != 408:
                continue
            outcome.must(reply.seconds < 2.0, f"a 408 after {reply.seconds:.1f} s: {reply.request}")
            time.sleep(1.0)
            before = service.processor_seconds()
            time.sleep(2.0)
            busy = (service.processor_seconds() - before) / 2.0
            outcome.must(busy < 0.3, f"{busy:.1f} processors are busy a second after the 408: {reply.request}")
            until = time.monotonic() + 60
            while time.monotonic() < until:
                before = service.processor_seconds()
                time.sleep(1.0)
                if service.processor_seconds() - before < 0.2:
                    break
