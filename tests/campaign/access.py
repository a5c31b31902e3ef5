"""Who may do what: keys, readers, and requests that want to be something else.

All of it over a service that asks for keys, whatever the rest of the campaign does.
"""

from __future__ import annotations

import json
import random
import re
import socket
import time
from urllib.parse import quote

import wire
from crowd import Role, play
from flood import ACCEPTED_MS, HEALTH, SEARCH
from fuzz import LEAK, sound
from service import Service
from stand import Outcome, Progress, Stand, attack
from wire import JSON, NoAnswer, bare, head, path

#: Megabytes by which nobody who is not let in may make the service grow.
GROWTH = 50.0

#: Calls that everybody may make, or that have a secret of their own.
FREE = re.compile(r"^(/healthz|/readyz|/openapi\.json|/docs.*|/|/web/.*|/sign-in.*|/sign-out)$|feed\.(atom|json)$")

#: Signs that break lines or move what a terminal shows.
FORGING = "\r\n\x1b[31m\x07\u202eFORGED 200 key:admin"


def made(service: Service, name: str, scopes: list[str], user: str | None = None) -> str:
    """A new key."""
    reply = service.post("/v1/keys", {"name": name, "scopes": scopes, "user": user})
    if not reply.ok:
        raise RuntimeError(f"a key cannot be made: {reply}")
    return str(reply.json["key"])


def wrong_keys(dice: random.Random, right: str) -> list[str]:
    """Keys that open nothing: of the right form and of every other."""
    known = right.split("_")[1]
    return [
        f"pk_{dice.randrange(1 << 48):012x}_{dice.randrange(1 << 255):064x}",
        f"pk_{known}_{dice.randrange(1 << 255):064x}",
        right[:-1],
        right + "0",
        right.upper(),
        right.replace("pk_", "sk_"),
        f"pk_{known}_",
        "pk__",
        "pk_",
        "x",
        "",
        "é" * 20,
        "a" * 7000,
        "a" * 70_000,
        f"pk_{'0' * 5000}_{'1' * 5000}",
        "../../etc/passwd",
        "%00",
        "' or 1=1 --",
        "{}",
        "null",
    ]


@attack(
    "access",
    "floods of wrong keys",
    "Guesses are limited (429); whoever has the right key is served all the while, and memory stays where it was.",
)
def guesses(stand: Stand, outcome: Outcome) -> None:
    """Twenty clients that guess as fast as they may beside four that search."""
    seconds = stand.of(30, 6)
    with stand.serving(outcome, keys=True) as service:
        right = wire.KEYS[service.port]
        known = right.split("_")[1]
        roles = [Role("search", SEARCH, connections=4, rate=20, fresh=True), Role("healthz", HEALTH, rate=5, fresh=True)]
        for n in range(20):
            key = f"pk_{known if n % 2 else f'{n:012x}'}_{n:064x}"
            guess = head("GET", "/v1/search?q=memory", [("authorization", f"Bearer {key}")])
            roles.append(Role(f"guess {n}", guess, rate=40))
        before = service.rss_mb()
        measured = play(service.port, roles, seconds)
        statuses: dict[int, int] = {}
        for name, met in measured.items():
            if name.startswith("guess"):
                for status, times in met.seconds.items():
                    statuses[status] = statuses.get(status, 0) + len(times)
        search = measured["search"]
        outcome.did.update({f"guesses {status}": count for status, count in sorted(statuses.items())})
        outcome.did["searches answered"] = search.count(200)
        outcome.figures["search p99 ms"] = search.p99_ms(200)
        outcome.figures["grown by MB"] = round(service.rss_mb() - before)
        outcome.must(set(statuses) <= {401, 429}, f"answers to wrong keys: {statuses}")
        outcome.must(statuses.get(429, 0) > 0.8 * sum(statuses.values()), f"guesses are hardly limited: {statuses}")
        outcome.must(
            search.count(200) == search.answered and not search.broken and search.p99_ms(200) <= ACCEPTED_MS,
            f"searches with the right key: { {s: len(t) for s, t in search.seconds.items()} }, {dict(search.broken)}",
        )
        outcome.must(measured["healthz"].count(200) == measured["healthz"].answered, "/healthz")
        outcome.must(service.rss_mb() - before < GROWTH, f"{before:,.0f} MB, then {service.rss_mb():,.0f} MB")


def _credentials(dice: random.Random, right: str) -> list[tuple[str, str]]:
    """Headers of which none lets anybody in."""
    wrong = wrong_keys(dice, right)
    key = dice.choice(wrong)
    host = dice.choice(["evil.example", "127.0.0.1", "127.0.0.1:1", "localhost", "[::1]", "a" * 300, "", "x y", "\x7f"])
    names = [
        ("authorization", f"{dice.choice(['Bearer', 'bearer', 'Basic', 'Digest', 'Token', '', 'Bearer Bearer'])} {key}"),
        ("x-api-key", key),
        ("cookie", dice.choice(["session=", "paperkin=", "__Host-paperkin=", "paperkin_session=", ""]) + key),
        ("cookie", "; ".join(f"c{n}={n}" for n in range(dice.choice([1, 50, 500])))),
        ("cookie", dice.choice([";;;", "=", "a", "a=b=c", '"', "__Host-paperkin=\u00ff"])),
        ("x-forwarded-for", dice.choice(["127.0.0.1", "::1", "unknown", "1.2.3.4, 127.0.0.1", "," * 500, "999.1.1.1"])),
        ("x-forwarded-host", host),
        ("x-forwarded-proto", dice.choice(["https", "http", "javascript", "https,http", ""])),
        ("x-forwarded-prefix", dice.choice(["/x", "//evil.example", "/../..", "x"])),
        ("x-forwarded-user", dice.choice(["ada", "admin", "", "a" * 9000, "\u00ff"])),
        ("x-remote-user", dice.choice(["ada", "admin"])),
        ("forwarded", dice.choice(["for=127.0.0.1;host=evil.example;proto=https", "for=;;;=", '"', "for=_x"])),
        ("origin", dice.choice(["null", "https://evil.example", "http://127.0.0.1", "file://", "x"])),
        ("referer", "https://evil.example/"),
        ("sec-fetch-site", dice.choice(["cross-site", "same-site", "same-origin", "none", "x", ""])),
        ("x-request-id", dice.choice(["a" * 5000, "x y", "\x1b[31m", "\u00ff\u00fe", "", "ok-1", '"}{"'])),
        ("x-paperkin-at-least", dice.choice(["-1", "9" * 40, "x"])),
        ("host", host),
    ]
    return dice.sample(names, dice.choice([1, 2, 3, 6]))


@attack(
    "access",
    "mutated credentials",
    "Whatever somebody sends who has no key: no internal error, one shape, and nothing of any reader.",
)
def credentials(stand: Stand, outcome: Outcome) -> None:
    """Authorization, cookies, forwarded addresses, hosts, origins and request ids of every shape and size."""
    dice = random.Random(f"credentials {stand.settings.seed}")
    times = stand.of(20_000, 1500)
    progress = Progress("mutated credentials", times)
    calls = [
        ("GET", "/v1/search?q=memory"),
        ("GET", "/v1/users/ada"),
        ("GET", "/v1/users/ada/feed"),
        ("DELETE", "/v1/users/ada"),
        ("GET", "/v1/keys"),
        ("POST", "/v1/keys"),
        ("GET", "/v1/backup"),
        ("GET", "/v1/jobs"),
        ("GET", "/metrics"),
        ("GET", "/v1/users"),
        ("GET", "/v1/me"),
        ("DELETE", "/v1/sessions"),
        ("POST", "/v1/users/ada/sign-in-link"),
        ("DELETE", path("v1", "papers", stand.papers[0]["id"])),
    ]
    with stand.serving(outcome, keys=True, env={"PAPERKIN_HOSTS": "papers.example"}) as service:
        right = wire.KEYS[service.port]
        service.put("/v1/users/ada", {"per_author": 3})
        before = service.rss_mb()
        for n in range(times):
            method, address = dice.choice(calls)
            headers = _credentials(dice, right)
            lines = [f"{method} {address} HTTP/1.1", *([] if any(k == "host" for k, _ in headers) else ["host: 127.0.0.1"])]
            lines += [f"{name}: {value}" for name, value in headers] + ["connection: close"]
            sent = ("\r\n".join(lines) + "\r\n\r\n").encode("utf-8" if n % 2 else "latin-1", "replace")
            said = bare(service.port, sent, 20)
            first = said.split(b"\r\n", 1)[0]
            status = int(first[9:12]) if re.match(rb"HTTP/1\.1 \d{3}", first) else 0
            outcome.did[f"answers {status}"] += 1
            if status == 0:
                outcome.failed(f"no answer to {sent[:300]!r}")
            elif status >= 500:
                outcome.failed(f"{said[:200]!r} for {sent[:300]!r}")
            elif status < 400:
                outcome.is_wrong(f"{said[:300]!r} for {sent[:300]!r}")
            elif status not in (431, 414) and b'"error"' not in said and len(sent) < 60_000 and first != b"HTTP/1.1 400 Bad Request":
                outcome.must(False, f"an error of another shape: {said[:300]!r} for {sent[:300]!r}")
            if LEAK.search(said):
                outcome.must(False, f"an error shows what is inside: {said[:300]!r}")
            progress.step()
        log = service.said()
        outcome.must(right not in log.split("serving on", 1)[-1], "the key stands in the log")
        odd = sorted({hex(ord(sign)) for sign in log if ord(sign) < 32 and sign != "\n" or sign == "\u202e"})
        outcome.must(not odd, f"the log holds {odd}")
        outcome.figures["grown by MB"] = round(service.rss_mb() - before)
        outcome.must(service.rss_mb() - before < GROWTH * 2, f"{before:,.0f} MB, then {service.rss_mb():,.0f} MB")
        again = service.get("/v1/users/ada")
        outcome.must(again.status == 200, f"the right key, and the reader: {again}")


def _operations(service: Service) -> list[tuple[str, str]]:
    described = service.get("/openapi.json").json
    return [
        (method.upper(), address)
        for address, methods in described["paths"].items()
        for method in methods
        if method in ("get", "post", "put", "patch", "delete")
    ]


@attack(
    "access",
    "another reader in every route",
    "Who has no key, a revoked one or another reader's reaches no reader; a key of a reader reaches nothing of the operator.",
)
def other_readers(stand: Stand, outcome: Outcome) -> None:
    """Every operation of `/openapi.json`, with the name of somebody else in every form that a path can write it."""
    with stand.serving(outcome, 500, keys=True) as service:
        for user in ("ada", "eve"):
            service.put(path("v1", "users", user), {"per_author": 3})
        likes = [{"paper": paper["id"], "kind": "like"} for paper in stand.papers[:9]]
        service.post("/v1/users/ada/events", {"events": likes})
        eve, reading = made(service, "eve", [], "eve"), made(service, "reading", ["read"])
        revoked = service.post("/v1/keys", {"name": "gone", "scopes": ["admin"], "user": None}).json
        service.delete(path("v1", "keys", revoked["id"]))
        callers = {"nobody": "", "revoked": revoked["key"], "eve": eve, "reading": reading}
        names = ["ada", "%61da", "ada%00", "ada%20", "Ada", "ada%2F", "eve%2F..%2Fada", "..%2Fada", "ada;x", "*", "%25"]
        for method, address in _operations(service):
            users = "{user}" in address
            for who, key in callers.items():
                for name in names if users else [""]:
                    asked = address.replace("{user}", name)
                    asked = re.sub(r"\{\w+\}", quote(stand.papers[0]["id"], safe=""), asked)
                    headers = {"authorization": f"Bearer {key}"} if key else {"authorization": "None x"}
                    body = b"{}" if method in ("POST", "PUT", "PATCH") else None
                    try:
                        reply = service.request(method, asked, body, JSON if body else None, 30, headers)
                    except NoAnswer as error:
                        outcome.failed(str(error))
                        continue
                    outcome.did[f"{who} {reply.status}"] += 1
                    sound(outcome, reply, f"{who} {asked}")
                    if FREE.search(address):
                        continue
                    let_in = reply.status not in (401, 403, 404, 421, 429)
                    if users and let_in:
                        outcome.is_wrong(f"{who}: {reply}")
                    if not users and who in ("nobody", "revoked") and let_in:
                        outcome.is_wrong(f"{who}: {reply}")
                    if b"per_author" in reply.body:
                        outcome.is_wrong(f"{who} sees a reader: {reply}")
        kept = service.get("/v1/users/ada/events").json
        outcome.must(bool(kept) and len(kept["events"]) == 9, f"what ada did is not as it was: {str(kept)[:200]}")


@attack(
    "access",
    "mutated sign-ins",
    "No form, link or cookie that is not the right one begins a session, or is an internal error; guesses are limited.",
)
def sign_ins(stand: Stand, outcome: Outcome) -> None:
    """Forms of every shape, links that were never made or were used, cookies of others; beside them a reader who signs in."""
    dice = random.Random(f"sign-ins {stand.settings.seed}")
    times = stand.of(10_000, 800)
    progress = Progress("mutated sign-ins", times)
    with stand.serving(outcome, 500, keys=True) as service:
        right = wire.KEYS[service.port]
        link = service.post("/v1/users/ada/sign-in-link", {})
        outcome.must(link.ok, f"a link: {link}")
        before = service.rss_mb()
        for n in range(times):
            key = dice.choice(wrong_keys(dice, right))[:9000]
            form = dice.choice([
                f"key={quote(key)}",
                f"key={quote(key)}&key={quote(key)}",
                "&".join(f"key{m}={m}" for m in range(dice.choice([10, 3000]))),
                f"to=https://evil.example&key={quote(key)}",
                f"to=%0d%0aset-cookie:+a=b&key={quote(key)}",
                "%zz&&&==;",
                "",
                "\0" * 100,
                json.dumps({"key": key}),
                "key=" + "a" * 100_000,
            ])
            address = dice.choice(["/sign-in", f"/sign-in/{n:064x}", f"/sign-in/{quote(key[:200], safe='')}", "/sign-out", "/sessions"])
            kind = dice.choice(["application/x-www-form-urlencoded"] * 5 + ["text/plain", JSON, "multipart/form-data; boundary=x", ""])
            cookie = dice.choice(["", f"paperkin={n:064x}", f"__Host-paperkin={n:064x}", "paperkin=; paperkin=x", ";" * 900])
            headers = {"authorization": "None x", "cookie": cookie}
            headers |= dice.choice([{}, {"sec-fetch-site": "cross-site"}, {"origin": "https://evil.example"}, {"sec-fetch-site": "same-origin"}])
            try:
                reply = service.request(dice.choice(["POST", "POST", "GET"]), address, form.encode(), kind or None, 20, headers)
            except NoAnswer as error:
                outcome.failed(str(error))
                continue
            outcome.did[f"answers {reply.status}"] += 1
            if reply.status >= 500:
                outcome.failed(f"{reply} for {form[:200]!r}")
            made_cookie = reply.headers.get("set-cookie", "")
            if "paperkin=" in made_cookie and "max-age=0" not in made_cookie.lower() and "1970" not in made_cookie:
                outcome.is_wrong(f"a session: {made_cookie[:100]} for {reply}")
            if "evil.example" in reply.headers.get("location", "") or "a" in reply.headers.get("set-cookie", "").split("=")[0].split():
                outcome.is_wrong(f"led away: {reply.headers}")
            progress.step()
        sessions = service.get("/v1/sessions")
        outcome.must(sessions.ok and not sessions.json["sessions"], f"sessions that nobody began: {str(sessions)[:300]}")
        outcome.figures["grown by MB"] = round(service.rss_mb() - before)
        outcome.must(service.rss_mb() - before < GROWTH * 2, f"{before:,.0f} MB, then {service.rss_mb():,.0f} MB")
        # Whoever has the link that was made is let in all the same, once.
        there = "/" + link.json["url"].split("/", 3)[3] if link.ok else "/"
        used = [
            service.request("POST", there, b"", "application/x-www-form-urlencoded", headers={"authorization": "None x"})
            for _ in range(2)
        ]
        outcome.must("paperkin" in used[0].headers.get("set-cookie", ""), f"the right link: {used[0]}")
        outcome.must(used[1].status in (410, 429) and "set-cookie" not in used[1].headers, f"again: {used[1]}")


@attack("access", "paths that climb", "No path reaches a file or a route that it does not name.")
def climbing(stand: Stand, outcome: Outcome) -> None:
    """Dots, escapes, absolute addresses and NUL behind every place where a path may go on."""
    steps = ["..", "%2e%2e", "..%2f", "%2e%2e%2f", "..%5c", "%c0%ae%c0%ae/", "....//", "..;/", ".%00./", "%252e%252e%252f"]
    goals = ["etc/passwd", "paperkin.toml", "papers.sqlite", "v1/keys", "proc/self/environ", "%00", "v1/users/ada"]
    places = ["/", "/web/", "/docs/", "/v1/", "/v1/papers/", "/v1/users/", "/v1/themes/", "/v1/jobs/", "/v1/keys/", "//", "/.", "/web//"]
    secret = re.compile(rb"root:.*:0:0|SQLite format|PATH=|\"keys\":")
    with stand.serving(outcome, 200, keys=True) as service:
        for method in ("GET", "DELETE", "PUT"):
            for place in places:
                for step in steps:
                    for depth in (1, 3, 8):
                        for goal in goals:
                            lines = [f"{method} {place}{(step + '/') * depth}{goal} HTTP/1.1", "host: 127.0.0.1", "connection: close"]
                            sent = ("\r\n".join(lines) + "\r\n\r\n").encode()
                            said = bare(service.port, sent, 20)
                            status = int(said[9:12]) if said.startswith(b"HTTP/1.1 ") else 0
                            outcome.did[f"answers {status}"] += 1
                            if not 400 <= status < 500:
                                outcome.is_wrong(f"{status} for {sent[:120]!r}: {said[-200:]!r}")
                            if secret.search(said):
                                outcome.is_wrong(f"{sent[:120]!r} shows {said[-200:]!r}")
            if stand.settings.quick:
                break


def _hidden(n: int) -> bytes:
    """A request inside the body of another."""
    return f"PUT /v1/users/smuggled-{n} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: {JSON}\r\ncontent-length: 2\r\n\r\n{{}}".encode()


@attack(
    "access",
    "two requests in one",
    "A request of whose length there can be two opinions is refused, and its connection closed; what is a body stays one.",
)
def smuggling(stand: Stand, outcome: Outcome) -> None:
    """Two lengths, a length beside chunks, odd codings, odd line ends, odd chunks; each hides a request that makes a reader."""
    dice = random.Random(f"smuggling {stand.settings.seed}")
    with stand.serving(outcome, 200, keys=True) as service:
        key = wire.KEYS[service.port]
        start = f"POST /v1/search HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer {key}\r\ncontent-type: {JSON}\r\n"
        number = 0
        for times in range(stand.of(200, 20)):
            number += 1
            hidden = _hidden(number).replace(b"host:", f"authorization: Bearer {key}\r\nhost:".encode())
            long = len(hidden)
            ambiguous = [
                f"content-length: 0\r\ncontent-length: {long}\r\n\r\n",
                f"content-length: {long}\r\ncontent-length: 0\r\n\r\n",
                f"content-length: 0, {long}\r\n\r\n",
                f"content-length: +{long}\r\n\r\n",
                f"content-length: -{long}\r\n\r\n",
                f"content-length: 0x{long:x}\r\n\r\n",
                f"content-length : {long}\r\n\r\n",
                f" content-length: {long}\r\n\r\n",
                f"content-length: {long}\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
                f"transfer-encoding: chunked\r\ncontent-length: {long}\r\n\r\n0\r\n\r\n",
                "transfer-encoding: xchunked\r\n\r\n0\r\n\r\n",
                "transfer-encoding: chunked, identity\r\n\r\n0\r\n\r\n",
                "transfer-encoding: identity, chunked, x\r\n\r\n0\r\n\r\n",
                "transfer-encoding : chunked\r\n\r\n0\r\n\r\n",
                "transfer-encoding: chunked\r\n\r\n-1\r\n\r\n",
                "transfer-encoding: chunked\r\n\r\nfffffffffffffffff\r\n\r\n",
                f"x: y\r\n\tcontent-length: {long}\r\n\r\n",
                "content-length: 0\rx: y\r\n\r\n",
                f"x\0: y\r\ncontent-length: {long}\r\n\r\n",
            ]
            # What must be a body is one, however often its length is said alike or in chunks.
            bodies = [
                f"content-length: {long}\r\n\r\n".encode() + hidden,
                f"content-length: {long}\r\ncontent-length: {long}\r\n\r\n".encode() + hidden,
                b"transfer-encoding: chunked\r\n\r\n%x\r\n" % long + hidden + b"\r\n0\r\n\r\n",
                b"transfer-encoding: chunked\r\n\r\n%x;a=b\r\n" % long + hidden + b"\r\n0\r\nx: y\r\n\r\n",
            ]
            kind = dice.randrange(2)
            rest = dice.choice(ambiguous).encode() + hidden if kind else dice.choice(bodies)
            said = bare(service.port, start.encode() + rest, 5)
            answers = said.count(b"HTTP/1.1 ") + said.count(b"HTTP/1.0 ")
            outcome.did["ambiguous" if kind else "bodies"] += 1
            first = said[9:12]
            outcome.must(answers <= 1, f"{answers} answers to {rest[:120]!r}: {said[:300]!r}")
            outcome.must(not said or first.startswith(b"4"), f"{said[:120]!r} for {rest[:120]!r}")
            there = service.get(f"/v1/users/smuggled-{number}")
            if there.status != 404:
                outcome.is_wrong(f"a request in a body was carried out: {rest[:160]!r}")


@attack(
    "access", "text that forges lines", "Nothing that a stranger sends begins a line of the log, or a header of an answer."
)
def forging(stand: Stand, outcome: Outcome) -> None:
    """Line ends, escapes and turned text in paths, parameters, ids, names and headers."""
    with stand.serving(outcome, 200, keys=True, env={"PAPERKIN_LOG": "paperkin=trace,info"}) as service:
        key = wire.KEYS[service.port]
        text, began = quote(FORGING, safe=""), len(service.said())
        addresses = [f"/{text}", f"/v1/papers/{text}", f"/v1/users/{text}/feed", f"/v1/search?q={text}&mode={text}", f"/docs/{text}"]
        addresses += [f"/v1/users/{text}", f"/v1/keys/{text}", f"/v1/jobs/{text}/run", f"/web/{text}", f"/v1/users/ada/feed.atom?token={text}"]
        for method in ("GET", "POST", "PUT", "DELETE", "FORGED"):
            for address in addresses:
                for headers in ([], [f"authorization: Bearer {key}"]):
                    lines = [f"{method} {address} HTTP/1.1", "host: 127.0.0.1", "connection: close", *headers]
                    lines += ["x-request-id: a\tFORGED", "user-agent: a\tFORGED", "x-forwarded-for: FORGED\t1.2.3.4", "content-length: 0"]
                    said = bare(service.port, ("\r\n".join(lines) + "\r\n\r\n").encode(), 10)
                    outcome.did["requests"] += 1
                    answer = said.split(b"\r\n\r\n", 1)[0]
                    forged = [line for line in answer.split(b"\r\n")[1:] if line.startswith(b"FORGED") or b"\x1b" in line]
                    outcome.must(not forged, f"a header of an answer: {forged} for {address[:80]}")
        for name in (FORGING, FORGING.replace("\r", "").replace("\n", "")):
            service.post("/v1/keys", {"name": name, "scopes": ["read"], "user": None})
            service.put(path("v1", "users", name), {})
            service.post("/v1/papers", {"id": name, "title": name})
        time.sleep(0.3)
        log = service.said()[began:]
        outcome.did["lines of the log"] = log.count("\n")
        forged = [line for line in log.splitlines() if line.lstrip().startswith("FORGED")]
        outcome.must(not forged, f"lines of the log begin as somebody liked: {forged[:2]}")
        odd = sorted({hex(ord(sign)) for sign in log if ord(sign) < 32 and sign != "\n" or sign in "\x7f\u202e"})
        outcome.must(not odd, f"the log holds {odd}")


@attack("access", "keys in addresses", "A key in an address opens nothing, and stands in no log and no answer.")
def in_addresses(stand: Stand, outcome: Outcome) -> None:
    """Under every name that services take keys by."""
    names = ["key", "api_key", "apikey", "access_token", "token", "auth", "authorization", "x-api-key", "bearer", "pk", "q", "user"]
    with stand.serving(outcome, 200, keys=True, env={"PAPERKIN_LOG": "paperkin=trace,info"}) as service:
        key = wire.KEYS[service.port]
        began = len(service.said())
        addresses = [f"/v1/search?{name}={key}" for name in names] + [f"/v1/users/ada/feed.atom?token={key}", f"/{key}", f"/v1/users/{key}"]
        addresses += [f"http://{key}@127.0.0.1:{service.port}/v1/keys", f"http://x:{key}@127.0.0.1/v1/keys"]
        for address in addresses:
            lines = [f"GET {address} HTTP/1.1", "host: 127.0.0.1", "connection: close"]
            said = bare(service.port, ("\r\n".join(lines) + "\r\n\r\n").encode(), 10)
            outcome.did["addresses"] += 1
            status = said[9:12].decode(errors="replace")
            outcome.must(status.startswith("4"), f"{status} for {address.replace(key, 'KEY')}")
        time.sleep(0.3)
        secret = key.rsplit("_", 1)[1]
        outcome.must(secret not in service.said()[began:], "the log holds the secret of a key")


@attack(
    "access", "requests of other times", "HTTP/1.0, absolute addresses and odd methods are answered or refused, never broken."
)
def old_ways(stand: Stand, outcome: Outcome) -> None:
    """What crawlers, proxies and scanners send."""
    with stand.serving(outcome, 200, keys=True) as service:
        here = f"127.0.0.1:{service.port}"
        for sent, wanted in (
            ("GET /healthz HTTP/1.0\r\n\r\n", "200"),
            (f"GET /healthz HTTP/1.0\r\nhost: {here}\r\n\r\n", "200"),
            (f"GET http://{here}/healthz HTTP/1.1\r\nhost: {here}\r\n\r\n", "200"),
            (f"GET http://evil.example/healthz HTTP/1.1\r\nhost: {here}\r\n\r\n", "4"),
            ("GET /healthz HTTP/1.1\r\nhost: evil.example\r\n\r\n", "421"),
            ("GET /healthz HTTP/1.1\r\n\r\n", "4"),
            (f"GET /healthz HTTP/1.1\r\nhost: {here}\r\nhost: evil.example\r\n\r\n", "4"),
            (f"CONNECT {here} HTTP/1.1\r\nhost: {here}\r\n\r\n", "4"),
            ("CONNECT evil.example:443 HTTP/1.1\r\nhost: evil.example:443\r\n\r\n", "4"),
            (f"TRACE /healthz HTTP/1.1\r\nhost: {here}\r\nx-secret: abc\r\n\r\n", "4"),
            (f"OPTIONS * HTTP/1.1\r\nhost: {here}\r\n\r\n", ""),
            ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", ""),
            (f"GET  /healthz HTTP/1.1\r\nhost: {here}\r\n\r\n", ""),
            ("\r\n\r\nGET /healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n", ""),
            ("GET /healthz\r\n\r\n", ""),
            (f"GET /healthz HTTP/1.1\r\nhost: {here}\r\nupgrade: h2c\r\nconnection: upgrade, close\r\n\r\n", "200"),
            (f"GET /healthz HTTP/9.9\r\nhost: {here}\r\n\r\n", ""),
        ):
            said = bare(service.port, sent.replace("HTTP/1.1\r\nhost", "HTTP/1.1\r\nconnection: close\r\nhost").encode(), 5)
            status = said[9:12].decode(errors="replace")
            outcome.did["requests"] += 1
            outcome.must(status.startswith(wanted) and not status.startswith("5"), f"{status!r} for {sent!r}, not {wanted!r}")
            outcome.must(b"abc" not in said, f"{sent!r} comes back")


@attack("access", "more than may be asked", "Beyond the rate requests are refused with `Retry-After`; others are not.")
def too_often(stand: Stand, outcome: Outcome) -> None:
    """One key asks ten times as often as it may, another as often as it may."""
    limits = {"PAPERKIN_RATE_LIMIT": "50", "PAPERKIN_RATE_BURST": "100"}
    with stand.serving(outcome, 2000, keys=True, env=limits) as service:
        busy, calm = (made(service, name, ["read"]) for name in ("busy", "calm"))
        asks = lambda key: head("GET", "/v1/search?q=memory", [("authorization", f"Bearer {key}")])  # noqa: E731
        seconds = stand.of(20, 6)
        before = service.rss_mb()
        measured = play(
            service.port,
            [Role("busy", asks(busy), connections=8, rate=500), Role("calm", asks(calm), connections=4, rate=20)],
            seconds,
        )
        loud, quiet = measured["busy"], measured["calm"]
        outcome.did["answered"], outcome.did["refused"] = loud.count(200), loud.count(429)
        outcome.figures["refusal p99 ms"] = loud.p99_ms(429)
        outcome.figures["grown by MB"] = round(service.rss_mb() - before)
        allowed = 100 + 50 * seconds
        outcome.must(0.7 * allowed <= loud.count(200) <= 1.1 * allowed + 20, f"{loud.count(200)} of {allowed} allowed")
        outcome.must(quiet.count(200) == quiet.answered, f"others: { {s: len(t) for s, t in quiet.seconds.items()} }")
        outcome.must(loud.p99_ms(429) < 50, f"a refusal takes {loud.p99_ms(429)} ms")
        with socket.create_connection(("127.0.0.1", service.port), timeout=10) as one:
            one.sendall(asks(busy) * 300)
            said = b""
            while said.count(b"HTTP/1.1") < 300 and (part := one.recv(65536)):
                said += part
        waits = [int(n) for n in re.findall(rb"retry-after: (\d+)", said)]
        outcome.must(bool(waits) and min(waits) >= 1, f"Retry-After {sorted(set(waits))}")
        told = json.loads(said[said.rindex(b"{\"error") :].split(b"HTTP/1.1")[0])
        outcome.must(told["error"]["code"] == "rate_limited", f"{told}")
