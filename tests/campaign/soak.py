"""A soak: mixed calls for a long time, over HTTP and over TLS; nothing fails, and memory, descriptors, threads and the disk
stay level. A line a minute tells how it stands.

    tests/campaign/run.py --binary target/release/paperkin --auth keys --parts soak --minutes 30
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from pathlib import Path

import corpus
from figures import median, percentile
from service import Certificate, Service
from stand import Outcome, Skipped, Stand, attack, say
from wire import NDJSON, NoAnswer, Reply, path

#: How much the median of the last third may be above that of the middle third.
LEVEL = 1.05

#: Seconds between two looks at the process, and the megabytes of the folder that may come and go while an index is written.
LOOK, DISK = 1.0, 64.0


class Caller(threading.Thread):
    """A client that makes calls of all kinds, one after the other."""

    def __init__(self, stand: Stand, service: Service, name: int, until: float) -> None:
        super().__init__(daemon=True)
        self.stand, self.service, self.until = stand, service, until
        self.random, self.number, self.name = random.Random(f"{stand.settings.seed} {name}"), 0, str(name)
        self.seconds: list[float] = []
        self.failures: list[str] = []
        self.busy = 0

    def run(self) -> None:
        calls: list[tuple[float, Callable[[], Reply]]] = [
            (30, self.search),
            (10, self.similar),
            (10, self.feed),
            (6, self.recommend),
            (8, self.read),
            (4, self.trending),
            (10, self.event),
            (8, self.put),
            (4, self.delete),
            (2, self.stream),
            (2, self.preview),
            (1, self.user),
            (1, self.metrics),
        ]
        if self.service.keys:
            calls += [(2, self.key), (2, self.wrong_key), (1, self.other_reader)]
            # The rest goes on meanwhile; a copy takes its time.
            calls += [(0.05, self.backup)] if self.name == "0" else []
        weights, deeds = [weight for weight, _ in calls], [deed for _, deed in calls]
        while time.monotonic() < self.until:
            self.number += 1
            try:
                reply = self.random.choices(deeds, weights)[0]()
            except NoAnswer as error:
                self.failures.append(str(error))
                continue
            self.seconds.append(reply.seconds)
            if reply.status == 503:
                self.busy += 1
                time.sleep(0.05)
            elif reply.status >= 400 and reply.status != 404:
                self.failures.append(str(reply))

    def _refused(self, reply: Reply, *statuses: int) -> Reply:
        """An answer that has to be a refusal; what was let in is a failure."""
        if reply.status not in statuses:
            self.failures.append(f"let in: {reply}")
        return Reply(200, reply.headers, reply.body, reply.seconds, reply.request)

    def key(self) -> Reply:
        """A key that is made, used and taken back."""
        made = self.service.post("/v1/keys", {"name": f"soak {self.name}", "scopes": ["read"], "user": None})
        if not made.ok:
            return made
        bearer = {"authorization": f"Bearer {made.json['key']}"}
        used = self.service.request("GET", "/v1/search?q=memory&limit=3", headers=bearer)
        gone = self.service.delete(path("v1", "keys", made.json["id"]))
        if used.status == 200 and gone.ok:
            return self._refused(self.service.request("GET", "/v1/search?q=memory", headers=bearer), 401, 429)
        return used if used.status >= 400 else gone

    def wrong_key(self) -> Reply:
        bearer = {"authorization": f"Bearer pk_{self.random.randrange(1 << 48):012x}_{self.number:064x}"}
        return self._refused(self.service.request("GET", "/v1/search?q=memory", headers=bearer), 401, 429)

    def other_reader(self) -> Reply:
        return self._refused(self.service.request("GET", "/v1/users/soak-1", headers={"authorization": "none x"}), 401, 429)

    def backup(self) -> Reply:
        return self.service.get("/v1/backup", patience=120)

    def _paper(self) -> dict[str, object]:
        return self.random.choice(self.stand.papers)

    def search(self) -> Reply:
        words = self.random.sample(str(self._paper()["title"]).split(), 1) + ["memory"]
        return self.service.get(
            path("v1", "search", q=" ".join(words), limit=10, mode=self.random.choice(["hybrid", "dense", "lexical"]))
        )

    def similar(self) -> Reply:
        return self.service.get(path("v1", "similar", id=self._paper()["id"], explain="true"))

    def feed(self) -> Reply:
        return self.service.get(path("v1", "users", f"soak-{self.random.randrange(20)}", "feed", explain="true"))

    def recommend(self) -> Reply:
        return self.service.post("/v1/recommend", {"like": [self._paper()["id"]], "limit": 10})

    def read(self) -> Reply:
        return self.service.get(path("v1", "papers", str(self._paper()["id"])))

    def trending(self) -> Reply:
        return self.service.get("/v1/trending?window=7d&limit=20")

    def event(self) -> Reply:
        event = {"paper": self._paper()["id"], "kind": self.random.choice(["view", "click", "like"])}
        return self.service.post(
            path("v1", "users", f"soak-{self.random.randrange(20)}", "events"), {"events": [event]}
        )

    def _made(self) -> dict[str, object]:
        # A hundred ids for each caller, so that papers are replaced and the corpus does not grow.
        return dict(
            self._paper(), id=f"soak/{self.name}/{self.number % 100}", title=f"{self._paper()['title']} {self.number}"
        )

    def put(self) -> Reply:
        return self.service.post("/v1/papers", self._made())

    def stream(self) -> Reply:
        papers = [dict(self._made(), id=f"soak/{self.name}/{n}") for n in range(20)]
        return self.service.post("/v1/papers", corpus.ndjson(papers), NDJSON)

    def delete(self) -> Reply:
        return self.service.delete(path("v1", "papers", f"soak/{self.name}/{self.random.randrange(100)}"))

    def preview(self) -> Reply:
        events = [{"paper": self._paper()["id"], "kind": "like"} for _ in range(5)]
        return self.service.post("/v1/users/nobody/feed/preview", {"events": events})

    def user(self) -> Reply:
        user = path("v1", "users", f"soak-{self.random.randrange(20)}")
        return self.service.delete(user) if self.random.random() < 0.2 else self.service.put(user, {"per_author": 3})

    def metrics(self) -> Reply:
        return self.service.get("/metrics")


def held(folder: Path) -> float:
    """Megabytes of the files of a folder."""
    total = 0
    for file in folder.rglob("*"):
        try:
            total += file.stat().st_size if file.is_file() else 0
        except OSError:
            continue
    return total / 1e6


def soak(stand: Stand, outcome: Outcome, service: Service) -> None:
    """Four clients, for as many minutes as were asked for."""
    length = stand.settings.minutes * 60
    began = told = time.monotonic()
    callers = [Caller(stand, service, n, began + length) for n in range(4)]
    for caller in callers:
        caller.start()
    looks: dict[str, list[float]] = {"MB": [], "descriptors": [], "threads": [], "MB on disk": []}
    while any(caller.is_alive() for caller in callers):
        time.sleep(LOOK)
        figures = (service.rss_mb(), service.descriptors(), service.threads(), held(service.folder))
        for series, figure in zip(looks.values(), figures):
            series.append(figure)
        if time.monotonic() - told >= 60:
            told = time.monotonic()
            calls = sum(len(caller.seconds) for caller in callers)
            failures = sum(len(caller.failures) for caller in callers)
            now = ", ".join(f"{series[-1]:,.0f} {name}" for name, series in looks.items())
            say(f"  minute {(told - began) / 60:.0f} of {stand.settings.minutes:g}: {now}; {calls:,} calls, {failures} failures")
        if not service.alive():
            outcome.must(False, "the service ended")
            break
    seconds = [second for caller in callers for second in caller.seconds]
    failures = [failure for caller in callers for failure in caller.failures]
    outcome.did["calls"], outcome.did["failures"] = len(seconds), len(failures)
    outcome.did["answers 503"] = sum(caller.busy for caller in callers)
    outcome.figures["p99 ms"] = round(percentile(seconds, 0.99) * 1e3, 1)
    for failure in failures[:5]:
        outcome.must(False, failure)
    # What is cached at first is still growing in a soak of a few minutes.
    level = LEVEL if stand.settings.minutes >= 5 else 1.5
    room = {"MB": 10.0, "descriptors": 10.0, "threads": 4.0, "MB on disk": DISK}
    for name, series in looks.items():
        third = len(series) // 3
        middle, last = median(series[third : 2 * third]), median(series[2 * third :])
        outcome.figures[name] = f"{middle:,.0f}, then {last:,.0f}"
        share = level if name.startswith("MB") else 1.0
        outcome.must(last <= middle * share + room[name], f"{name} grow: {middle:,.0f}, then {last:,.0f}")


@attack(
    "soak",
    "mixed calls",
    "No call fails, and in the last third memory, descriptors, threads and disk are where they were in the middle third.",
)
def mixed_calls(stand: Stand, outcome: Outcome) -> None:
    """Over HTTP."""
    with stand.serving(outcome) as service:
        soak(stand, outcome, service)


@attack("soak", "mixed calls over TLS", "The same.")
def mixed_calls_over_tls(stand: Stand, outcome: Outcome) -> None:
    """Each call with a handshake of its own."""
    certificate = Certificate.make(stand.fresh("certificate"))
    if certificate is None:
        raise Skipped("openssl is not installed, which makes the certificate")
    with stand.serving(outcome, tls=certificate) as service:
        soak(stand, outcome, service)
