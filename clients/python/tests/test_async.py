"""The main calls for asyncio, on the same service."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import trio
from conftest import MONTH, Guarded, Service, corpus

from paperkin import AsyncPaperkin, NotFound, Progress, Unauthorized


async def test_papers(aclient: AsyncPaperkin) -> None:
    expected = sorted(paper["id"] for paper in corpus() if paper["listed"].startswith(MONTH))
    pages = aclient.papers(date=MONTH, limit=9)
    assert sorted([paper["id"] async for paper in pages]) == expected
    assert await pages.total() == len(expected)
    assert len(await pages.all()) == len(expected)
    assert len(await pages.first()) == 9
    assert [len(page) async for page in pages.pages()][:1] == [9]
    with pytest.raises(NotFound):
        await aclient.paper("nobody/1")


async def test_papers_stream_from_either_kind_of_iterator(aclient: AsyncPaperkin) -> None:
    async def papers() -> AsyncIterator[dict[str, Any]]:
        for k in range(120):
            await asyncio.sleep(0)
            yield {"id": f"async/{k}", "title": f"Async paper {k}"}

    heard: list[Progress] = []
    report = await aclient.ingest(papers(), batch=50, progress=heard.append)
    assert report["accepted"] == 120
    assert [progress.done for progress in heard] == [50, 100, 120]
    again = await aclient.ingest([{"id": f"async/{k}", "title": f"Async paper {k}"} for k in range(120)])
    assert again["unchanged"] == 120
    await asyncio.gather(*(aclient.delete(f"async/{k}") for k in range(120)))


async def test_rankings(aclient: AsyncPaperkin) -> None:
    searched, similar, trending = await asyncio.gather(
        aclient.search("planets", limit=3), aclient.similar("invented:astro-001"), aclient.trending("365d")
    )
    assert len(searched["papers"]) == 3
    assert similar["papers"]
    assert trending["papers"]
    assert (await aclient.recommend(like=["invented:astro-001"]))["papers"]
    assert len([hit async for hit in aclient.each(aclient.search, "robots", category="cs.RO", limit=5)]) > 15
    assert (await aclient.vectors(["a", "b"])).shape[0] == 2


async def test_a_reader(aclient: AsyncPaperkin) -> None:
    user = "async/ada"
    await aclient.add_event(user, "invented:astro-001", "like")
    assert (await aclient.feed(user, limit=3))["papers"]
    assert (await aclient.rank(user, ["invented:astro-002"]))["papers"]
    assert [event["kind"] async for event in aclient.events(user)] == ["like"]
    assert isinstance(await aclient.interests(user), list)
    done = await aclient.import_history(user, "invented:clim-001\n", format="ids")
    assert [m["paper"] for m in done["matched"]] == ["invented:clim-001"]
    await aclient.undo_import(user, done["import"] or "")
    await aclient.delete_user(user)


async def test_themes_and_a_backup(aclient: AsyncPaperkin, tmp_path: Path) -> None:
    assert (await aclient.themes(level=0))["themes"]
    assert len((await aclient.whole_map())["points"]["id"]) > 250
    assert await aclient.backup(tmp_path / "copy") == (tmp_path / "copy").stat().st_size
    assert await aclient.ready()


async def test_a_key(guarded: Guarded) -> None:
    async with AsyncPaperkin(guarded.url) as nobody:
        with pytest.raises(Unauthorized):
            await nobody.me()
    async with AsyncPaperkin(guarded.url, guarded.read) as reader:
        assert (await reader.me())["scopes"] == ["read"]


def test_it_runs_under_trio_as_well(service: Service) -> None:
    async def main() -> int:
        async with AsyncPaperkin(service.url) as client:
            return len([paper async for paper in client.papers(date=MONTH)])

    assert trio.run(main) == len([p for p in corpus() if p["listed"].startswith(MONTH)])
