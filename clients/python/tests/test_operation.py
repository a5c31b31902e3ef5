"""Themes, mail, keys, and what else runs."""

from __future__ import annotations

import time
from pathlib import Path

import httpx
import pytest
from conftest import Guarded, Mail

from paperkin import Conflict, Forbidden, NotFound, Paperkin, Unauthorized


def test_themes_and_the_map(client: Paperkin) -> None:
    themes = client.themes(level=0)
    assert themes["themes"]
    first = themes["themes"][0]
    theme = client.theme(first["id"], limit=3, sort="newest")
    assert len(theme["papers"]) == 3
    assert len(list(client.each(client.theme, first["id"], limit=50))) == theme["meta"]["total"]
    page = client.theme_map(limit=100)
    assert len(page["points"]["id"]) == 100
    whole = client.whole_map(titles=True)
    points = whole["points"]
    assert len(set(points["id"])) == len(points["x"]) == len(points["theme"]) == whole["meta"]["total"] > 250
    assert len(points.get("title") or []) == whole["meta"]["total"]
    assert client.map_papers("planets", limit=4)
    assert isinstance(client.theme_events(limit=5), list)
    assert client.themes_of(q="planets")["themes"]
    client.rebuild_themes()


def test_mail(client: Paperkin, mail: Mail) -> None:
    asked = client.subscribe("ada@x.example", {"daily": True}, cadence="daily", hour=6, budget=5)
    assert asked["email"] == "ada@x.example"
    link = mail.link("confirm", "ada@x.example")
    assert httpx.post(client.url + link.split("papers.lab.example")[1]).status_code == 200
    subscription = next(s for s in client.subscriptions(limit=1) if s["email"] == "ada@x.example")
    assert client.subscription(subscription["id"])["budget"] == 5
    assert client.change_subscription(subscription["id"], "paused", until="2030-01-01")["state"] == "paused"
    assert client.change_subscription(subscription["id"], "active")["state"] == "active"
    shown = client.digests("2026-08-27")
    assert (shown["sent"], [m["email"] for m in shown["mails"]]) == (0, ["ada@x.example"])
    assert client.digests("2026-08-27", send=True)["sent"] == 1
    assert {m["subscription"] for m in client.mails(subscription=subscription["id"], limit=1)} == {subscription["id"]}
    assert client.bounced("ada@x.example", "no such user") == 1


def test_keys(guarded: Guarded) -> None:
    with Paperkin(guarded.url) as nobody, pytest.raises(Unauthorized) as refused:
        nobody.search("door")
    assert (refused.value.status, refused.value.code) == (401, "unauthorized")
    with Paperkin(guarded.url, "pk_wrong_key") as wrong, pytest.raises(Unauthorized):
        wrong.search("door")
    with Paperkin(guarded.url, guarded.read) as reader:
        assert reader.search("door")["papers"]
        assert reader.me()["scopes"] == ["read"]
        with pytest.raises(Forbidden) as forbidden:
            reader.put({"id": "p/2", "title": "No"})
        assert forbidden.value.status == 403
    with Paperkin(guarded.url, guarded.admin) as admin:
        made = admin.make_key("ada's", user="ada", expires="30d")
        there = admin.keys()
        assert made["id"] in [key["id"] for key in there]
        with Paperkin(guarded.url, made["key"]) as ada:
            ada.add_event("ada", "p/1", "like")
            with pytest.raises(Forbidden):
                ada.add_event("bo", "p/1", "like")
        link = admin.sign_in_link("ada")
        assert link["user"] == "ada"
        assert admin.sessions() == []
        assert admin.end_sessions("ada") == 0
        with pytest.raises(NotFound):
            admin.end_session("nobody")
        admin.revoke_key(made["id"])
        with Paperkin(guarded.url, made["key"]) as gone, pytest.raises(Unauthorized):
            gone.me()


def test_key_and_address_come_from_the_environment(guarded: Guarded, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAPERKIN_URL", guarded.url + "/")
    monkeypatch.setenv("PAPERKIN_KEY", guarded.read)
    with Paperkin() as client:
        assert client.me()["identity"] == "key"
        assert client.url == guarded.url
    with pytest.raises(ValueError, match="http://"):
        Paperkin("papers.example.org")


def test_webhooks(client: Paperkin) -> None:
    made = client.make_webhook("https://93.184.216.34/hook", what={"query": "planets"})
    assert made["secret"]
    assert made["id"] in [hook["id"] for hook in client.webhooks()]
    assert client.webhook_deliveries(made["id"]) == []
    assert client.redeliver(made["id"]) == 0
    with pytest.raises(NotFound):
        client.redeliver(made["id"], "7")
    client.delete_webhook(made["id"])
    with pytest.raises(NotFound):
        client.delete_webhook(made["id"])


def test_sources_and_jobs(client: Paperkin) -> None:
    assert [source["name"] for source in client.sources()] == ["mine"]
    assert client.run_source("mine")["name"] == "mine"
    until = time.monotonic() + 30
    while not client.sources()[0]["runs"] and time.monotonic() < until:
        time.sleep(0.1)
    assert client.sources()[0]["runs"]
    assert "interests" in [job["name"] for job in client.jobs()]
    assert client.run_job("interests")["name"] == "interests"
    assert client.job("interests")["about"]
    with pytest.raises(NotFound):
        client.job("nothing")


def test_backup(client: Paperkin, tmp_path: Path) -> None:
    file = tmp_path / "copy.tar.zst"
    written = client.backup(file)
    assert file.stat().st_size == written > 10_000
    # The number of a Zstandard frame.
    assert file.read_bytes()[:4] == bytes.fromhex("28b52ffd")
    assert list(tmp_path.iterdir()) == [file]


def test_the_rest(client: Paperkin) -> None:
    assert client.ready()
    assert client.me()["identity"] == "anyone"
    assert "# TYPE" in client.metrics()
    assert client.openapi()["openapi"].startswith("3.")
    with pytest.raises(Conflict):
        client.sign_in_link("ada")
