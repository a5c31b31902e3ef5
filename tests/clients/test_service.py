"""The service that the clients are tried against is there, and says no to whoever has no key."""

import httpx


def test_the_corpus_is_served(service):
    found = service.get("/v1/search", q="kites over a harbour", limit=3)
    assert found["papers"] and found["meta"]["total"] > 250


def test_only_a_key_opens_the_guarded_one(guarded):
    assert httpx.get(f"{guarded.url}/v1/search", params={"q": "kites"}).status_code == 401
    assert guarded.get("/v1/search", q="kites")["papers"]
