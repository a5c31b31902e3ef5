"""Where attacks stand: their registry, what each finds, and the folders and services they work on."""

from __future__ import annotations

import random
import re
import shutil
import sys
import time
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from collections.abc import Callable, Iterator

import corpus
from service import Binary, Service

#: No attack may bring the service above this, in megabytes.
MEMORY_BAR = 1500.0


class Skipped(Exception):
    """An attack that cannot be made on this machine; the text says what is missing."""


@dataclass
class Outcome:
    """What came of an attack. It held when nothing was missed."""

    did: Counter[str] = field(default_factory=Counter)
    figures: dict[str, float | int | str] = field(default_factory=dict)
    wrong: int = 0
    lost: int = 0
    malformed_5xx: int = 0
    peak_mb: float = 0.0
    misses: list[str] = field(default_factory=list)
    skipped: str = ""

    def must(self, held: bool, otherwise: str) -> bool:
        """Notes what was missed where something does not hold; gives back whether it does."""
        if not held:
            self.misses.append(otherwise)
        return held

    def is_wrong(self, what: str) -> None:
        """Counts a wrong answer."""
        self.wrong += 1
        self.misses.append(f"wrong: {what}")

    def is_lost(self, what: str) -> None:
        """Counts an acknowledged write that is not there."""
        self.lost += 1
        self.misses.append(f"lost: {what}")

    def failed(self, what: str) -> None:
        """Counts an internal error, or no answer at all, to something malformed."""
        self.malformed_5xx += 1
        self.misses.append(f"failed: {what}")

    def look_at(self, service: Service, bar_mb: float = MEMORY_BAR) -> None:
        """Takes over the peak of a service's memory and its panics."""
        self.peak_mb = max(self.peak_mb, service.memory.peak_mb)
        self.must(not service.memory.overran, f"stopped above {service.memory.stop_mb:,.0f} MB")
        self.must(service.memory.peak_mb <= bar_mb, f"{service.memory.peak_mb:,.0f} MB; the bar is {bar_mb:,.0f} MB")
        self.must("couldn't find segment" not in service.said(), "the log warns of segments of the index of words")
        for panic in service.panics()[:3]:
            self.must(False, f"panic: {panic}")

    def kinds(self) -> list[tuple[str, int]]:
        """The misses by kind, the first of each with how many there are: those that differ in numbers and names are
        one."""
        firsts: dict[str, list[str]] = {}
        for miss in self.misses:
            firsts.setdefault(re.sub(r"\d+|'[^']*'|\"[^\"]*\"", "#", miss)[:90], []).append(miss)
        return [(alike[0], len(alike)) for alike in firsts.values()]

    @property
    def verdict(self) -> str:
        return "skipped" if self.skipped else "missed" if self.misses else "held"


@dataclass(frozen=True)
class Attack:
    """One attack: its part, its name, the sentence of what must hold, and the deed."""

    part: str
    name: str
    must_hold: str
    deed: Callable[[Stand, Outcome], None]


#: Every attack, in the order in which the modules define them.
ATTACKS: list[Attack] = []


def attack(part: str, name: str, must_hold: str) -> Callable[[Callable[[Stand, Outcome], None]], Callable[..., None]]:
    """Registers a function as an attack."""

    def register(deed: Callable[[Stand, Outcome], None]) -> Callable[..., None]:
        ATTACKS.append(Attack(part, name, must_hold, deed))
        return deed

    return register


@dataclass
class Settings:
    """What the command line asked for."""

    binary: Binary
    against: Binary | None
    papers: Path | None
    quick: bool
    seed: int
    minutes: float
    kills: int
    stop_mb: float


class Stand:
    """A working folder, the corpus in it, and the services that attacks start on copies of it."""

    def __init__(self, settings: Settings, work: Path) -> None:
        self.settings, self.work, self.binary = settings, work, settings.binary
        self.papers = corpus.load(settings.papers) if settings.papers else corpus.invent(settings.seed)
        self.random = random.Random(settings.seed)
        self._made: dict[tuple[str, int], Path] = {}
        self._copies = 0

    def of(self, full: int, quick: int) -> int:
        """How often something is done: in the whole campaign, or in a quick one."""
        return quick if self.settings.quick else full

    def corpus_folder(self, papers: int | None = None, binary: Binary | None = None) -> Path:
        """A data folder with the first `papers` of the corpus, else all; made once. Not to be opened: copy it."""
        binary = binary or self.binary
        key = (str(binary.program), papers or len(self.papers))
        if key not in self._made:
            folder = self.work / f"corpus-{len(self._made)}"
            file = self.work / f"corpus-{len(self._made)}.jsonl"
            corpus.write(self.papers[:papers], file)
            say(f"ingesting {min(key[1], len(self.papers)):,} papers")
            ran = binary.run(folder, "ingest", str(file))
            if ran.returncode != 0:
                raise RuntimeError(f"the corpus cannot be ingested: {ran.stderr}")
            self._made[key] = folder
        return self._made[key]

    def copy(self, papers: int | None = None, binary: Binary | None = None) -> Path:
        """A fresh copy of that folder, for one use."""
        folder = self.fresh("folder")
        shutil.copytree(self.corpus_folder(papers, binary), folder)
        return folder

    def fresh(self, name: str) -> Path:
        """A path in the working folder that nothing has yet."""
        self._copies += 1
        return self.work / f"{name}-{self._copies}"

    def start(self, folder: Path, **how: Any) -> Service:
        """Starts a service on a folder; `how` as of `Service`, whose log is beside the folder unless said otherwise."""
        how.setdefault("stop_mb", self.settings.stop_mb)
        how.setdefault("log", folder.parent / f"{folder.name}.log")
        return Service(how.pop("binary", self.binary), folder, **how)

    @contextmanager
    def serving(self, outcome: Outcome, papers: int | None = None, **how: Any) -> Iterator[Service]:
        """A service on a fresh copy of the corpus, whose memory and panics count in the outcome; gone afterwards."""
        folder = self.copy(papers)
        with self.start(folder, **how) as service:
            try:
                yield service
            finally:
                outcome.look_at(service)
        shutil.rmtree(folder, ignore_errors=True)


def say(text: str) -> None:
    """Tells the person who waits, on stderr."""
    clear = "\r\x1b[K" if sys.stderr.isatty() else ""
    print(f"{clear}{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


class Progress:
    """How far an attack is and how long it still takes, on one line of stderr."""

    def __init__(self, what: str, total: float) -> None:
        self.what, self.total, self.done = what, total, 0.0
        self._began = self._told = time.monotonic()

    def to(self, done: float, note: str = "") -> None:
        self.done = done
        now, terminal = time.monotonic(), sys.stderr.isatty()
        if now - self._told < (0.5 if terminal else 30):
            return
        self._told = now
        left = (now - self._began) / max(done, 1e-9) * max(self.total - done, 0)
        text = f"  {self.what}: {done:,.0f} of {self.total:,.0f}{f', {left:,.0f} s left' if done else ''}  {note}"
        print(f"\r\x1b[K{text}" if terminal else text, end="" if terminal else "\n", file=sys.stderr, flush=True)

    def step(self, note: str = "") -> None:
        self.to(self.done + 1, note)
