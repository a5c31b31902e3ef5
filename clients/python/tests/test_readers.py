"""Readers: what they do, what is for them, what they keep."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from conftest import MONTH

from paperkin import BadRequest, NotFound, Paperkin, Progress

LIKED = [f"invented:{field}-0{k:02}" for field in ("astro", "clim") for k in range(1, 9)]
BIB = "".join(
    f"@misc{{k{k}, title = {{{title}}}}}\n"
    for k, title in enumerate(
        ["Sulfur dioxide as a thermometer for the night side of warm Saturns", "On nothing at all"]
    )
)


@pytest.fixture
def user(client: Paperkin) -> Iterator[str]:
    name = "reader/ada:1 <b>"
    client.put_user(name, per_author=2)
    events = [{"paper": id, "kind": "like", "at": f"2026-08-{k + 1:02}T08:00:00Z"} for k, id in enumerate(LIKED)]
    report = client.add_events(name, events)
    assert report["accepted"] == len(LIKED), report
    yield name
    client.delete_user(name)
    with pytest.raises(NotFound):
        client.user(name)


def test_users_and_events(client: Paperkin, user: str) -> None:
    assert client.user(user)["settings"].get("per_author") == 2
    assert user in [view["id"] for view in client.users(limit=1)]
    again = client.add_events(user, [{"paper": LIKED[0], "kind": "like", "at": "2026-08-01T08:00:00Z"}])
    assert (again["accepted"], again["unchanged"]) == (0, 1)
    wrong = client.add_events(user, [{"paper": "nobody/1", "kind": "like"}])
    assert wrong["rejected"][0]["index"] == 0
    with pytest.raises(NotFound):
        client.add_event(user, "nobody/1", "like")
    client.add_event(user, "invented:econ-001", "dismiss", weight=2.0)
    many = client.add_events_of_many([{"user": user, "paper": "invented:econ-002", "kind": "view"}])
    assert many["accepted"] == 1
    events = client.events(user, limit=5)
    assert events.total() == len(LIKED) + 2
    assert [event["paper"] for event in events][-1] == LIKED[0]
    assert [paper["id"] for paper in client.turned_down(user)] == ["invented:econ-001"]
    opinion = client.take_back(user, "invented:econ-001")
    assert opinion["paper"] == "invented:econ-001"
    assert [o["liked"] for o in client.opinions(user, [LIKED[0], "invented:econ-001"])] == [True, False]


def test_what_is_for_a_reader(client: Paperkin, user: str) -> None:
    feed = client.feed(user, date=MONTH, limit=10, explain=True)
    assert len(feed["papers"]) == 10
    assert all("why" in hit for hit in feed["papers"])
    assert not {hit["id"] for hit in feed["papers"]} & set(LIKED)
    preview = client.preview_feed(user, [{"paper": "invented:econ-001", "kind": "like"}], date=MONTH, exploration=0)
    assert preview["papers"]
    candidates = ["invented:econ-003", "invented:astro-012", "invented:qu-003"]
    ranked = client.rank(user, candidates, explain=True)
    assert sorted(hit["id"] for hit in ranked["papers"]) == sorted(candidates)
    scores = [hit["score"] for hit in ranked["papers"]]
    assert scores == sorted(scores, reverse=True)
    assert client.recommend(user=user, limit=3)["papers"]
    assert client.questions(user, topic=["glaciers"], limit=2)["papers"]


def test_interests(client: Paperkin, user: str) -> None:
    first = client.interests(user)[0]
    changed = client.change_interest(user, first["id"], name="Mine", pinned=True, weight=2.0)
    assert (changed["name"], changed["pinned"], changed["weight"]) == ("Mine", True, 2.0)
    # None is not the same as nothing said.
    assert client.change_interest(user, first["id"], name=None)["name"] != "Mine"
    assert client.change_interest(user, first["id"], muted=True)["pinned"]
    client.reset_interest(user, first["id"])
    client.reset_interests(user)
    assert not any(interest["edited"] for interest in client.interests(user))


def test_reading_lists(client: Paperkin, user: str, tmp_path: Path) -> None:
    seen = client.import_history(user, BIB, dry_run=True)
    assert [entry["status"] for entry in seen["entries"]] == ["matched", "missing"]
    assert client.imports(user) == []
    file = tmp_path / "mine.bib"
    file.write_text(BIB, "utf-8")
    heard: list[Progress] = []
    done = client.import_history(user, file, embed_missing=True, progress=heard.append)
    assert (done["format"], done["total"], [m["paper"] for m in done["matched"]]) == (
        "bibtex",
        2,
        ["invented:astro-001"],
    )
    assert heard
    assert client.imports(user)[0]["name"] == "mine.bib"
    name = done["import"]
    assert name
    assert client.get_import(user, name)["status"] == "done"
    outside = client.outside(user).all()
    assert [paper["title"] for paper in outside] == ["On nothing at all"]
    client.remove_outside(user, outside[0]["id"])
    client.undo_import(user, name)
    assert client.imports(user) == []
    with pytest.raises(NotFound):
        client.undo_import(user, name)
    as_bytes = client.import_history(user, "@misc{a, title={Überall}}".encode("latin-1"), format="bibtex", kind="like")
    assert as_bytes["missing"]


def test_folders_and_notes(client: Paperkin, user: str) -> None:
    folder = client.make_folder(user, "Kept")
    assert client.make_folder(user, "Kept")["id"] == folder["id"]
    assert client.rename_folder(user, folder["id"], "Ours")["name"] == "Ours"
    assert client.file(user, folder["id"], ["invented:econ-001", LIKED[0]])["added"] == 2
    assert folder["id"] in client.file_one(user, folder["id"], "invented:qu-001")["folders"]
    client.unfile(user, folder["id"], LIKED[0])
    assert {paper["id"] for paper in client.library(user, folder=folder["id"])} == {
        "invented:econ-001",
        "invented:qu-001",
    }
    assert client.folders(user)["folders"][0]["papers"] == 2
    client.put_note(user, LIKED[0], "Read it again.")
    assert [noted["note"]["text"] for noted in client.notes(user, limit=1)] == ["Read it again."]
    whole = client.library(user, sort="title", limit=4)
    assert whole.total() == len(whole.all()) == len(LIKED) + 2
    assert [paper["id"] for paper in client.library(user, q="again")][:1] == [LIKED[0]]
    assert client.library_as(user, "ris").count("TY  - ") == len(LIKED) + 2
    client.delete_note(user, LIKED[0])
    client.delete_folder(user, folder["id"])
    assert client.folders(user)["folders"] == []


def test_saved_searches(client: Paperkin, user: str) -> None:
    saved = client.save_search(user, "planets", name="Planets")
    followed = client.save_search(user, category="cs.RO")
    assert [search["id"] for search in client.searches(user)] == [saved["id"], followed["id"]]
    assert client.change_search(user, saved["id"], name="Worlds", muted=True)["muted"]
    found = client.search_papers(user, followed["id"], limit=3, explain=True)
    assert len(found["papers"]) == 3
    assert len(list(client.each(client.search_papers, user, followed["id"], limit=10))) == 22
    assert client.see_search(user, followed["id"])["new"] == 0
    client.delete_search(user, saved["id"])
    with pytest.raises(BadRequest):
        client.save_search(user)


def test_addresses_for_a_news_reader(client: Paperkin, user: str) -> None:
    made = client.feed_addresses(user)
    address = client.url + "/v1/" + made["atom_url"].split("/v1/")[1]
    assert httpx.get(address).text.startswith("<?xml")
    client.revoke_feed_addresses(user)
    assert httpx.get(address).status_code == 401
