"""Kills: what was acknowledged is there afterwards, whole, and can be found.

Writers send papers, deletions, events, users and names of interests, each over keys of their own, and keep a ledger of
what must be true: for every key the value that the last acknowledged write gave it, and the values that writes without
an answer may have given it. After each SIGKILL the service is started again and the ledger is compared with what it
says. A write without an answer may be there or not; half of it may not.
"""

from __future__ import annotations

import random
import threading
import time
from dataclasses import dataclass, field
from typing import Any
from collections.abc import Callable

import corpus
from service import NotStarted, Service
from stand import Outcome, Progress, Stand, attack, say
from wire import NDJSON, NoAnswer, Reply, path

#: A key that holds nothing.
GONE = None

#: Fields of a paper that are compared.
CONTENT = ("title", "abstract", "authors", "date", "categories")


@dataclass
class Entry:
    """What is known of a key: its acknowledged value, and the values it may have besides."""

    value: Any = GONE
    perhaps: list[Any] = field(default_factory=list)

    def may_be(self, seen: Any) -> bool:
        return seen == self.value or seen in self.perhaps

    def settle(self, seen: Any) -> None:
        """What was seen is what is true from now on."""
        self.value, self.perhaps = seen, []


class Ledger:
    """What must be true, by key, for one kind of thing."""

    def __init__(self) -> None:
        self.entries: dict[str, Entry] = {}
        self.touched: set[str] = set()

    def entry(self, key: str) -> Entry:
        self.touched.add(key)
        return self.entries.setdefault(key, Entry())

    def living(self) -> list[str]:
        """The keys that certainly hold something."""
        return [key for key, entry in self.entries.items() if entry.value is not GONE and not entry.perhaps]


class Writer(threading.Thread):
    """A client with keys of its own, until the service is gone."""

    def __init__(self, stand: Stand, name: str, seed: int) -> None:
        super().__init__(daemon=True)
        self.stand, self.name, self.random = stand, name, random.Random(seed)
        self.papers, self.users, self.interests = Ledger(), Ledger(), Ledger()
        self.acknowledged = self.refused = 0
        self.statuses: list[Reply] = []
        self.service: Service | None = None
        self._number = 0

    def against(self, service: Service) -> Writer:
        """The same ledger, for a service that was started again."""
        again = Writer(self.stand, self.name, self.random.randrange(1 << 30))
        again.papers, again.users, again.interests, again._number = (
            self.papers,
            self.users,
            self.interests,
            self._number,
        )
        again.service = service
        return again

    def run(self) -> None:
        deeds: list[tuple[int, Callable[[], None]]] = [
            (30, self.put_paper),
            (12, self.stream_papers),
            (10, self.replace_paper),
            (10, self.delete_paper),
            (25, self.add_events),
            (5, self.set_user),
            (3, self.forget_user),
            (5, self.name_interest),
        ]
        weights, calls = [weight for weight, _ in deeds], [deed for _, deed in deeds]
        try:
            while True:
                self.random.choices(calls, weights)[0]()
        except NoAnswer:
            return

    # Deeds. Each notes beforehand what may become true, and afterwards what has.

    def _send(
        self, touched: list[tuple[Entry, Any]], method: str, address: str, body: Any = None, kind: str | None = None
    ) -> Reply:
        for entry, value in touched:
            entry.perhaps.append(value)
        assert self.service is not None
        reply = self.service.request(method, address, body, kind)
        if reply.ok:
            self.acknowledged += len(touched)
            for entry, value in touched:
                entry.settle(value)
        else:
            self.refused += 1
            self.statuses.append(reply)
        return reply

    def _paper(self, key: str) -> dict[str, Any]:
        """Another content for a key. Its title holds a word that no other content has."""
        self._number += 1
        like = self.random.choice(self.stand.papers)
        word = corpus.unique_word(self.name, self._number)
        return {
            "id": key,
            "title": f"{word} {like['title']}"[:300],
            "abstract": f"{like.get('abstract') or ''} {word}",
            "authors": [f"Writer {self.name}", f"Number {self._number}"],
            "date": f"2026-0{1 + self._number % 9}-11",
            "categories": ["cs.KL"],
        }

    def _new_key(self) -> str:
        self._number += 1
        return f"kills/{self.name}/{self._number}"

    def put_paper(self) -> None:
        paper = self._paper(self._new_key())
        self._send([(self.papers.entry(paper["id"]), content(paper))], "POST", "/v1/papers", paper)

    def replace_paper(self) -> None:
        living = self.papers.living()
        if living:
            paper = self._paper(self.random.choice(living))
            self._send([(self.papers.entry(paper["id"]), content(paper))], "POST", "/v1/papers", paper)

    def stream_papers(self) -> None:
        papers = [self._paper(self._new_key()) for _ in range(self.random.choice([2, 5, 40]))]
        touched = [(self.papers.entry(paper["id"]), content(paper)) for paper in papers]
        self._send(touched, "POST", "/v1/papers", corpus.ndjson(papers), NDJSON)

    def delete_paper(self) -> None:
        living = self.papers.living()
        if living:
            key = self.random.choice(living)
            self._send([(self.papers.entry(key), GONE)], "DELETE", path("v1", "papers", key))

    def add_events(self) -> None:
        user = f"u-{self.name}-{self.random.randrange(8)}"
        entry = self.users.entry(user)
        if entry.perhaps:
            return
        self._number += 1
        clock = f"{self._number // 3600 % 24:02}:{self._number // 60 % 60:02}:{self._number % 60:02}"
        events = [
            {
                "paper": self.random.choice(self.stand.papers)["id"],
                "kind": self.random.choice(["view", "click", "like", "save"]),
                "at": f"2020-03-{1 + n:02}T{clock}Z",
            }
            for n in range(self.random.choice([1, 1, 3, 20]))
        ]
        settings, before = entry.value or ((), frozenset())
        after = before | {(event["paper"], event["kind"], event["at"]) for event in events}
        self._send([(entry, (settings, after))], "POST", path("v1", "users", user, "events"), {"events": events})

    def set_user(self) -> None:
        user = f"u-{self.name}-{self.random.randrange(8)}"
        entry = self.users.entry(user)
        if entry.perhaps:
            return
        settings = {"half_life_days": float(self.random.randint(1, 900)), "per_author": self.random.randint(1, 9)}
        events = entry.value[1] if entry.value else frozenset()
        self._send([(entry, (tuple(sorted(settings.items())), events))], "PUT", path("v1", "users", user), settings)

    def forget_user(self) -> None:
        living = self.users.living()
        if living:
            user = self.random.choice(living)
            self._send([(self.users.entry(user), GONE)], "DELETE", path("v1", "users", user))

    def name_interest(self) -> None:
        """Names an interest of a reader who does nothing else."""
        assert self.service is not None
        user = f"named-{self.name}"
        address = path("v1", "users", user, "interests")
        found = self.service.get(address).json
        interests = found.get("interests") if isinstance(found, dict) else None
        if not interests:
            likes = [
                {"paper": paper["id"], "kind": "like", "at": "2020-01-02"}
                for paper in self.random.sample(self.stand.papers, 3)
            ]
            self.service.post(path("v1", "users", user, "events"), {"events": likes})
            return
        interest = self.random.choice(interests)["id"]
        self._number += 1
        value = (f"Name {self._number}", self._number % 2 == 0)
        entry = self.interests.entry(f"{user} {interest}")
        if not entry.perhaps:
            body = {"name": value[0], "muted": value[1]}
            self._send([(entry, value)], "PATCH", path("v1", "users", user, "interests", interest), body)


def content(paper: dict[str, Any]) -> tuple[Any, ...]:
    """What of a paper is compared."""
    return tuple(tuple(value) if isinstance(value, list) else value for value in (paper.get(name) for name in CONTENT))


# What the service says of a key, in the words of the ledger.


def seen_paper(service: Service, key: str) -> Any:
    reply = service.get(path("v1", "papers", key))
    return GONE if reply.status == 404 else content(reply.json) if reply.ok else f"status {reply.status}"


def seen_user(service: Service, user: str) -> Any:
    reply = service.get(path("v1", "users", user))
    if reply.status == 404:
        return GONE
    if not reply.ok:
        return f"status {reply.status}"
    events: set[tuple[str, str, str]] = set()
    cursor: dict[str, str] = {}
    while True:
        page = service.get(path("v1", "users", user, "events", limit=500, **cursor)).json
        events |= {(event["paper"], event["kind"], event["at"]) for event in page["events"]}
        if not page["meta"].get("cursor"):
            return tuple(sorted(reply.json["settings"].items())), frozenset(events)
        cursor = {"cursor": page["meta"]["cursor"]}


def seen_interest(service: Service, key: str) -> Any:
    user, interest = key.split(" ")
    found = service.get(path("v1", "users", user, "interests")).json
    named = (
        {one["id"]: (one["name"], one["muted"]) for one in found.get("interests", [])}
        if isinstance(found, dict)
        else {}
    )
    return named.get(interest)


def compare(
    outcome: Outcome, service: Service, ledger: Ledger, keys: list[str], seen: Callable[[Service, str], Any]
) -> None:
    """Compares keys of a ledger with what the service says, and settles them."""
    for key in keys:
        entry, there = ledger.entries[key], seen(service, key)
        outcome.did["keys compared"] += 1
        if not entry.may_be(there):
            if entry.perhaps or there not in (GONE, entry.value):
                outcome.is_wrong(
                    f"{key}: {brief(there)} instead of {brief(entry.value)} (or {len(entry.perhaps)} others)"
                )
            if there is GONE:
                outcome.is_lost(f"{key}: gone, and was {brief(entry.value)}")
            elif entry.value is GONE:
                outcome.is_lost(f"{key}: there again, and was deleted")
            elif not entry.perhaps:
                outcome.is_lost(f"{key}: {brief(there)}, and was {brief(entry.value)}")
        entry.settle(there)


def brief(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 120 else text[:117] + "..."


def find(outcome: Outcome, service: Service, key: str, value: Any) -> None:
    """Looks whether a paper is found by its own word and by its own text exactly when it is there."""
    word = value[0].split()[0]
    by_word = ids(service.get(path("v1", "search", q=word, mode="lexical", limit=5, versions="true")))
    text = f"{value[0]}\n{value[1]}"
    alike = service.post("/v1/search", {"q": text, "mode": "dense", "limit": 50, "versions": True})
    outcome.did["searches"] += 2
    if by_word is None or key not in by_word:
        outcome.is_wrong(f"{key} is not found by its word {word}: {by_word}")
    if key not in (ids(alike) or []):
        outcome.is_wrong(f"{key} is not found by its text")


def ids(reply: Reply) -> list[str] | None:
    return [hit["id"] for hit in reply.json["papers"]] if reply.ok else None


def check(
    outcome: Outcome, service: Service, writers: list[Writer], dice: random.Random, before: int, all_of_it: bool
) -> None:
    """Compares the ledgers with the service: what was touched since the last time and a sample of the rest, or
    everything."""
    for writer in writers:
        kinds = [(writer.papers, seen_paper), (writer.users, seen_user), (writer.interests, seen_interest)]
        for ledger, seen in kinds:
            old = [key for key in ledger.entries if key not in ledger.touched]
            keys = list(ledger.entries) if all_of_it else sorted(ledger.touched) + dice.sample(old, min(25, len(old)))
            compare(outcome, service, ledger, keys, seen)
        fresh = sorted(writer.papers.touched)
        there = [key for key in fresh if writer.papers.entries[key].value is not GONE]
        for key in dice.sample(there, min(len(there), 200 if all_of_it else 12)):
            find(outcome, service, key, writer.papers.entries[key].value)
        for key in [key for key in fresh if key not in there][:6]:
            hits = ids(service.get(path("v1", "similar", id=key)))
            if hits is not None:
                outcome.is_wrong(f"{key} is deleted, and papers like it are found")
        for ledger, _ in kinds:
            ledger.touched.clear()
    counted = sum(1 for writer in writers for entry in writer.papers.entries.values() if entry.value is not GONE)
    there_now = service.get("/readyz").json["papers"]
    if there_now != before + counted:
        outcome.is_wrong(f"{there_now:,} papers instead of {before + counted:,}")


@attack(
    "kills",
    "SIGKILL under mixed writes",
    "Every acknowledged write is there after each kill, and is found; one without an answer is whole or not there.",
)
def killed_under_writes(stand: Stand, outcome: Outcome) -> None:
    """Four writers; the service is killed at a random moment, now and then while it opens, and started again."""
    kills, folder = stand.settings.kills, stand.copy()
    writers = [Writer(stand, f"w{n}", stand.random.randrange(1 << 30)) for n in range(4)]
    progress, done, openings = Progress("kills", kills), 0, []
    with stand.start(folder) as service:
        before = service.get("/readyz").json["papers"]
    while done < kills:
        with stand.start(folder, ready=False) as service:
            if stand.random.random() < 0.15:
                time.sleep(stand.random.uniform(0, 0.4))
                service.kill()
                done += 1
                outcome.did["kills while opening"] += 1
                continue
            began = time.monotonic()
            try:
                service.wait_until_ready()
            except NotStarted as end:
                outcome.is_lost(f"the folder does not open after {done} kills: {end}")
                return
            openings.append(time.monotonic() - began)
            check(outcome, service, writers, stand.random, before, all_of_it=False)
            writers = [writer.against(service) for writer in writers]
            for writer in writers:
                writer.start()
            time.sleep(stand.random.choice([0.05, 0.3, 1.0, 2.5]) * stand.random.uniform(0.5, 1.5))
            service.kill()
            for writer in writers:
                writer.join()
            outcome.look_at(service)
            outcome.did["acknowledged writes"] += sum(writer.acknowledged for writer in writers)
            for reply in [
                reply for writer in writers for reply in writer.statuses if reply.status >= 500 and reply.status != 503
            ][:3]:
                outcome.must(False, f"an answer while writing: {reply}")
        done += 1
        outcome.did["kills"] += 1
        progress.to(done, f"{outcome.did['acknowledged writes']:,} acknowledged, {outcome.lost} lost")
    say("comparing everything")
    with stand.start(folder) as service:
        for writer in writers:
            for ledger in (writer.papers, writer.users, writer.interests):
                ledger.touched.update(ledger.entries)
        check(outcome, service, writers, stand.random, before, all_of_it=True)
        outcome.look_at(service)
        service.stop()
    outcome.figures["slowest opening s"] = round(max(openings, default=0), 2)
    checked = stand.binary.run(folder, "index", "check")
    outcome.must(checked.returncode == 0, f"index check: {checked.stdout[-300:]}{checked.stderr[-300:]}")
