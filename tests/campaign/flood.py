"""Floods and bad manners: who sends slowly, reads nothing, says nothing, or asks too much, harms nobody else."""

from __future__ import annotations

import json
import resource
import socket
import time
from collections import Counter
from contextlib import contextmanager
from collections.abc import Callable, Iterator

from crowd import Measured, Role, play
from service import Service
from stand import Outcome, Progress, Stand, attack
from wire import JSON, NDJSON, NoAnswer, closed, dial, head, path, signed

#: An accepted call, at the 99th percentile, whatever others do; milliseconds.
ACCEPTED_MS = 2000.0

#: A refusal and the health of the service, at the 99th percentile; milliseconds.
REFUSED_MS = 50.0

#: Seconds after which every connection that stands still must be closed.
STANDING_STILL = 100.0

SEARCH = head("GET", path("v1", "search", q="sparse memory of noisy images", limit=10))
HEALTH, METRICS = head("GET", "/healthz"), head("GET", "/metrics")
READY = head("GET", "/readyz")


def others(port: int, seconds: float) -> dict[str, Measured]:
    """What ordinary clients meet meanwhile: four that search, and a look at the health, each a few times a second."""
    return play(
        port,
        [
            Role("search", SEARCH, connections=4, rate=20, fresh=True),
            Role("healthz", HEALTH, rate=5, fresh=True),
            Role("metrics", METRICS, rate=2, fresh=True),
        ],
        seconds,
    )


def must_be_served(outcome: Outcome, measured: dict[str, Measured], health_ms: float = 500.0) -> None:
    """Searches are answered, all of them, in time; so is the health."""
    search, health, metrics = measured["search"], measured["healthz"], measured["metrics"]
    answered, failed = search.count(200), search.answered - search.count(200) + search.broken.total() + search.waiting
    outcome.did["searches answered"] += answered
    outcome.did["searches not answered"] += failed
    outcome.figures["search p99 ms"] = search.p99_ms(200)
    outcome.figures["healthz p99 ms"] = health.p99_ms(200)
    outcome.figures["client lag p99 ms"] = round(search.lag * 1e3, 1)
    statuses = {status: len(seconds) for status, seconds in search.seconds.items()}
    outcome.must(
        failed == 0,
        f"{failed:,} of {answered + failed:,} searches not answered: {statuses}, {dict(search.broken)}, {search.waiting} waiting",
    )
    outcome.must(
        answered == 0 or search.p99_ms(200) <= ACCEPTED_MS,
        f"searches take {search.p99_ms(200):,.0f} ms at the 99th percentile",
    )
    for name, probe in (("healthz", health), ("metrics", metrics)):
        sound = (
            probe.count(200) > 0
            and probe.count(200) == probe.answered
            and not probe.broken
            and probe.p99_ms(200) <= health_ms
        )
        outcome.must(
            sound,
            f"/{name}: {probe.count(200)} answers, p99 {probe.p99_ms(200)} ms, {dict(probe.broken)}, {probe.waiting} waiting",
        )


@contextmanager
def connections(service: Service, count: int, first: bytes) -> Iterator[list[socket.socket]]:
    """So many connections on which the first bytes were sent; fewer where the service closes or refuses them."""
    held: list[socket.socket] = []
    try:
        for _ in range(count):
            try:
                one = dial(service.port)
                one.sendall(signed(service.port, first))
                held.append(one)
            except OSError:
                continue
        yield held
    finally:
        for one in held:
            one.close()


def until_closed(
    outcome: Outcome, held: list[socket.socket], patience: float, drip: Callable[[socket.socket], None] | None = None
) -> None:
    """Waits until the service has closed all, dripping on each every ten seconds; notes how long that took."""
    began, dripped, left = time.monotonic(), time.monotonic(), list(held)
    progress = Progress("closed by the service", len(held))
    while left and time.monotonic() - began < patience:
        time.sleep(0.25)
        left = [one for one in left if not closed(one)]
        if drip and time.monotonic() - dripped >= 10:
            dripped = time.monotonic()
            for one in left:
                _quietly(drip, one)
        progress.to(len(held) - len(left))
    outcome.did["closed by the service"] += len(held) - len(left)
    outcome.figures["closed after s"] = round(time.monotonic() - began) if not left else f"more than {patience:.0f}"


def _quietly(drip: Callable[[socket.socket], None], one: socket.socket) -> None:
    try:
        drip(one)
    except OSError:
        pass


def stands_still(
    stand: Stand,
    outcome: Outcome,
    service: Service,
    held: list[socket.socket],
    drip: Callable[[socket.socket], None] | None,
    seconds: float = 15.0,
    wait: bool = True,
) -> None:
    """Others are served while connections stand still; and these are closed in the end."""
    outcome.did["connections held"] += len(held)
    time.sleep(1.0)
    must_be_served(outcome, others(service.port, stand.of(int(seconds), 5)))
    outcome.figures["memory MB"] = round(service.rss_mb())
    if wait and not stand.settings.quick:
        until_closed(outcome, held, STANDING_STILL, drip)
        outcome.must(isinstance(outcome.figures["closed after s"], int), f"not all closed after {STANDING_STILL:.0f} s")


@attack(
    "flood",
    "128 dripping uploads",
    "Searches are answered while 128 uploads send a byte every ten seconds; these are given up.",
)
def dripping_uploads(stand: Stand, outcome: Outcome) -> None:
    """NDJSON in chunks of one byte: more of them than the service has permits."""
    first = head("POST", "/v1/papers", [("content-type", NDJSON), ("transfer-encoding", "chunked")]) + b"1\r\n{\r\n"
    with stand.serving(outcome) as service:
        with connections(service, 128, first) as held:
            stands_still(stand, outcome, service, held, lambda one: one.sendall(b"1\r\n \r\n"))
        time.sleep(0.5)
        paper = {"id": "after/drips", "title": "After the drips"}
        after = service.post("/v1/papers", json.dumps(paper).encode() + b"\n", NDJSON)
        outcome.must(after.status == 200, f"an upload afterwards: {after}")


@attack("flood", "128 dripping bodies", "Searches are answered while 128 JSON bodies send a byte every ten seconds.")
def dripping_bodies(stand: Stand, outcome: Outcome) -> None:
    """The same with bodies of a known length, for calls that compute: searches and reading lists."""
    first = head("POST", "/v1/search", [("content-type", JSON), ("content-length", "1000")]) + b"{"
    lists = head("POST", "/v1/users/slow/history", [("content-type", "text/plain"), ("content-length", "1000")]) + b"1"
    with stand.serving(outcome) as service:
        with connections(service, 64, first) as held, connections(service, 64, lists) as more:
            stands_still(stand, outcome, service, held + more, lambda one: one.sendall(b" "))


@attack(
    "flood", "500 slow headers", "Searches are answered while 500 requests never end their headers; these are closed."
)
def slow_headers(stand: Stand, outcome: Outcome) -> None:
    """Half of a request line, and a byte every ten seconds."""
    with stand.serving(outcome) as service, connections(service, 500, b"GET /v1/search?q=") as held:
        stands_still(stand, outcome, service, held, lambda one: one.sendall(b"a"))


@attack(
    "flood",
    "40 readers that never read",
    "An answer that nobody reads is given up, and holds little memory until then.",
)
def never_reading(stand: Stand, outcome: Outcome) -> None:
    """The largest answers that are allowed, asked for and left."""
    ids = [paper["id"] for paper in stand.papers[:1000]]
    with stand.serving(outcome) as service:
        request = b""
        for count, limit in ((1000, 500), (1000, 20), (40, 500)):
            body = json.dumps({"ids": ids[:count], "limit": limit}).encode()
            request = (
                head("POST", "/v1/similar/batch", [("content-type", JSON), ("content-length", str(len(body)))]) + body
            )
            if allowed(service, request):
                break
        outcome.figures["hits asked for"] = count * limit
        with connections(service, stand.of(40, 40), request) as held:
            stands_still(stand, outcome, service, held, None, 30.0)


def allowed(service: Service, request: bytes) -> bool:
    """Whether a request is begun to be answered with 200; the answer is not read."""
    with dial(service.port, 120) as one:
        one.sendall(signed(service.port, request))
        return b" 200 " in one.recv(64)


@attack(
    "flood",
    "200 stalled bodies",
    "Bodies count before they are read: 200 of them, each nearly whole, hold little memory.",
)
def stalled_bodies(stand: Stand, outcome: Outcome) -> None:
    """16 MB announced and all but the last bytes sent, as far as the service takes them."""
    size = 16 << 20
    first = head("POST", "/v1/search", [("content-type", JSON), ("content-length", str(size))])
    block = memoryview(b'{"q": "' + b"a" * (1 << 18))
    with stand.serving(outcome) as service, connections(service, 200, first) as held:
        unsent = {one: size - 64 for one in held}
        idle_since = time.monotonic()
        while unsent and time.monotonic() - idle_since < 2 and service.alive():
            for one, left in list(unsent.items()):
                one.setblocking(False)
                try:
                    unsent[one] = left - one.send(block[: min(left, len(block))])
                    idle_since = time.monotonic()
                except BlockingIOError:
                    continue
                except OSError:
                    del unsent[one]
                    continue
                if unsent[one] <= 0:
                    del unsent[one]
        stands_still(stand, outcome, service, held, None)


@attack(
    "flood",
    "idle connections",
    "Ten thousand idle connections (or as many as may be opened) keep nobody from being served.",
)
def idle_connections(stand: Stand, outcome: Outcome) -> None:
    """Connections that say nothing."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    count = min(stand.of(10_000, 1000), hard - 500)
    try:
        with stand.serving(outcome) as service, connections(service, count, b"") as held:
            stands_still(stand, outcome, service, held, None, wait=False)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@attack(
    "flood",
    "five times capacity from 1,500 connections",
    "A refusal takes under 50 ms at p99, /healthz and /metrics too, and what is accepted under 2 s.",
)
def five_times_capacity(stand: Stand, outcome: Outcome) -> None:
    """Calls that compute for a while: the rate that the service can do is measured first, and then five times that is
    asked."""
    texts = [paper.get("abstract") or paper["title"] for paper in stand.papers[:2]]
    asked = json.dumps({"text": texts, "limit": 30, "diversity": 0.3, "explain": True}).encode()
    heavy = head("POST", "/v1/recommend", [("content-type", JSON), ("content-length", str(len(asked)))]) + asked
    seconds = stand.of(30, 8)
    with stand.serving(outcome) as service:
        one = service.post("/v1/recommend", asked, JSON)
        if not outcome.must(one.status == 200, f"the call of the flood: {one}"):
            return
        alone = play(service.port, [Role("flood", heavy, connections=8)], stand.of(8, 4))["flood"]
        capacity = alone.count(200) / stand.of(8, 4)
        outcome.figures["capacity 1/s"] = round(capacity)
        measured = play(
            service.port,
            [
                Role("flood", heavy, connections=1500, rate=5 * capacity),
                Role("healthz", HEALTH, rate=10, fresh=True),
                Role("readyz", READY, rate=5, fresh=True),
                Role("metrics", METRICS, rate=5, fresh=True),
            ],
            seconds,
        )
        flood = measured["flood"]
        outcome.did.update({f"answers {status}": len(times) for status, times in sorted(flood.seconds.items())})
        outcome.did["broken"] = flood.broken.total()
        outcome.figures["waiting at the end"] = flood.waiting
        outcome.figures["503 p99 ms"], outcome.figures["200 p99 ms"] = flood.p99_ms(503), flood.p99_ms(200)
        for name in ("healthz", "readyz", "metrics"):
            probe = measured[name]
            outcome.figures[f"{name} p99 ms"] = probe.p99_ms(200)
            outcome.must(
                probe.count(200) > 0 and probe.p99_ms(200) <= REFUSED_MS and not probe.broken,
                f"/{name}: {probe.count(200)} answers, p99 {probe.p99_ms(200)} ms, {dict(probe.broken)}",
            )
        outcome.figures["client lag p99 ms"] = round(flood.lag * 1e3, 1)
        outcome.must(flood.count(503) > 0, "nothing was refused: the flood was none")
        outcome.must(
            not flood.count(503) or flood.p99_ms(503) <= REFUSED_MS,
            f"a refusal takes {flood.p99_ms(503):,.0f} ms at p99",
        )
        outcome.must(flood.p99_ms(200) <= ACCEPTED_MS, f"an accepted call takes {flood.p99_ms(200):,.0f} ms at p99")
        unexpected = sum(len(times) for status, times in flood.seconds.items() if status not in (200, 503))
        outcome.must(unexpected == 0, f"{unexpected:,} answers that are neither 200 nor 503")
        outcome.must(not flood.broken, f"connections broken: {dict(flood.broken)}")
        time.sleep(1.0)
        after = service.post("/v1/recommend", asked, JSON)
        outcome.must(after.status == 200, f"after the flood: {after}")


@attack(
    "flood",
    "5,000 wrong tokens",
    "Guesses are limited (429), the right token still opens the feed, and nothing else is slower.",
)
def wrong_tokens(stand: Stand, outcome: Outcome) -> None:
    """Tokens for a reader's feed, guessed one after the other."""
    with stand.serving(outcome) as service:
        likes = [{"paper": paper["id"], "kind": "like"} for paper in stand.papers[:3]]
        service.post("/v1/users/reader/events", {"events": likes})
        right = service.post("/v1/users/reader/token", {}).json["token"]
        guesses = stand.of(5000, 500)
        statuses: Counter[int] = Counter()
        for n in range(guesses):
            reply = service.get(path("v1", "users", "reader", "feed.json", token=f"{n:032x}"))
            statuses[reply.status] += 1
        outcome.did.update({f"answers {status}": count for status, count in sorted(statuses.items())})
        outcome.must(statuses[429] >= guesses * 0.8, f"{statuses[429]:,} of {guesses:,} guesses were limited")
        outcome.must(set(statuses) <= {401, 403, 404, 429}, f"statuses {dict(statuses)}")
        search = service.get("/v1/search?q=memory")
        outcome.must(search.status == 200, f"a search afterwards: {search}")
        try:
            opened = service.get(path("v1", "users", "reader", "feed.json", token=right))
            outcome.figures["the right token meanwhile"] = opened.status
        except NoAnswer as error:
            outcome.must(False, f"the right token: {error}")
