"""Malformed input of every kind: it is refused or read as far as it can be, and never an internal error.

A 5xx is only 503 with `Retry-After` and 507; every error has the one shape; every request gets an answer; the log tells
of no panic.
"""

from __future__ import annotations

import json
import random
import re
from typing import Any
from urllib.parse import quote, urlencode

import corpus
import lists
import mutate
from service import Service
from stand import Outcome, Progress, Stand, attack
from wire import JSON, NDJSON, NoAnswer, Reply, path

#: Seconds that a malformed request of ordinary size may take.
SLOW = 5.0

#: What the parser of HTTP refuses before it knows what a request is: an address or headers that are too long.
OF_THE_PARSER = (414, 431)

#: What no answer may show: SQL, and paths of this machine.
LEAK = re.compile(rb"SELECT |INSERT |sqlite|/tmp/|/home/|\.rs:\d|panicked", re.I)


def sound(outcome: Outcome, reply: Reply, what: bytes | str) -> None:
    """Holds an answer to malformed input against what must be true of all."""
    outcome.did[f"answers {reply.status}"] += 1
    shown = what if isinstance(what, str) else repr(what[:300])
    patient = reply.status == 503 and "retry-after" in reply.headers
    if reply.status >= 500 and not patient and reply.status != 507:
        outcome.failed(f"{reply} for {shown}")
    elif reply.status >= 400 and not reply.has_error_shape() and reply.status not in OF_THE_PARSER:
        outcome.must(False, f"an error of another shape: {reply} for {shown}")
    if reply.status >= 400 and LEAK.search(reply.body):
        outcome.must(False, f"an error shows what is inside: {reply}")
    outcome.must(reply.seconds < SLOW, f"{reply.seconds:.1f} s: {reply.request} for {shown}")


def send(
    outcome: Outcome, service: Service, method: str, address: str, body: bytes | None, kind: str | None
) -> Reply | None:
    """Sends something malformed; no answer counts as a failure."""
    try:
        reply = service.request(method, address, body, kind, patience=40)
    except NoAnswer as error:
        outcome.failed(f"no answer to {method} {address[:120]} {(body or b'')[:200]!r}: {error}")
        return None
    sound(outcome, reply, body if body is not None else address)
    return reply


@attack(
    "fuzz",
    "mutated reference lists",
    "Every format that is read, changed at random and in any encoding: read as far as it can be.",
)
def reference_lists(stand: Stand, outcome: Outcome) -> None:
    """Looked at with `dry_run`, and now and then taken in."""
    dice, seeds = random.Random(f"lists {stand.settings.seed}"), lists.seeds()
    times = stand.of(24_000, 1500)
    progress = Progress("mutated lists", times)
    with stand.serving(outcome) as service:
        for n in range(times):
            seed, kind = dice.choice(seeds)
            body = mutate.encoded(mutate.text(seed, dice, lists.TOKENS), dice)
            query = {"dry_run": "true"} if n % 20 else {"embed_missing": "true"}
            send(
                outcome,
                service,
                "POST",
                path("v1", "users", f"fuzz-{n % 5}", "history", **query),
                body,
                dice.choice([kind, kind, "text/plain"]),
            )
            progress.step()
        _still_works(outcome, service, stand)


_QUERIES = [
    'author:"Ada Fenwickham" title:memory',
    "date:2025..2026-03 -survey",
    "category:cs.CV OR category:cs.LG",
    '"sparse memory"',
    "C++ OR C#",
    "arxiv:2405.13729",
    "10.5555/inv.2024.001",
    "graph neural networks",
    'author:"Hinton GE"',
    "title:(noisy images)",
    "naïve Bayes",
    "記憶",
]


@attack("fuzz", "mutated queries", "No text but an empty or overlong one is an error; none is an internal one.")
def queries(stand: Stand, outcome: Outcome) -> None:
    """Operators, quotes, dates and signs in any order, in the address and in a body."""
    dice = random.Random(f"queries {stand.settings.seed}")
    tokens = lists.TOKENS + [
        "author:",
        "title:",
        "category:",
        "date:",
        "..",
        '"',
        "“",
        "OR",
        "-",
        "+",
        "/",
        "~",
        "^",
        "?",
        "*:*",
    ]
    times = stand.of(20_000, 1500)
    progress = Progress("mutated queries", times)
    with stand.serving(outcome) as service:
        for n in range(times):
            query = mutate.text(dice.choice(_QUERIES + [dice.choice(stand.papers)["title"]]), dice, tokens)[:4000]
            if n % 3:
                reply = send(
                    outcome,
                    service,
                    "GET",
                    "/v1/search?" + urlencode({"q": query, "limit": 3}, errors="replace"),
                    None,
                    None,
                )
            else:
                reply = send(
                    outcome, service, "POST", "/v1/search", json.dumps({"q": query, "limit": 3}).encode(), JSON
                )
            if reply is not None and query.strip(" \t\r\n\0") and len(query) < 2000:
                outcome.did["queries refused"] += reply.status in (400, 422)
            progress.step()


# Every route of the API, from what it says of itself.


def _example(schema: dict[str, Any], schemas: dict[str, Any], dice: random.Random, depth: int = 0) -> Any:
    """A value that a schema allows, more or less."""
    if "$ref" in schema:
        return _example(schemas.get(schema["$ref"].rsplit("/", 1)[-1], {}), schemas, dice, depth + 1)
    for several in ("oneOf", "anyOf"):
        if several in schema:
            return _example(dice.choice(schema[several]), schemas, dice, depth + 1)
    if "allOf" in schema:
        return _example(schema["allOf"][0], schemas, dice, depth + 1)
    if "enum" in schema:
        return dice.choice(schema["enum"])
    kind = schema.get("type", "string")
    kind = dice.choice([one for one in kind if one != "null"]) if isinstance(kind, list) else kind
    if kind == "object":
        return {
            name: _example(one, schemas, dice, depth + 1)
            for name, one in schema.get("properties", {}).items()
            if depth < 5 and dice.random() < 0.6
        }
    if kind == "array":
        return [_example(schema.get("items", {}), schemas, dice, depth + 1) for _ in range(dice.choice([1, 1, 2, 5]))]
    if kind in ("integer", "number"):
        return dice.choice([schema.get("minimum", 0), schema.get("maximum", 10), 1, 3])
    if kind == "boolean":
        return dice.random() < 0.5
    return dice.choice(["memory", "2025-01-01", "", "arxiv:2405.13729"])


class _Routes:
    """The operations of `/openapi.json`, with parameters and bodies that fit more or less."""

    def __init__(self, service: Service, stand: Stand, dice: random.Random) -> None:
        described = service.get("/openapi.json").json
        self.schemas = described["components"]["schemas"]
        self.operations = [
            (method.upper(), address, operation)
            for address, methods in described["paths"].items()
            for method, operation in methods.items()
            if method in ("get", "post", "put", "patch", "delete")
        ]
        self.ids, self.dice = [paper["id"] for paper in stand.papers[:200]], dice

    def request(self) -> tuple[str, str, bytes | None, str | None]:
        """One request to any of them, with something wrong."""
        dice = self.dice
        method, address, operation = dice.choice(self.operations)
        parameters = operation.get("parameters", [])
        for name in re.findall(r"\{(\w+)\}", address):
            address = address.replace("{" + name + "}", quote(self._segment(name), safe=""))
        chosen = [parameter for parameter in parameters if parameter.get("in") == "query" and dice.random() < 0.35]
        query = [(parameter["name"], self._text(parameter)) for parameter in chosen]
        if query and dice.random() < 0.1:
            query *= dice.choice([2, 30])
        if dice.random() < 0.05:
            query.append((dice.choice(["nope", "", "limit[]", "q\0"]), "1"))
        if query:
            address += "?" + urlencode(query, errors="replace")
        if dice.random() < 0.02:
            address += dice.choice(["%", "%zz", "?%ff", "&&&", "?" + "a" * 3000, "/", "//", "/.."])
        contents = operation.get("requestBody", {}).get("content", {})
        if not contents:
            return method, address, None, None
        kind = dice.choice(list(contents))
        schema = contents[kind].get("schema", {})
        if "json" in kind and kind != NDJSON:
            return (
                method,
                address,
                mutate.body(_example(schema, self.schemas, dice), dice),
                dice.choice([kind] * 9 + ["text/plain"]),
            )
        seed, _ = dice.choice(lists.seeds()[:12])
        return (
            method,
            address,
            mutate.encoded(mutate.text(seed, dice, lists.TOKENS), dice),
            dice.choice([kind] * 9 + [JSON]),
        )

    def _segment(self, name: str) -> str:
        dice = self.dice
        known = {
            "user": ["fuzz-1", "fuzz-2", "reader"],
            "import": ["1", "2"],
            "id": self.ids + ["i1", "i2", "0.1", "1.2", "t1"],
        }
        if dice.random() < 0.7:
            return dice.choice(known.get(name, ["1"]))
        return (
            dice.choice(
                [
                    "",
                    " ",
                    "..",
                    "a" * 300,
                    "\0",
                    "\n",
                    "\u202e",
                    "%",
                    "é",
                    "9" * 30,
                    "-1",
                    "null",
                    "/",
                    "a/b",
                    "\x7f",
                    "𝔘" * 70,
                ]
            )
            or "x"
        )

    def _text(self, parameter: dict[str, Any]) -> str:
        if self.dice.random() < 0.5:
            found = _example(parameter.get("schema", {}), self.schemas, self.dice)
            return found if isinstance(found, str) else json.dumps(found)
        odd = self.dice.choice(mutate.ODD_VALUES)
        return odd if isinstance(odd, str) else json.dumps(odd)


@attack(
    "fuzz",
    "mutated bodies and parameters",
    "Every route that `/openapi.json` lists answers what it cannot read with an error of the one shape.",
)
def routes(stand: Stand, outcome: Outcome) -> None:
    """Types changed, fields left out and doubled, JSON broken, odd segments and parameters."""
    dice = random.Random(f"routes {stand.settings.seed}")
    times = stand.of(20_000, 2000)
    progress = Progress("mutated requests", times)
    with stand.serving(outcome) as service:
        service.post(
            "/v1/users/fuzz-1/events",
            {"events": [{"paper": paper["id"], "kind": "like"} for paper in stand.papers[:9]]},
        )
        # Themes are made at the first call, which takes its time.
        service.get("/v1/themes", patience=300)
        routes = _Routes(service, stand, dice)
        outcome.did["routes"] = len(routes.operations)
        for _ in range(times):
            method, address, body, kind = routes.request()
            if "rebuild" in address and dice.random() < 0.9:
                continue
            send(outcome, service, method, address, body, kind)
            progress.step()
        _still_works(outcome, service, stand)


@attack("fuzz", "mutated JSON Lines", "A bad line is told with its number and reason; the lines beside it go in.")
def json_lines(stand: Stand, outcome: Outcome) -> None:
    """Streams of ten papers of which some are changed; between them one that is sound, which must go in."""
    dice = random.Random(f"lines {stand.settings.seed}")
    times = stand.of(1500, 100)
    progress = Progress("mutated streams", times)
    with stand.serving(outcome) as service:
        for n in range(times):
            good = {"id": f"sound/{n}", "title": f"A sound paper {n}"}
            papers = [dict(dice.choice(stand.papers), id=f"odd/{n}/{m}") for m in range(9)]
            lines = [mutate.body(paper, dice).replace(b"\n", b" ") for paper in papers]
            lines.insert(dice.randrange(10), json.dumps(good).encode())
            reply = send(outcome, service, "POST", "/v1/papers", b"\n".join(lines), NDJSON)
            if reply is not None and reply.status == 200:
                if service.get(path("v1", "papers", good["id"])).status != 200:
                    outcome.is_wrong(
                        f"a sound line between bad ones is not there: {reply} for {b' '.join(lines)[:300]!r}"
                    )
                told = reply.json
                counted = (
                    told["accepted"]
                    + told["updated"]
                    + told["unchanged"]
                    + told.get("rejected_total", len(told["rejected"]))
                )
                blank = sum(not line.strip() for line in lines)
                if not len(lines) - blank <= counted <= len(lines):
                    outcome.is_wrong(f"{counted} of {len(lines)} lines are told of: {reply}")
            progress.step()


@attack(
    "fuzz",
    "33,000 author values",
    "Every list of a request has a bound: 400 or 422 with its name, never 500, and no SQL in an answer.",
)
def many_values(stand: Stand, outcome: Outcome) -> None:
    """Lists of 33,000 in every parameter that takes a list, in bodies, and 5,000 in the address."""
    many = [f"Author {n}" for n in range(33_000)]
    ids = [f"nobody/{n}" for n in range(33_000)]
    bodies: list[tuple[str, Any]] = [
        ("/v1/search", {"q": "memory", name: many}) for name in ("author", "category", "exclude")
    ]
    bodies += [("/v1/search", {"q": "memory", "filter": {name: many}}) for name in ("author", "category", "exclude")]
    bodies += [("/v1/recommend", {"text": ["memory"], name: many}) for name in ("author", "category", "exclude")]
    bodies += [
        ("/v1/recommend", {"like": ids}),
        ("/v1/recommend", {"text": many}),
        ("/v1/recommend", {"text": ["x"], "candidates": ids}),
    ]
    bodies += [
        ("/v1/recommend", {"text": ["x"], "dislike_text": many}),
        ("/v1/similar/batch", {"ids": ids}),
        ("/v1/embed", {"inputs": many}),
    ]
    bodies += [
        ("/v1/similar/batch", {"ids": [stand.papers[0]["id"]], "author": many}),
        ("/v1/themes/of", {"papers": ids}),
    ]
    bodies += [("/v1/themes/of", {"q": "x", "filter": {"author": many}}), ("/v1/users/u/rank", {"candidates": ids})]
    bodies += [
        ("/v1/users/u/feed/preview", {"events": [{"paper": stand.papers[0]["id"], "kind": "like"}], "author": many})
    ]
    with stand.serving(outcome) as service:
        for address, body in bodies:
            reply = send(outcome, service, "POST", address, json.dumps(body).encode(), JSON)
            if reply is not None:
                outcome.did["lists"] += 1
        for name in ("author", "category", "exclude"):
            address = "/v1/search?q=memory&" + urlencode([(name, value) for value in many[:3000]])
            send(outcome, service, "GET", address, None, None)
        log = service.said()
        outcome.must("SELECT" not in log or len(log) < 100_000, f"the log has {len(log):,} bytes of SQL")


#: Signs that turn, hide or move what a terminal shows: no command prints them as they are.
_FOR_TERMINALS = "\u202e\u202d\u2066\x7f\x1b\x07\x08\x9b"


@attack(
    "fuzz", "signs for terminals", "What a command prints for people holds no sign that turns, hides or moves text."
)
def signs_for_terminals(stand: Stand, outcome: Outcome) -> None:
    """A paper with such signs in every field, printed by the commands that print papers, and in what they refuse."""
    dirty = f"a{'a'.join(_FOR_TERMINALS)}a"
    folder, file = stand.copy(200), stand.fresh("dirty").with_suffix(".jsonl")
    paper: dict[str, Any] = {"id": "dirty/1", "title": f"Zzdirty {dirty}", "abstract": dirty, "authors": [f"A {dirty}"]}
    paper |= {"categories": [dirty], "venue": dirty, "organization": dirty, "keywords": [dirty], "date": "2026-01-01"}
    bad: list[dict[str, Any]] = [
        {"id": f"dirty/{dirty}", "title": "x"},
        {"id": "dirty/2", "title": dirty, "date": dirty, dirty: 1},
    ]
    corpus.write([paper, *bad], file)
    for arguments in (
        ["ingest", str(file)],
        ["search", "zzdirty"],
        ["search", dirty],
        ["similar", "dirty/1"],
        ["similar", dirty],
        ["recommend", "--like", "dirty/1", "--explain"],
        ["history", "show", dirty],
        ["search", "x", "--category", dirty],
    ):
        ran = stand.binary.run(folder, *arguments)
        outcome.did["commands"] += 1
        for name, printed in (("stdout", ran.stdout), ("stderr", ran.stderr)):
            shown = sorted({hex(ord(sign)) for sign in _FOR_TERMINALS if sign in printed})
            outcome.must(not shown, f"`{arguments[0]}` prints {', '.join(shown)} on {name}")


def _still_works(outcome: Outcome, service: Service, stand: Stand) -> None:
    """Whatever came before, an ordinary paper goes in and is found."""
    paper = {"id": "after/fuzz", "title": "An ordinary paper of zzafterfuzz"}
    taken = service.post("/v1/papers", paper)
    found = service.get("/v1/search?q=zzafterfuzz&mode=lexical")
    sound_after = taken.ok and found.ok and "after/fuzz" in [hit["id"] for hit in found.json["papers"]]
    outcome.must(sound_after, f"an ordinary paper afterwards: {taken}; {found}")
    outcome.must(service.get("/readyz").status == 200, "/readyz afterwards")
