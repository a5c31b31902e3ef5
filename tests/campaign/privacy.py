"""Privacy: who invents readers does not see what a real one did.

The attacker owns some readers and asks whatever the service answers to anybody. Two copies of a folder differ in one
event of one real reader; nothing that the attacker sees may differ.
"""

from __future__ import annotations

import json
import random
from typing import Any

from service import Service
from stand import Outcome, Progress, Stand, attack
from wire import path

#: Fields of an answer that differ from call to call.
RESTLESS = {"took_ms", "created", "token"}

#: How many readers the attacker invents.
INVENTED = (0, 1, 2, 3, 5, 10, 25)


def calm(value: Any) -> Any:
    """An answer without what differs from call to call."""
    if isinstance(value, dict):
        return {name: calm(one) for name, one in value.items() if name not in RESTLESS}
    return [calm(one) for one in value] if isinstance(value, list) else value


def history(stand: Stand, reader: int, events: int) -> list[dict[str, Any]]:
    """A history of a reader: likes of papers of one kind, on different days of the weeks before the newest paper."""
    dice = random.Random(f"history {stand.settings.seed} {reader}")
    papers = dice.sample(stand.papers[: len(stand.papers) // 2], events)
    return [
        {"paper": paper["id"], "kind": "like", "at": f"2024-02-{1 + n % 28:02}T{n % 24:02}:00:00Z"}
        for n, paper in enumerate(papers)
    ]


def add(service: Service, user: str, events: list[dict[str, Any]]) -> None:
    reply = service.post(path("v1", "users", user, "events"), {"events": events})
    if not reply.ok:
        raise RuntimeError(f"an event of {user}: {reply}")


def views(stand: Stand, service: Service, target: str, invented: int) -> dict[str, Any]:
    """Everything that the attacker can ask, about a paper and for readers of their own."""
    addresses = ["/v1/trending?explain=true&limit=500&window=" + window for window in ("1d", "7d", "30d", "3650d")]
    addresses += [
        "/v1/papers?sort=trending&limit=50",
        path("v1", "papers", target),
        path("v1", "papers", target, "similar", explain="true"),
    ]
    addresses += ["/v1/feed.json", "/v1/search?q=memory&explain=true"]
    for n in {0, 1, invented - 1} & set(range(invented)):
        user = f"invented-{n}"
        addresses += [
            path("v1", "users", user, "feed", explain="true", limit=500),
            path("v1", "users", user, "interests"),
            path("v1", "users", user, "questions"),
        ]
    here = f"127.0.0.1:{service.port}".encode()
    seen = {
        address: calm(json.loads(service.get(address).body.replace(here, b"here") or b"null")) for address in addresses
    }
    body = {"candidates": [target, *(paper["id"] for paper in stand.papers[:100])], "explain": True}
    if invented:
        seen["rank"] = calm(service.post("/v1/users/invented-0/rank", body).json)
        seen["recommend"] = calm(
            service.post("/v1/recommend", {"user": "invented-0", "explain": True, "limit": 100}).json
        )
    return seen


def differs(stand: Stand, invented: int, deep: bool, kind: str, kinds: dict[str, int]) -> bool:
    """Whether an attacker with so many readers, each of one event or with a history of their own, sees one event of a
    real reader. Counts the calls that show it."""
    target = stand.papers[-30]["id"]
    worlds = []
    for with_event in (False, True):
        with stand.start(stand.copy(2000)) as service:
            # The corpus holds the first papers only; the target is put in, listed with the newest.
            service.post("/v1/papers", [paper for paper in stand.papers if paper["id"] == target][0])
            newest = max(paper.get("listed") or paper.get("date") or "" for paper in stand.papers[:2000])[:10]
            for reader in range(8):
                add(service, f"real-{reader}", history(stand, reader % 3, 12))
            for reader in range(invented):
                mine = history(stand, 0, 12) if deep else []
                add(
                    service,
                    f"invented-{reader}",
                    mine + [{"paper": target, "kind": "like", "at": f"{newest}T09:00:00Z"}],
                )
            # Something else that the real reader does at that moment either way, so that only the paper is the secret.
            other = stand.papers[17]["id"]
            add(
                service,
                "real-0",
                [{"paper": target if with_event else other, "kind": kind, "at": f"{newest}T10:00:00Z"}],
            )
            worlds.append(views(stand, service, target, invented))
    shown = [address for address in worlds[0] if json.dumps(worlds[0][address]) != json.dumps(worlds[1][address])]
    for address in shown:
        name = address.split("?")[0].replace(target, "ID")
        kinds[name] = kinds.get(name, 0) + 1
    return bool(shown)


def observe(stand: Stand, outcome: Outcome, deep: bool) -> None:
    """All numbers of invented readers, and all kinds of events."""
    counts = INVENTED if not stand.settings.quick else (2, 3)
    events = ("view", "click", "like") if not stand.settings.quick else ("like",)
    kinds: dict[str, int] = {}
    progress = Progress("worlds compared", len(counts) * len(events))
    for invented in counts:
        for kind in events:
            seen = differs(stand, invented, deep, kind, kinds)
            outcome.did["pairs of worlds"] += 1
            outcome.did["events seen"] += seen
            outcome.must(not seen, f"with {invented} invented readers a {kind} of a real one is seen: {kinds}")
            progress.step()
    outcome.figures["shown by"] = ", ".join(f"{name} {count}" for name, count in sorted(kinds.items())) or "nothing"


@attack(
    "privacy",
    "invented readers",
    "With any number of readers invented for the purpose, one event of a real reader is not seen anywhere.",
)
def invented_readers(stand: Stand, outcome: Outcome) -> None:
    """Each invented reader has done one thing: they like the paper in question."""
    observe(stand, outcome, deep=False)


@attack(
    "privacy",
    "invented readers with a history",
    "The same where each invented reader has a copied history of twelve days.",
)
def patient_invented_readers(stand: Stand, outcome: Outcome) -> None:
    """The attacker takes the trouble that the rule asks for."""
    observe(stand, outcome, deep=True)
