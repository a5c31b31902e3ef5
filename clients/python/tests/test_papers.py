"""Papers in and out, and papers for words, papers and examples."""

from __future__ import annotations

import datetime
import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import CORPUS, MONTH, corpus

from paperkin import Invalid, NotFound, Paperkin, Progress

#: Ids that a path, a query or a log could trip over.
ODD = ["a/b:c", "10.5555/x(1)<2>;%2F", "doi:10.5555/Ünïcode ✓", "..", ".", "?q=1&x#y", "quote\"s 'n' \\back"]


def hits(answer: Any) -> list[str]:
    return [hit["id"] for hit in answer["papers"]]


def test_ids_of_every_kind_are_found_where_they_are_asked_for(client: Paperkin) -> None:
    report = client.put(*({"id": id, "title": f"Odd {k}", "shelf": k} for k, id in enumerate(ODD)))
    assert report["accepted"] == len(ODD), report
    for k, id in enumerate(ODD):
        paper = client.paper(id)
        # Fields that nobody foresaw are kept.
        assert (paper["id"], paper["title"], paper["extra"]) == (id, f"Odd {k}", {"shelf": k})
        assert id not in hits(client.similar(id, limit=5))
        assert client.citation(id).startswith("@")
        client.put_note("odd/reader:1", id, "Read it.")
        assert client.note("odd/reader:1", id)["text"] == "Read it."
        client.delete(id)
        with pytest.raises(NotFound, match="no paper"):
            client.paper(id)
    client.delete_user("odd/reader:1")
    with pytest.raises(ValueError, match="empty"):
        client.paper("")


def test_a_report_tells_what_was_left_out_and_what_was_refused(client: Paperkin) -> None:
    papers: list[dict[str, Any]] = [
        {"id": "w/1", "title": "A paper with a date that is none", "date": "soon"},
        {"id": "w/2"},
        {"id": "w/3", "title": "A paper like any", "date": datetime.date(2026, 8, 1)},
    ]
    report = client.put(*papers)
    assert (report["accepted"], report["rejected_total"], report["warnings_total"]) == (2, 1, 1)
    assert (report["rejected"][0]["line"], report["rejected"][0].get("id")) == (2, "w/2")
    assert (report["warnings"][0]["line"], report["warnings"][0]["field"]) == (1, "date")
    assert client.paper("w/3")["date"] == "2026-08-01"
    strict = client.put(*papers, strict=True)
    assert (strict["accepted"], strict["unchanged"], strict["rejected_total"]) == (0, 1, 2)
    client.delete("w/1")
    client.delete("w/3")


def test_papers_come_as_tables_have_them(client: Paperkin) -> None:
    odd: dict[str, Any] = {
        "id": "t/1",
        "title": "A row of a table",
        "upvotes": np.int64(3),
        "comments": float("nan"),
        "date": np.nan,
        "listed": datetime.datetime(2026, 8, 1, 23, 0, tzinfo=datetime.timezone.utc),
        "authors": ("A. Person", "B. Person"),
        "score": np.float32("inf"),
    }
    # Half a letter is no text, in one paper alone.
    report = client.put(odd, {"id": "t/2", "title": "\ud800"}, {"id": "t/3", "title": "Another"})
    assert (report["accepted"], report["warnings_total"], report["rejected_total"]) == (2, 0, 1), report
    paper = client.paper("t/1")
    assert (paper.get("upvotes"), paper.get("comments"), paper.get("date")) == (3, None, None)
    assert (paper.get("listed"), paper["authors"]) == ("2026-08-01", ["A. Person", "B. Person"])
    client.delete("t/1")
    client.delete("t/3")
    # What would be read letter by letter.
    for mistake in ("papers.jsonl", b"{}", odd):
        with pytest.raises(TypeError, match="an open file"):
            client.ingest(mistake)  # type: ignore[arg-type]
    one = "invented:astro-001"
    assert client.recommend(like=one, limit=1)["papers"]
    assert hits(client.recommend(text="x", candidates=one)) == [one]


def test_five_thousand_papers_stream_from_an_iterator(client: Paperkin) -> None:
    asked, heard = 0, list[Progress]()

    def papers() -> Iterator[dict[str, Any]]:
        nonlocal asked
        for k in range(5_000):
            asked += 1
            # Each tenth has no title, each hundredth a year that is none.
            title = {} if k % 10 == 9 else {"title": f"Stream paper {k} about subject {k % 37}"}
            yield {"id": f"stream/{k}", "date": "never" if k % 100 == 50 else "1999-01-01", **title}

    def hear(progress: Progress) -> None:
        # Papers are asked for while others are in already.
        heard.append(Progress(progress.done, asked))

    report = client.ingest(papers(), progress=hear)
    assert (report["accepted"], report["rejected_total"], report["warnings_total"]) == (4_500, 500, 50)
    assert [rejected["line"] for rejected in report["rejected"]] == list(range(10, 5_001, 10))
    assert [warning["line"] for warning in report["warnings"]] == list(range(51, 5_001, 100))
    assert [progress.done for progress in heard] == [1_000, 2_000, 3_000, 4_000, 5_000]
    assert heard[0].total is not None
    assert heard[0].total <= 1_001
    again = client.ingest({"id": f"stream/{k}", "title": f"Stream paper {k} about subject {k % 37}"} for k in range(2))
    assert again["updated"] == 2
    for k in range(5_000):
        if k % 10 != 9:
            client.delete(f"stream/{k}")


def test_lines_of_a_file_go_in_as_they_are(client: Paperkin) -> None:
    with Path(CORPUS).open("rb") as lines:
        report = client.ingest(lines, batch=100)
    assert (report["unchanged"], report["rejected_total"]) == (len(corpus()), 0)
    assert client.ingest([])["accepted"] == 0


def test_the_daily_list_is_read_page_by_page(client: Paperkin) -> None:
    expected = [paper["id"] for paper in corpus() if paper["listed"].startswith(MONTH)]
    pages = client.papers(date=MONTH, limit=7)
    found = [paper["id"] for paper in pages]
    assert sorted(found) == sorted(expected)
    assert len(found) == len(set(found)) == pages.total()
    assert all(len(page) <= 7 for page in pages.pages())
    # It is lazy: what is not asked for is not fetched; and it can be read again.
    assert [paper["id"] for paper in itertools.islice(pages, 3)] == found[:3]
    assert pages.first() == pages.all()[:7]
    day = client.papers(date=datetime.date(2026, 8, 27), sort="upvotes").all()
    votes = [paper["upvotes"] or 0 for paper in day]
    assert votes == sorted(votes, reverse=True)
    assert {paper["listed"] for paper in day} == {"2026-08-27"}


def test_rankings(client: Paperkin) -> None:
    one, two = "invented:astro-001", "invented:clim-001"
    like_one = client.similar(one, limit=5, category=["astro-ph.EP", "astro-ph.SR"])
    assert len(like_one["papers"]) == 5
    assert one not in hits(like_one)
    assert [b["id"] for b in client.similar_to_each([one, two], limit=3)] == [one, two]
    answer = client.search("planet", limit=5, explain=True, facets=["category", "year"], matching=True, from_="2026")
    first = answer["papers"][0]
    why = first.get("why")
    assert why
    assert sum(part["value"] for part in why["parts"]) == pytest.approx(first["score"], abs=1e-4)
    assert (answer["meta"].get("facets") or {}).get("category")
    assert client.search(category="astro-ph.EP", sort="newest")["papers"]
    assert client.search("x" * 3_000 + " planets")["papers"], "a long text goes"
    hit = client.recommend(like=[one, {"id": two, "weight": 2.0}], dislike=["invented:econ-001"], text="ice", limit=4)
    assert len(hit["papers"]) == 4
    vector = client.vectors("a planet", "query")[0]
    assert client.recommend(vector=vector, limit=1)["papers"]
    candidates = [one, two, "invented:econ-001"]
    assert sorted(hits(client.recommend(text="planets", candidates=candidates))) == sorted(candidates)
    assert client.trending("365d", limit=3)["papers"]
    assert client.suggest("plan", limit=4)
    with pytest.raises(NotFound):
        client.recommend(like=["nobody/knows"])
    with pytest.raises(Invalid):
        client.search("x", limit=501)


def test_every_hit_comes_page_after_page(client: Paperkin) -> None:
    expected = hits(client.search("robots that walk", limit=500, category="cs.RO"))
    assert len(expected) > 15
    found = [hit["id"] for hit in client.each(client.search, "robots that walk", category="cs.RO", limit=5)]
    assert found == expected
    assert [hit["id"] for hit in itertools.islice(client.each(client.similar, expected[0]), 150)]


def test_vectors(client: Paperkin) -> None:
    texts = [f"text {k}" for k in range(1_100)]
    embedded = client.embed(texts)
    assert (len(embedded["vectors"]), len(embedded["vectors"][0])) == (1_100, embedded["dimension"])
    rows = client.vectors(texts[:3])
    assert rows.shape == (3, embedded["dimension"])
    assert rows.dtype == np.float32
    assert np.allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-3)
    with pytest.raises(Invalid):
        client.embed([])
