"""Small input, gigabytes of memory: none of it brings the service, or a command, above the bar."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from itertools import chain
from pathlib import Path
from typing import Any
from collections.abc import Iterable, Iterator

from service import Service, Watched, environment
from stand import MEMORY_BAR, Outcome, Skipped, Stand, attack
from wire import JSON, NDJSON, NoAnswer


def command(stand: Stand, outcome: Outcome, folder: Path, *arguments: str, patience: float = 300.0) -> str:
    """Runs a command and watches its memory. Gives back what it said on stderr."""
    said = stand.fresh("said")
    with said.open("wb") as err:
        process = subprocess.Popen(
            stand.binary.arguments(folder, *arguments),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=err,
            env=environment(),
        )
        watched = Watched(process, stand.settings.stop_mb)
        try:
            process.wait(patience)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            outcome.must(False, f"still running after {patience:.0f} s")
    watched.end()
    outcome.peak_mb = max(outcome.peak_mb, watched.peak_mb)
    outcome.figures["exit status"] = process.returncode
    outcome.must(not watched.overran, f"stopped above {stand.settings.stop_mb:,.0f} MB")
    outcome.must(watched.peak_mb <= MEMORY_BAR, f"{watched.peak_mb:,.0f} MB; the bar is {MEMORY_BAR:,.0f} MB")
    text = said.read_text(errors="replace")
    outcome.must("panicked" not in text, f"a panic: {text[-300:]}")
    return text


def post(outcome: Outcome, service: Service, address: str, body: bytes | Any, kind: str = JSON) -> None:
    """Sends something heavy. Any answer that is no internal error is good, if the memory is."""
    began = time.monotonic()
    try:
        reply = service.post(address, body, kind, patience=180)
    except NoAnswer as error:
        outcome.must(service.memory.overran, f"no answer: {error}")
        return
    outcome.did[f"answers {reply.status}"] += 1
    outcome.figures["slowest s"] = round(max(float(outcome.figures.get("slowest s", 0)), time.monotonic() - began), 1)
    if reply.status >= 500 and reply.status not in (503, 507):
        outcome.failed(str(reply))
    outcome.must(reply.ok or reply.has_error_shape(), f"an error of another shape: {reply}")


def deep_lines(lines: int, size: int) -> Iterator[bytes]:
    """Lines of so many bytes, each a paper with an unknown field of small nested things."""
    piece = b'[{"a":1}],'
    for n in range(lines):
        yield b'{"id":"deep/%d","title":"Deep","x":[' % n + piece * (size // len(piece)) + b"0]}\n"


@attack("fuzz", "ten lines of 16.6 MB, ingested", "`ingest` of ten lines with deep unknown fields stays under 1.5 GB.")
def deep_lines_ingested(stand: Stand, outcome: Outcome) -> None:
    """A file of 166 MB."""
    file = stand.fresh("deep.jsonl").with_suffix(".jsonl")
    with file.open("wb") as written:
        written.writelines(deep_lines(10, 16_600_000))
    command(stand, outcome, stand.copy(), "ingest", str(file))
    file.unlink()


@attack("fuzz", "ten lines of 16.6 MB, posted", "A stream of ten lines with deep unknown fields stays under 1.5 GB.")
def deep_lines_posted(stand: Stand, outcome: Outcome) -> None:
    """The same as a stream, and as JSON of 15 MB."""
    with stand.serving(outcome) as service:
        post(outcome, service, "/v1/papers", b"".join(deep_lines(10, 16_600_000)), NDJSON)
        line = next(deep_lines(1, 15_000_000)).strip()
        for _ in range(3):
            post(outcome, service, "/v1/papers", line)
            post(outcome, service, "/v1/search", b'{"q":"x","filter":{"y":[' + b'[{"a":1}],' * 1_500_000 + b"0]}}")
            post(outcome, service, "/v1/recommend", b'{"text":["x"],"like":[' + b"{}," * 5_000_000 + b"{}]}")


def packed(pieces: Iterable[bytes], file: Path) -> None:
    """Writes pieces into a file of Zstandard. Raises `Skipped` without the program."""
    if not shutil.which("zstd"):
        raise Skipped("needs the program `zstd`")
    with subprocess.Popen(["zstd", "-q", "-f", "-o", str(file), "-"], stdin=subprocess.PIPE) as packer:
        assert packer.stdin is not None
        for piece in pieces:
            packer.stdin.write(piece)


@attack(
    "fuzz", "354 kB of zstd", "A small file that unpacks to gigabytes is read in little memory, or refused with a word."
)
def compressed(stand: Stand, outcome: Outcome) -> None:
    """Gigabytes of spaces, of one string, of deep lines, and many empty papers, each packed by `zstd`."""
    gigabytes = stand.of(4, 2)
    bombs: list[tuple[str, Iterable[bytes]]] = [
        ("deep lines", deep_lines(60 * gigabytes, 16_000_000)),
        ("spaces", (b" " * (1 << 20) for _ in range(gigabytes << 10))),
        ("a string", chain([b'{"id":"z","title":"'], (b"a" * (1 << 20) for _ in range(gigabytes << 10)), [b'"}\n'])),
        ("empty papers", (b"{}\n" * (1 << 18) for _ in range(50 * gigabytes))),
    ]
    for name, pieces in bombs:
        file = stand.fresh("bomb").with_suffix(".jsonl.zst")
        packed(pieces, file)
        outcome.figures[f"{name}, kB"] = file.stat().st_size >> 10
        said = command(stand, outcome, stand.copy(1000), "ingest", str(file))
        outcome.must(said.strip() != "", f"{name}: nothing is said")
        file.unlink()


@attack(
    "fuzz",
    "a title of 8 MB",
    "A title, an abstract, authors and other fields have bounds; beyond them it is told, under 1.5 GB and soon.",
)
def long_fields(stand: Stand, outcome: Outcome) -> None:
    """Each field of a paper, of 8 MB of short words."""
    words = " ".join(f"w{n % 1_000_000:x}" for n in range(1_300_000))[: 8 << 20]
    many = words.split(" ")
    papers: list[dict[str, Any]] = [
        {"title": words},
        {"title": "x", "abstract": words},
        {"title": "x", "authors": many},
        {"title": "x", "categories": many},
        {"title": "x", "keywords": many},
        {"title": "x", "venue": words},
        {"title": "x", "extra": {"y": words}},
        {"title": "x", "note": words},
        {"title": "x", "url": words},
        {"title": "x", "organization": words},
        {"title": "x", "authors": [{"given": words, "family": words}]},
    ]
    with stand.serving(outcome) as service:
        for n, paper in enumerate(papers):
            post(outcome, service, "/v1/papers", json.dumps({"id": f"long/{n}"} | paper).encode())
            post(outcome, service, "/v1/papers", json.dumps({"id": f"long/s{n}"} | paper).encode() + b"\n", NDJSON)
        outcome.must(
            float(outcome.figures.get("slowest s", 0)) <= 30, f"{outcome.figures.get('slowest s')} s for one paper"
        )
        post(outcome, service, "/v1/search", {"q": words[: 4 << 20]})
        post(outcome, service, "/v1/embed", {"inputs": [words[: 1 << 20]] * 12})


@attack(
    "fuzz", "1,000 ids of 500 hits", "The product of ids and hits is bounded, and a long answer takes little memory."
)
def long_answers(stand: Stand, outcome: Outcome) -> None:
    """`similar/batch` at its bounds, read to the end."""
    ids = [paper["id"] for paper in stand.papers[:1000]]
    with stand.serving(outcome) as service:
        for count, limit in ((1000, 500), (1000, 20), (40, 500)):
            post(outcome, service, "/v1/similar/batch", {"ids": ids[:count], "limit": limit, "explain": True})


@attack("fuzz", "five million one-letter ids", "A reading list of tiny references stays under 1.5 GB.")
def tiny_references(stand: Stand, outcome: Outcome) -> None:
    """10 MB of one-letter lines, and the same of other tiny references; looked at and taken in."""
    with stand.serving(outcome) as service:
        for body in (
            b"a\n" * 5_000_000,
            b"1\n" * 5_000_000,
            b"@a{b,title=c}\n" * 1_000_000,
            b"title\n" + b"a\n" * 5_000_000,
        ):
            for query in ("?dry_run=true", ""):
                post(outcome, service, f"/v1/users/tiny/history{query}", body, "text/plain")
