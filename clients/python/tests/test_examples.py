"""The examples and those of the README run as they are."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import CORPUS, MONTH, Service, corpus

from paperkin import Paperkin

PACKAGE = Path(__file__).resolve().parents[1]
EXAMPLES = PACKAGE / "examples"


def run(service: Service, folder: Path, *words: str) -> str:
    """What a program prints; a warning in it is a failure."""
    environment = {k: v for k, v in os.environ.items() if k != "PAPERKIN_KEY"} | {"PAPERKIN_URL": service.url}
    done = subprocess.run(
        [sys.executable, "-W", "error", *words],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return done.stdout


def blocks() -> list[str]:
    """The programs of the README."""
    return re.findall(r"```python\n(.*?)```", (PACKAGE / "README.md").read_text("utf-8"), re.DOTALL)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """With a reading list and some papers."""
    titles = [paper["title"] for paper in corpus()[:3]] + ["Of which nobody has heard"]
    bib = "".join(f"@misc{{k{k}, title = {{{title}}}}}\n" for k, title in enumerate(titles))
    (tmp_path / "library.bib").write_text(bib, "utf-8")
    wrong = json.dumps({"id": "readme/1"}) + "\n"
    (tmp_path / "papers.jsonl").write_text(CORPUS.read_text("utf-8") + wrong, "utf-8")
    return tmp_path


def test_the_readme_has_three_programs_that_run(service: Service, folder: Path) -> None:
    find, put, reader = blocks()
    assert 'no paper has the id "arxiv:0000.00000"' in run(service, folder, "-c", find)
    said = run(service, folder, "-c", put)
    assert f"{len(corpus())} as before" in said
    assert "line 253" in said
    assert run(service, folder, "-c", reader).count("because of") == 3


def test_a_feed_from_a_bib(service: Service, folder: Path) -> None:
    program = str(EXAMPLES / "feed_from_bib.py")
    shown = run(service, folder, program, "library.bib", "--user", "bib/1", "--dry-run")
    assert shown.count("is invented:astro-") == 3
    assert "is not in the corpus" in shown
    with Paperkin(service.url) as client:
        assert "bib/1" not in [user["id"] for user in client.users()], "a dry run writes nothing"
    said = run(service, folder, program, "library.bib", "--user", "bib/1", "--date", MONTH, "--limit", "4")
    assert said.startswith(shown)
    assert "4 papers say what bib/1 likes" in said
    assert len(re.findall(r"^ +\d\. ", said, re.MULTILINE)) == 4
    assert "like “" in said


def test_the_map_is_drawn(service: Service, folder: Path) -> None:
    said = run(service, folder, str(EXAMPLES / "draw_map.py"), "map.png")
    assert re.fullmatch(r"map\.png: \d+ papers, \d+ names\n", said)
    picture = (folder / "map.png").read_bytes()
    assert picture[:8] == b"\x89PNG\r\n\x1a\n"
    assert len(picture) > 50_000


def test_names_on_the_map_do_not_overlap(service: Service, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(EXAMPLES))
    import draw_map
    import matplotlib as mpl

    mpl.use("Agg")
    made: list[draw_map.Names] = []

    class Kept(draw_map.Names):
        def __init__(self, axes: object) -> None:
            super().__init__(axes)
            made.append(self)

    monkeypatch.setattr(draw_map, "Names", Kept)
    with Paperkin(service.url) as client:
        drawn = client.whole_map()
    names = draw_map.draw(drawn, str(folder / "map.svg"))
    boxes = made[0].taken
    assert names == len(boxes)
    assert names >= sum(theme["level"] == 0 for theme in drawn["themes"])
    assert not any(a.overlaps(b) for k, a in enumerate(boxes) for b in boxes[:k])


def test_a_ranker_is_compared(service: Service, folder: Path) -> None:
    liked = [paper["id"] for paper in corpus() if "cs.RO" in paper["categories"]]
    with Paperkin(service.url) as client:
        events = [{"paper": p, "kind": "like", "at": f"2026-08-{k + 1:02}T08:00:00Z"} for k, p in enumerate(liked)]
        client.add_events("eval/1", events)
        words = [str(EXAMPLES / "evaluate_ranker.py"), "--user", "eval/1", "--others", "100", "--draws", "200"]
        said = run(service, folder, *words)
        assert said == run(service, folder, *words), "the same seed, the same figures"
        client.delete_user("eval/1")
    rows = {
        line.split()[0]: re.findall(r"(-?\d\.\d+) \[(-?\d\.\d+), (-?\d\.\d+)\]", line) for line in said.splitlines()
    }
    assert list(rows) == ["nDCG@10", "paperkin", "word_overlap", "difference"]
    for name in ("paperkin", "word_overlap"):
        assert len(rows[name]) == 3
        for value, low, high in rows[name]:
            assert 0 <= float(low) <= float(value) <= float(high) <= 1, said
            # Better than chance: about 7 of 107 are wanted.
            assert float(value) > 0.15, said


def test_figures_are_those_of_the_book(monkeypatch: pytest.MonkeyPatch) -> None:
    from collections import Counter

    monkeypatch.syspath_prepend(str(EXAMPLES))
    from evaluate_ranker import figures

    found = figures(["a", "x", "b"], Counter(["a", "b"]))
    assert found.ndcg_10 == pytest.approx((1 + 1 / 2) / (1 + 0.6309297536))
    assert found.recall_20 == 1
    assert found.average_precision == pytest.approx((1 + 2 / 3) / 2)
    perfect = figures(["a", "b", "x"], Counter(["a", "b"]))
    assert tuple(perfect) == (1, 1, 1)
    # Drawn twice, it is there twice; not drawn, not at all.
    assert tuple(figures(["b", "a", "x"], Counter({"a": 2, "b": 0}))) == (1, 1, 1)
