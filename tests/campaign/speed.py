"""Speed without an attack, beside another binary: protection must not cost those who do nothing wrong.

The two take turns, so that what the machine does meanwhile falls on both; medians of the turns are compared.
"""

from __future__ import annotations

import time
from collections import defaultdict

import corpus
from crowd import Role, play
from figures import median
from service import Binary
from stand import Outcome, Progress, Skipped, Stand, attack
from wire import head, path

#: How much worse a median may be.
NOISE = 1.10


def turn(stand: Stand, binary: Binary) -> dict[str, float]:
    """One turn of a binary: latency with one client, throughput with eight, and a whole ingest."""
    requests = [
        head("GET", path("v1", "search", q=" ".join(paper["title"].split()[:4]), limit=10))
        for paper in stand.papers[:1]
    ]
    file = stand.work / "speed.jsonl"
    if not file.exists():
        corpus.write(stand.papers, file)
    folder = stand.fresh("ingested")
    began = time.monotonic()
    ran = binary.run(folder, "ingest", str(file))
    if ran.returncode != 0:
        raise RuntimeError(ran.stderr)
    figures = {"ingest s": time.monotonic() - began}
    with stand.start(stand.copy(binary=binary), binary=binary) as service:
        play(service.port, [Role("warm", requests[0])], 1)
        alone = play(service.port, [Role("search", requests[0])], stand.of(10, 4))["search"]
        figures["search p50 ms"] = alone.p50_ms(200)
        figures["search p99 ms"] = alone.p99_ms(200)
        seconds = stand.of(10, 4)
        many = play(service.port, [Role("search", requests[0], connections=8)], seconds)["search"]
        figures["searches 1/s"] = many.count(200) / seconds
        service.stop()
    return figures


@attack(
    "speed",
    "beside another binary",
    "Median latency, throughput and ingest are within noise (10 %) of the other binary's.",
)
def beside_another(stand: Stand, outcome: Outcome) -> None:
    """Turns of the two, one after the other."""
    other = stand.settings.against
    if other is None:
        raise Skipped("needs --against OTHER_BINARY")
    turns = stand.of(5, 2)
    told: dict[str, dict[str, list[float]]] = {"this": defaultdict(list), "other": defaultdict(list)}
    progress = Progress("turns", 2 * turns)
    for n in range(turns):
        # Who comes first changes from turn to turn.
        pair = [("this", stand.binary), ("other", other)]
        for name, binary in pair if n % 2 else reversed(pair):
            for figure, value in turn(stand, binary).items():
                told[name][figure].append(value)
            progress.step()
    for figure in told["this"]:
        this, that = median(told["this"][figure]), median(told["other"][figure])
        outcome.figures[figure] = f"{this:,.2f} (other {that:,.2f})"
        worse = that / this if figure.endswith("1/s") else this / that
        if "p99" not in figure:
            outcome.must(worse <= NOISE, f"{figure}: {this:,.2f}; the other has {that:,.2f}")
    outcome.did["turns"] = 2 * turns
