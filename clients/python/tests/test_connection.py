"""Errors, retries and broken connections, with a stand-in for the service."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

import paperkin
from paperkin import AsyncPaperkin, NotReady, Overloaded, Paperkin, RateLimited, Unreachable
from paperkin._core import Patience, retry_after
from paperkin._errors import BY_CODE, STATUS

Handler = Callable[[httpx.Request], httpx.Response]


def failure(status: int, code: str, retry: str | None = None, **detail: Any) -> httpx.Response:
    body = {"error": {"code": code, "message": f"it is {code}", "detail": detail or None}}
    return httpx.Response(status, json=body, headers={"retry-after": retry} if retry else {})


class Script:
    """Answers one after another; the last for ever."""

    def __init__(self, *answers: httpx.Response | Exception) -> None:
        self.answers, self.asked = list(answers), list[httpx.Request]()

    def __call__(self, request: httpx.Request) -> httpx.Response:
        request.read()
        self.asked.append(request)
        answer = self.answers[min(len(self.asked), len(self.answers)) - 1]
        if isinstance(answer, Exception):
            raise answer
        # An answer can be read once.
        return httpx.Response(answer.status_code, headers=answer.headers, content=answer.content)


@pytest.fixture(autouse=True)
def waited(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Waits that are written down in place of being waited."""
    waits: list[float] = []
    monkeypatch.setattr("paperkin._sync.transport.sleep", waits.append)

    async def asleep(seconds: float) -> None:
        waits.append(seconds)

    monkeypatch.setattr("paperkin._async.transport.sleep", asleep)
    return waits


def client(script: Handler, **settings: Any) -> Paperkin:
    http = httpx.Client(transport=httpx.MockTransport(script))
    return Paperkin("http://papers.example", http=http, **settings)


ANSWER = httpx.Response(200, json={"papers": [], "meta": {}})
BUSY = failure(503, "overloaded", "2")


def test_a_busy_service_is_asked_again_when_it_says(waited: list[float]) -> None:
    script = Script(BUSY, failure(429, "rate_limited", "7"), ANSWER)
    assert client(script).search("whales")["papers"] == []
    assert (len(script.asked), waited) == (3, [2.0, 7.0])
    assert len({request.content for request in script.asked}) == 1


async def test_so_it_is_for_asyncio(waited: list[float]) -> None:
    script = Script(BUSY, ANSWER)
    http = httpx.AsyncClient(transport=httpx.MockTransport(script))
    async with AsyncPaperkin("http://papers.example", http=http) as asked:
        assert (await asked.search("whales"))["papers"] == []
    assert waited == [2.0]
    assert not http.is_closed, "it belongs to whoever made it"
    await http.aclose()


def test_without_a_word_the_waits_grow(waited: list[float]) -> None:
    script = Script(failure(503, "overloaded"))
    with pytest.raises(Overloaded):
        client(script, retries=5).search("whales")
    assert len(script.asked) == 6
    for k, wait in enumerate(waited):
        assert 0.25 * 2**k * 0.75 <= wait <= 0.25 * 2**k * 1.25


def test_too_long_a_wait_is_told_at_once(waited: list[float]) -> None:
    script = Script(failure(429, "rate_limited", "3600", retry_after=3600))
    with pytest.raises(RateLimited) as limited:
        client(script).search("whales")
    assert (limited.value.retry_after, limited.value.status, limited.value.detail) == (3600, 429, {"retry_after": 3600})
    assert (len(script.asked), waited) == (1, [])


def test_only_what_may_be_done_twice_is_done_twice() -> None:
    events = [{"paper": "p/1", "kind": "like"}]
    dated = [{**events[0], "at": "2026-08-01"}]
    papers = [{"id": "p/1", "title": "One"}]
    report = {"accepted": 1, "updated": 0, "unchanged": 0, "embedded": 1, "rejected": [], "warnings": []}
    tried: list[tuple[int, dict[str, Any], Callable[[Paperkin], object]]] = [
        (1, {}, lambda c: c.add_events("ada", events)),
        (2, {}, lambda c: c.add_events("ada", dated)),
        (1, {}, lambda c: c.make_key("mine")),
        (1, {}, lambda c: c.subscribe("a@x.example", {"daily": True})),
        (1, {}, lambda c: c.make_webhook("https://x.example")),
        (1, {}, lambda c: c.run_job("interests")),
        (2, report, lambda c: c.ingest(papers)),
        (2, {}, lambda c: c.put_user("ada")),
        (2, {}, lambda c: c.delete_user("ada")),
        (2, {}, lambda c: c.rank("ada", ["p/1"])),
    ]
    for times, answer, call in tried:
        script = Script(BUSY, httpx.Response(200, json=answer))
        try:
            call(client(script))
            assert times == 2
        except Overloaded:
            assert times == 1
        assert len(script.asked) == times


def test_what_is_being_made_is_waited_for(waited: list[float]) -> None:
    later = httpx.Response(202, json={"job": "themes", "message": "the themes are being made", "retry_after": 1})
    script = Script(later, later, httpx.Response(200, json={"themes": []}))
    assert client(script).themes()["themes"] == []
    assert waited == [1.0, 1.0]
    with pytest.raises(NotReady, match="being made") as not_yet:
        client(Script(later), max_wait=3).themes()
    assert (not_yet.value.job, not_yet.value.retry_after) == ("themes", 1)


@pytest.mark.parametrize("code", sorted(BY_CODE))
def test_every_code_has_a_class(code: str) -> None:
    answer = failure(418, code, field="x")
    with pytest.raises(BY_CODE[code], match=f"{code}: it is {code}") as raised:
        client(Script(answer)).me()
    error = raised.value
    assert (type(error).__name__ in paperkin.__all__, error.code, error.status) == (True, code, 418)
    assert (error.message, error.detail) == (f"it is {code}", {"field": "x"})


def test_codes_are_those_of_the_service(service: Any) -> None:
    with Paperkin(service.url) as real:
        said = real.openapi()["components"]["schemas"]["ErrorCode"]["enum"]
    assert sorted(said) == sorted(BY_CODE) == sorted(STATUS)


def test_an_error_of_somebody_else_is_told_as_such() -> None:
    with pytest.raises(paperkin.ApiError, match="not by paperkin") as raised:
        client(Script(httpx.Response(502, text="<h1>Bad gateway</h1>"))).me()
    assert raised.value.status == 502
    newer = failure(418, "teapot")
    with pytest.raises(paperkin.ApiError, match="teapot"):
        client(Script(newer)).me()


def test_an_ingest_that_fails_tells_what_is_in() -> None:
    def report(n: int) -> dict[str, Any]:
        return {"accepted": n, "updated": 0, "unchanged": 0, "embedded": n, "rejected": [], "warnings": []}

    full = httpx.Response(507, json={"error": {"code": "insufficient_storage", "message": "full", "detail": report(3)}})
    script = Script(httpx.Response(200, json=report(10)), full)
    with pytest.raises(paperkin.InsufficientStorage) as raised:
        client(script).ingest(({"id": f"p/{k}", "title": "T"} for k in range(30)), batch=10)
    assert raised.value.report is not None
    assert raised.value.report["accepted"] == 13
    lines = script.asked[0].content.splitlines()
    assert (len(lines), json.loads(lines[0])) == (10, {"id": "p/0", "title": "T"})


def test_a_broken_connection() -> None:
    broken = httpx.RemoteProtocolError("Server disconnected")
    script = Script(broken, ANSWER)
    assert client(script).search("whales")
    with pytest.raises(Unreachable, match="broke off"):
        client(Script(broken)).make_key("mine")
    refused = Script(httpx.ConnectError("refused"), httpx.Response(200, json={"id": "k"}))
    assert client(refused).make_key("mine"), "it was never sent"
    slow = Script(httpx.ReadTimeout("slow"), ANSWER)
    with pytest.raises(Unreachable, match="timeout"):
        client(slow).search("whales")


def test_nobody_listens() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    with Paperkin(url, retries=1) as asked:
        with pytest.raises(Unreachable, match="is the service running"):
            asked.me()
        assert not asked.ready()


def test_a_backup_that_breaks_off_leaves_no_file(tmp_path: Path) -> None:
    class Broken(httpx.SyncByteStream):
        def __iter__(self) -> Any:
            yield b"begin"
            raise httpx.ReadError("gone")

    def answer(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, stream=Broken())

    with pytest.raises(Unreachable):
        client(answer).backup(tmp_path / "copy")
    assert list(tmp_path.iterdir()) == []


def test_an_import_that_ends_in_an_error_or_in_nothing() -> None:
    lines = b'{"import":"i1","done":1,"total":9}\n\n'
    error = lines + b'{"error":{"code":"insufficient_storage","message":"full","detail":{"import":"i1"}}}\n'
    with pytest.raises(paperkin.InsufficientStorage) as raised:
        client(Script(httpx.Response(200, content=error))).import_history("ada", "x")
    assert (raised.value.detail, raised.value.status) == ({"import": "i1"}, 507)
    with pytest.raises(Unreachable, match="broke off"):
        client(Script(httpx.Response(200, content=lines))).import_history("ada", "x")


def test_the_address_may_have_a_prefix() -> None:
    script = Script(httpx.Response(200, json={}))
    http = httpx.Client(transport=httpx.MockTransport(script))
    Paperkin("https://x.example/papers/", "pk_1", http=http).paper("a/b?c#d%2F")
    assert str(script.asked[0].url) == "https://x.example/papers/v1/papers/a%2Fb%3Fc%23d%252F"
    assert script.asked[0].headers["authorization"] == "Bearer pk_1"


def test_a_key_is_not_shown_in_errors() -> None:
    asked = client(Script(failure(401, "unauthorized")), key="pk_secret_word")
    with pytest.raises(paperkin.Unauthorized) as raised:
        asked.me()
    assert "secret" not in f"{raised.value!r} {raised.value} {asked!r}"


def test_retry_after_may_be_a_date() -> None:
    at = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(time.time() + 100))
    seconds = retry_after(httpx.Response(503, headers={"retry-after": at}))
    assert seconds is not None
    assert 90 < seconds <= 100
    assert retry_after(httpx.Response(503, headers={"retry-after": "soon"})) is None
    assert Patience(3, 60).wait(3, 1.0) is None


def test_without_numpy_the_rest_works() -> None:
    code = (
        "import sys; sys.modules['numpy'] = None\n"
        "import paperkin\n"
        "try:\n    paperkin.Paperkin('http://127.0.0.1:1').vectors('x')\n"
        "except ImportError as e:\n    print(e)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env={**os.environ})
    assert "pip install numpy" in done.stdout, done.stderr
