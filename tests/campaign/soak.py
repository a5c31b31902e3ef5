"""A soak: mixed calls for a long time; nothing fails, and memory and descriptors stay level."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable

import corpus
from figures import median, percentile
from service import Service
from stand import Outcome, Progress, Stand, attack
from wire import NDJSON, NoAnswer, Reply, path

#: How much the median of the last third may be above that of the middle third.
LEVEL = 1.05


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
        calls: list[tuple[int, Callable[[], Reply]]] = [
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


@attack(
    "soak",
    "mixed calls",
    "No call fails, and in the last third memory and descriptors are where they were in the middle third.",
)
def mixed_calls(stand: Stand, outcome: Outcome) -> None:
    """Four clients, for as many minutes as were asked for."""
    length = stand.settings.minutes * 60
    with stand.serving(outcome) as service:
        began = time.monotonic()
        callers = [Caller(stand, service, n, began + length) for n in range(4)]
        for caller in callers:
            caller.start()
        memory: list[float] = []
        descriptors: list[float] = []
        progress = Progress("seconds", length)
        while any(caller.is_alive() for caller in callers):
            time.sleep(1.0)
            memory.append(service.rss_mb())
            descriptors.append(service.descriptors())
            progress.to(
                min(length, time.monotonic() - began),
                f"{memory[-1]:,.0f} MB, {sum(len(c.seconds) for c in callers):,} calls",
            )
        seconds = [second for caller in callers for second in caller.seconds]
        failures = [failure for caller in callers for failure in caller.failures]
        outcome.did["calls"], outcome.did["failures"] = len(seconds), len(failures)
        outcome.did["answers 503"] = sum(caller.busy for caller in callers)
        outcome.figures["p99 ms"] = round(percentile(seconds, 0.99) * 1e3, 1)
        for failure in failures[:5]:
            outcome.must(False, failure)
        third = len(memory) // 3
        middle, last = median(memory[third : 2 * third]), median(memory[2 * third :])
        outcome.figures["middle third MB"], outcome.figures["last third MB"] = round(middle), round(last)
        # What is cached at first is still growing in a soak of a few minutes.
        level = LEVEL if stand.settings.minutes >= 5 else 1.5
        outcome.must(last <= middle * level + 10, f"memory grows: {middle:,.0f} MB, then {last:,.0f} MB")
        files = median(descriptors[third : 2 * third]), median(descriptors[2 * third :])
        outcome.figures["descriptors"] = f"{files[0]:.0f}, then {files[1]:.0f}"
        outcome.must(files[1] <= files[0] + 10, f"descriptors grow: {files[0]:.0f}, then {files[1]:.0f}")
