"""Faults of the machine: the disk is full, descriptors run out, the folder goes away, the clock is wrong."""

from __future__ import annotations

import re
import shutil
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from collections.abc import Iterator

import corpus
from service import NotStarted, Service
from stand import Outcome, Skipped, Stand, attack
from wire import NDJSON, Line, NoAnswer, Reply, dial, path

#: Seconds after which what failed must have healed when its cause is gone.
HEALED = 20.0

#: Seconds after which writes must be refused when the folder is not the one that is served.
NOTICED = 1.0


@contextmanager
def small_disk(stand: Stand, megabytes: int) -> Iterator[Path]:
    """A disk of its own of so many megabytes. Raises `Skipped` where this user may not mount one."""
    place = stand.fresh("disk")
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "none", str(place)], capture_output=True
    )
    if mounted.returncode != 0:
        raise Skipped("needs root, or a system that allows `unshare -rm`, to mount a small disk")
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", str(place)], capture_output=True)


def fill(place: Path, leave: int) -> Path:
    """A file that leaves so many bytes free on a disk."""
    filler, block = place / "filler", bytes(1 << 16)
    with filler.open("wb", buffering=0) as file:
        try:
            while file.write(block) == len(block):
                pass
        except OSError:
            pass
        file.truncate(max(0, file.tell() - leave))
    return filler


class Told:
    """What was written, and what was answered: so that it can be held against what is there."""

    def __init__(self, outcome: Outcome, name: str) -> None:
        self.outcome, self.name, self.number = outcome, name, 0
        self.papers: dict[str, bool] = {}
        self.events: dict[tuple[str, str], bool] = {}
        #: What errors said, by key: an error that did it all the same has to say so.
        self.errors: dict[str, str] = {}

    def paper(self, service: Service, bulk: int = 0) -> Reply:
        """Sends a paper of a word of its own, with so many bytes of abstract. True: acknowledged; False: an error."""
        self.number += 1
        key, word = f"{self.name}/{self.number}", self.word(self.number)
        body = {"id": key, "title": f"A paper of {word}", "abstract": f"On {word}. " + "filling words " * (bulk // 14)}
        reply = service.post("/v1/papers", body)
        self.papers[key] = reply.ok
        return self._note(reply, key)

    def word(self, number: int) -> str:
        return corpus.unique_word(self.name, number)

    def event(self, service: Service, paper: str) -> Reply:
        self.number += 1
        user = f"{self.name}-{self.number}"
        reply = service.post(path("v1", "users", user, "events"), {"events": [{"paper": paper, "kind": "like"}]})
        self.events[user, paper] = reply.ok
        return self._note(reply, user)

    def delete(self, service: Service, key: str) -> Reply:
        reply = service.delete(path("v1", "papers", key))
        # An error has not deleted; what was there is there.
        self.papers[key] = not reply.ok
        return self._note(reply, key)

    def _note(self, reply: Reply, key: str) -> Reply:
        self.outcome.did[f"answers {reply.status}"] += 1
        if not reply.ok:
            self.errors[key] = reply.body.decode(errors="replace")
        return reply

    def _said(self, key: str) -> bool:
        """Whether the error of a key said that it was done all the same."""
        return bool(re.search(r"stored|written|saved|kept|deleted|taken|is in", self.errors.get(key, "")))

    def compare(self, service: Service) -> None:
        """An acknowledgement has done everything, an error nothing unless it said so, and nothing is half done: by id,
        by word, by likeness, in the history."""
        for key, there in self.papers.items():
            seen = {
                "by id": service.get(path("v1", "papers", key)).status == 200,
                "by word": self._finds(service, key, "lexical"),
                "by likeness": service.get(path("v1", "similar", id=key)).status == 200,
            }
            self.outcome.did["papers compared"] += 1
            if len(set(seen.values())) > 1:
                self.outcome.is_wrong(f"{key} is half there: {seen}")
            elif there and not seen["by id"] and not self._said(key):
                self.outcome.is_lost(f"{key}: gone; it was acknowledged, or its deletion was an error")
            elif not there and seen["by id"] and not self._said(key):
                self.outcome.is_wrong(f"{key}: there; it was deleted, or was answered an error that does not say so")
        for (user, paper), there in self.events.items():
            reply = service.get(path("v1", "users", user, "events"))
            seen_event = reply.ok and any(event["paper"] == paper for event in reply.json["events"])
            if there and not seen_event:
                self.outcome.is_lost(f"an event of {user}")
            elif seen_event and not there and not self._said(user):
                self.outcome.is_wrong(f"an event of {user} is there, and was answered an error that does not say so")

    def _finds(self, service: Service, key: str, mode: str) -> bool:
        word = self.word(int(key.rsplit("/", 1)[1]))
        reply = service.get(path("v1", "search", q=word, mode=mode, limit=3))
        return reply.ok and key in [hit["id"] for hit in reply.json["papers"]]


#: What readiness and `info` say when something is wrong, in one of these words, and do not say when all is well.
TROUBLE = r"full|no (?:room|space)|behind|insufficient|not written|read-only|cannot write|refus"


def says(service: Service) -> dict[str, bool]:
    """Whether readiness, figures and `info` say that something is wrong."""
    ready = service.get("/readyz", patience=10)
    info = service.binary.run(service.folder, "info", patience=30)
    return {
        "/readyz": ready.status == 503 or bool(re.search(TROUBLE, ready.body.decode(), re.I)),
        "/metrics": figures_of_trouble(service.get("/metrics", patience=10).body.decode()) > 0,
        "info": bool(re.search(TROUBLE, info.stdout + info.stderr, re.I)),
    }


def figures_of_trouble(metrics: str) -> int:
    """How many of the Prometheus figures tell of trouble: those named so above 0, those of readiness at 0."""
    bad = re.findall(
        r"^paperkin_\w*(?:trouble|full|behind|fault|refus|degraded|unavailable)\w*(?:\{.*\})? (\S+)$", metrics, re.M
    )
    good = re.findall(r"^paperkin_\w*(?:ready|healthy|writable)\w*(?:\{.*\})? (\S+)$", metrics, re.M)
    return sum(float(figure) > 0 for figure in bad) + sum(float(figure) == 0 for figure in good)


def troubles(ready: Reply) -> list[Any]:
    """What `/readyz` lists as wrong, though it may say ready: an index that is behind, for one."""
    body = ready.json
    return [*body.get("troubles", []), *filter(None, [body["index"]["trouble"]])]


def heals(outcome: Outcome, service: Service, told: Told) -> None:
    """With the cause gone, writes work and the service is ready again, without a restart."""
    began = time.monotonic()
    last = ""
    while time.monotonic() - began < HEALED:
        try:
            reply, ready = told.paper(service), service.get("/readyz")
        except NoAnswer as error:
            last = str(error)
        else:
            if reply.ok and ready.status == 200 and not troubles(ready):
                outcome.figures["healed after s"] = round(time.monotonic() - began, 1)
                return
            last = f"{reply}; {ready}"
        time.sleep(0.25)
    outcome.must(False, f"not healed after {HEALED:.0f} s: {last}")


@attack(
    "faults",
    "disk full",
    "Writes are 507 and leave nothing half there; it is said everywhere; with room again writes work without a restart.",
)
def disk_full(stand: Stand, outcome: Outcome) -> None:
    """A small disk, filled by another file to leave nothing, a little, and some; papers, streams, events and
    deletions."""
    rooms = [0, 48 << 10, 400 << 10, 2 << 20, 8 << 20]
    for n, room in enumerate(rooms[:: 2 if stand.settings.quick else 1]):
        source = stand.corpus_folder()
        need = sum(file.stat().st_size for file in source.rglob("*") if file.is_file()) >> 20
        with small_disk(stand, 3 * need + 64) as disk:
            folder = disk / "data"
            shutil.copytree(source, folder)
            with stand.start(folder, log=stand.work / f"disk-{n}.log") as service:
                told = Told(outcome, f"full{n}")
                well = says(service)
                outcome.must(not any(well.values()), f"trouble is told where there is none: {well}")
                for _ in range(6):
                    told.paper(service)
                before = list(told.papers)
                filler = fill(disk, room)
                failed = _until_full(outcome, service, told, stand)
                _more_while_full(outcome, service, told, before, stand)
                if failed:
                    said = says(service)
                    outcome.must(all(said.values()), f"with {room:,} bytes left, what is wrong is not said: {said}")
                outcome.must(service.get("/healthz").status == 200, "/healthz while the disk is full")
                outcome.must(service.get("/v1/search?q=memory").status == 200, "a search while the disk is full")
                filler.unlink()
                heals(outcome, service, told)
                told.compare(service)
                outcome.look_at(service)
                outcome.must(service.stop() == 0, "does not stop well afterwards")
            with stand.start(folder, log=stand.work / f"disk-{n}.log") as service:
                told.compare(service)


def _until_full(outcome: Outcome, service: Service, told: Told, stand: Stand) -> bool:
    """Writes until three writes have failed. What fails must be 507."""
    failed = 0
    for _ in range(400):
        reply = told.paper(service, 60_000)
        if not reply.ok:
            failed += 1
            _must_be_507(outcome, reply)
            if failed == 3:
                return True
    outcome.must(False, "the disk never filled")
    return False


def _must_be_507(outcome: Outcome, reply: Reply) -> None:
    good = reply.status == 507 and reply.code == "insufficient_storage"
    # One kind of miss, told once.
    text = f"an answer on a full disk: {reply.status} {reply.code}"
    if not good:
        outcome.did["not 507"] += 1
        if not any(miss.startswith(text) for miss in outcome.misses):
            outcome.must(False, f"{text}: {reply.body[:150]!r}")


def _more_while_full(outcome: Outcome, service: Service, told: Told, before: list[str], stand: Stand) -> None:
    for paper in stand.papers[:3]:
        reply = told.event(service, paper["id"])
        if not reply.ok:
            _must_be_507(outcome, reply)
    for key in before[:3]:
        reply = told.delete(service, key)
        if not reply.ok:
            _must_be_507(outcome, reply)
    papers = [{"id": f"stream/{n}", "title": f"Streamed {n}", "abstract": "many words " * 5000} for n in range(200)]
    reply = service.post("/v1/papers", corpus.ndjson(papers), NDJSON, patience=120)
    outcome.did[f"answers {reply.status}"] += 1
    if not reply.ok:
        _must_be_507(outcome, reply)


@attack(
    "faults",
    "descriptors run out",
    "No answer is 500; what is open goes on; when connections are gone, writes work without a restart.",
)
def descriptors_run_out(stand: Stand, outcome: Outcome) -> None:
    """A limit of 200 open files, and 400 connections that say nothing; meanwhile a client with a connection of before
    works."""
    with stand.serving(outcome, files=(200, 200)) as service:
        told = Told(outcome, "files")
        told.paper(service)
        with Line(service.port, 20) as line:
            line.request("GET", "/healthz")
            held = []
            for _ in range(400):
                try:
                    held.append(dial(service.port, 2))
                except OSError:
                    break
            outcome.did["connections held"] = len(held)
            time.sleep(1.0)
            for n in range(20):
                body = {
                    "id": f"line/{n}",
                    "title": f"A paper zzlineq{n}",
                    "abstract": "Written while descriptors are out",
                }
                _on_line(outcome, line, "POST", "/v1/papers", body)
                _on_line(outcome, line, "GET", "/v1/search?q=memory", None)
                _on_line(
                    outcome,
                    line,
                    "POST",
                    "/v1/users/files/events",
                    {"events": [{"paper": stand.papers[n]["id"], "kind": "like"}]},
                )
            try:
                health = service.get("/healthz", patience=5)
                outcome.figures["a new connection's /healthz"] = health.status
            except NoAnswer:
                outcome.figures["a new connection's /healthz"] = "no answer"
            for one in held:
                one.close()
        heals(outcome, service, told)
        told.compare(service)
        outcome.figures["descriptors afterwards"] = service.descriptors()


def _on_line(outcome: Outcome, line: Line, method: str, address: str, body: Any) -> None:
    try:
        reply = line.request(method, address, body)
    except NoAnswer as error:
        outcome.must(False, f"a connection from before: {error}")
        return
    outcome.did[f"answers {reply.status}"] += 1
    outcome.must(reply.status in (200, 201, 503), f"while descriptors are out: {reply}")


@attack(
    "faults", "the limit of open files is raised", "The service raises its soft limit to the hard one when it starts."
)
def limit_raised(stand: Stand, outcome: Outcome) -> None:
    """A soft limit of 256 under a hard one of 4096."""
    with stand.serving(outcome, papers=200, files=(256, 4096)) as service:
        outcome.figures["soft limit"] = service.soft_limit()
        outcome.must(service.soft_limit() == 4096, f"the soft limit is {service.soft_limit()}")


# The folder under the service.


def sockets(place: str, names: list[str]) -> list[str]:
    """Those of the names that are sockets, which cannot be copied."""
    return [name for name in names if (Path(place) / name).is_socket()]


def _removed(folder: Path) -> None:
    shutil.rmtree(folder)


def _moved(folder: Path) -> None:
    folder.rename(folder.with_name(folder.name + "-moved"))


def _replaced(folder: Path) -> None:
    copy = folder.with_name(folder.name + "-copy")
    shutil.copytree(folder, copy, ignore=sockets)
    folder.rename(folder.with_name(folder.name + "-moved"))
    copy.rename(folder)


def _database_replaced(folder: Path) -> None:
    copy = folder.with_name(folder.name + "-database")
    shutil.copy(folder / "papers.sqlite", copy)
    copy.rename(folder / "papers.sqlite")


def _database_removed(folder: Path) -> None:
    for file in folder.glob("papers.sqlite*"):
        file.unlink()


@attack(
    "faults",
    "the folder goes away",
    "Within a second every write is refused and /readyz is 503; nothing acknowledged after that is lost.",
)
def folder_goes_away(stand: Stand, outcome: Outcome) -> None:
    """Removed, moved, replaced by its copy, its database removed or replaced, while it is served."""
    for deed in (_removed, _moved, _replaced, _database_replaced, _database_removed):
        what = deed.__name__.strip("_").replace("_", " ")
        folder = stand.copy(1000)
        with stand.start(folder) as service:
            told = Told(outcome, what.replace(" ", ""))
            for paper in stand.papers[:3]:
                told.event(service, paper["id"])
            deed(folder)
            outcome.did["folders"] += 1
            time.sleep(NOTICED)
            _refuses(outcome, service, stand, what)
            outcome.look_at(service)


@attack(
    "faults",
    "the lock is removed",
    "Within a second it is noticed; a second process and the first never both write the folder.",
)
def lock_removed(stand: Stand, outcome: Outcome) -> None:
    """`lock` is removed, alone and with the sockets of the folder, and a second service started on it."""
    for also_sockets in (False, True):
        what, folder = "lock and sockets removed" if also_sockets else "lock removed", stand.copy(1000)
        with stand.start(folder) as first:
            outcome.must(first.post("/v1/users/a/events", _like(stand)).ok, "an event before")
            (folder / "lock").unlink()
            for file in [file for file in folder.rglob("*") if also_sockets and file.is_socket()]:
                file.unlink()
            try:
                with stand.start(folder, log=stand.fresh("second.log"), patience=20) as second:
                    outcome.did["second processes"] += 1
                    time.sleep(NOTICED)
                    answers = [service.post("/v1/users/b/events", _like(stand)) for service in (first, second)]
                    outcome.figures[what] = " and ".join(str(answer.status) for answer in answers)
                    if all(answer.ok for answer in answers):
                        outcome.is_wrong(f"{what}: two processes write one folder")
            except NotStarted:
                outcome.did["second processes that did not start"] += 1
            time.sleep(NOTICED)
            _refuses(outcome, first, stand, what)
            outcome.look_at(first)


def _like(stand: Stand) -> dict[str, Any]:
    return {"events": [{"paper": stand.papers[0]["id"], "kind": "like", "at": "2020-03-04T05:06:07Z"}]}


def _refuses(outcome: Outcome, service: Service, stand: Stand, what: str) -> None:
    """Every kind of write is refused, and it is said."""
    if not service.alive():
        outcome.figures[what] = "the service has ended"
        return
    writes = [
        ("an event", "POST", "/v1/users/late/events", _like(stand)),
        ("a paper", "POST", "/v1/papers", {"id": "late/1", "title": "Too late"}),
        ("a deletion", "DELETE", path("v1", "papers", stand.papers[1]["id"]), None),
        ("a user", "PUT", "/v1/users/late2", {"per_author": 2}),
        ("a user's end", "DELETE", "/v1/users/late", None),
        ("a token", "POST", "/v1/users/late/token", None),
        ("a list", "POST", "/v1/users/late/history", {"text": stand.papers[2]["id"]}),
    ]
    for name, method, address, body in writes:
        reply = service.request(method, address, body)
        outcome.did[f"answers {reply.status}"] += 1
        if reply.ok and not what.startswith("lock"):
            outcome.is_lost(f"{what}: {name} was answered {reply.status}")
        outcome.must(reply.status in (404, 503) and reply.has_error_shape(), f"{what}: {name}: {reply}")
    ready = service.get("/readyz")
    outcome.must(ready.status == 503, f"{what}: /readyz is {ready.status}")
    outcome.must(service.get("/healthz").status == 200, f"{what}: /healthz")


# The clock.


def faketime(stand: Stand) -> str:
    """The library that gives a process another clock. Raises `Skipped`."""
    for place in ("/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64", "/usr/lib"):
        library = Path(place) / "faketime" / "libfaketimeMT.so.1"
        if library.exists():
            return str(library)
    raise Skipped("needs libfaketime (`apt-get install faketime`)")


@attack(
    "faults", "clocks", "Before 1970, far ahead, and jumping: every call is answered, nothing acknowledged is lost."
)
def clocks(stand: Stand, outcome: Outcome) -> None:
    """The clock of the service is set to 1901, 1969, 2037 and 2200, and then made to jump while it works."""
    library, folder = faketime(stand), stand.copy(1000)
    told = Told(outcome, "clock")
    fixed = {"LD_PRELOAD": library, "FAKETIME_DONT_FAKE_MONOTONIC": "1", "DONT_FAKE_MONOTONIC": "1"}
    for date in ("1901-12-14 00:00:00", "1969-12-31 23:59:50", "2037-01-01 00:00:00", "2200-01-01 00:00:00"):
        try:
            with stand.start(folder, env=fixed | {"FAKETIME": "@" + date}, patience=30) as service:
                _calls(outcome, service, told, stand, date)
                outcome.look_at(service)
                outcome.must(service.stop() == 0, f"does not stop well in {date}")
        except NotStarted as error:
            outcome.must(False, f"does not start in {date}: {error}")
    clock = stand.fresh("clock")
    clock.write_text("+0")
    jumping = fixed | {"FAKETIME_TIMESTAMP_FILE": str(clock), "FAKETIME_NO_CACHE": "1"}
    with stand.start(folder, env=jumping) as service:
        for offset in ("+3650d", "-21900d", "+0", "-1d", "+1h", "-40000d", "+0"):
            clock.write_text(offset)
            time.sleep(0.3)
            _calls(outcome, service, told, stand, offset)
        outcome.look_at(service)
    with stand.start(folder) as service:
        told.compare(service)


def _calls(outcome: Outcome, service: Service, told: Told, stand: Stand, when: str) -> None:
    user = f"clock-{told.number}"
    replies = [told.paper(service), told.event(service, stand.papers[told.number % 900]["id"])]
    service.post(
        path("v1", "users", user, "events"),
        {"events": [{"paper": paper["id"], "kind": "like"} for paper in stand.papers[5:9]]},
    )
    for address in (
        "/v1/trending?window=7d",
        "/v1/papers?limit=5",
        "/v1/search?q=memory",
        "/readyz",
        "/metrics",
        "/v1/feed.atom",
        "/v1/themes",
        f"/v1/users/{user}/feed?explain=true",
        f"/v1/users/{user}/interests",
        "/v1/papers?sort=trending",
    ):
        replies.append(service.get(address))
    for reply in replies:
        outcome.did[f"answers {reply.status}"] += 1
        outcome.must(reply.status < 500, f"clock {when}: {reply}")
