"""What came of the attacks: a table for the terminal, rows for `docs/reliability.md`, and JSON."""

from __future__ import annotations

import json
import platform
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stand import Attack, Outcome, Settings


@dataclass
class Result:
    """An attack, what came of it, and the seconds it took."""

    attack: Attack
    outcome: Outcome
    seconds: float

    def as_json(self) -> dict[str, Any]:
        outcome = self.outcome
        # No answers have no percentile.
        figures = {name: "none" if value != value else value for name, value in outcome.figures.items()}
        return {
            "part": self.attack.part,
            "name": self.attack.name,
            "must_hold": self.attack.must_hold,
            "verdict": outcome.verdict,
            "seconds": round(self.seconds, 1),
            "did": dict(outcome.did),
            "figures": figures,
            "wrong": outcome.wrong,
            "lost": outcome.lost,
            "malformed_5xx": outcome.malformed_5xx,
            "peak_mb": round(outcome.peak_mb),
            "skipped": outcome.skipped,
            "misses": [{"first": miss, "count": count} for miss, count in outcome.kinds()[:100]],
        }


def told(result: dict[str, Any]) -> str:
    """Everything that was counted and measured, in one phrase; of a result as JSON, which may be of another day."""
    phrases = [f"{count:,} {what}" for what, count in result["did"].items()]
    phrases += [
        f"{name} {value:,}" if isinstance(value, (int, float)) else f"{name} {value}"
        for name, value in result["figures"].items()
    ]
    phrases += [
        f"{result[name]:,} {name.replace('malformed_5xx', 'internal errors')}"
        for name in ("wrong", "lost", "malformed_5xx")
        if result[name]
    ]
    if result["peak_mb"]:
        phrases.append(f"peak {result['peak_mb']:,} MB")
    return result["skipped"] or "; ".join(phrases) or "nothing done"


def line(result: Result) -> str:
    """One result, as soon as it is there: its figures, and what was missed by kind."""
    outcome = result.outcome
    text = f"  {outcome.verdict} in {result.seconds:,.0f} s: {told(result.as_json())}"
    kinds = outcome.kinds()
    missed = [
        f"\n    - {miss[:400]}" + (f" ({count:,} of this kind)" if count > 1 else "") for miss, count in kinds[:12]
    ]
    return text + "".join(missed) + (f"\n    - and {len(kinds) - 12:,} kinds more" if len(kinds) > 12 else "")


def table(results: list[Result]) -> str:
    """The summary: a line for each attack, and the sums that the bars are about."""
    head = ["part", "attack", "wrong", "5xx", "lost", "MB", "s", "verdict"]
    lines = [
        [
            result.attack.part,
            result.attack.name,
            str(result.outcome.wrong),
            str(result.outcome.malformed_5xx),
            str(result.outcome.lost),
            f"{result.outcome.peak_mb:,.0f}",
            f"{result.seconds:,.0f}",
            result.outcome.verdict,
        ]
        for result in results
    ]
    outcomes = [result.outcome for result in results]
    lines.append(
        [
            "all",
            f"{len(results)} attacks",
            str(sum(o.wrong for o in outcomes)),
            str(sum(o.malformed_5xx for o in outcomes)),
            str(sum(o.lost for o in outcomes)),
            f"{max((o.peak_mb for o in outcomes), default=0):,.0f}",
            f"{sum(result.seconds for result in results):,.0f}",
            f"{sum(o.verdict == 'missed' for o in outcomes)} missed",
        ]
    )
    widths = [max(len(row[column]) for row in [head, *lines]) for column in range(len(head))]
    left = (0, 1, 7)
    written = [
        "  ".join(
            cell.ljust(width) if column in left else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths))
        )
        for row in [head, *lines]
    ]
    return "\n".join(["", written[0], "-" * len(written[0]), *written[1:-1], "-" * len(written[0]), written[-1], ""])


def rows(results: list[Result], before: list[dict[str, Any]]) -> str:
    """Rows for the table of `docs/reliability.md`; `before` are the attacks of an earlier summary."""
    earlier = {result["name"]: cell(result) for result in before}
    lines = ["| attack | before | after | what holds it |", "|---|---|---|---|"]
    for result in (result.as_json() for result in results):
        lines.append(
            f"| {result['name']} | {earlier.get(result['name'], '')} | {cell(result)} | campaign: {result['part']} |"
        )
    return "\n".join(lines)


def cell(result: dict[str, Any]) -> str:
    """A result as the cell of a table: its figures, and the first that was missed."""
    missed = f"; **missed**: {result['misses'][0]['first'][:120]}" if result["misses"] else ""
    return (told(result) + missed).replace("|", "\\|").replace("\n", " ")


def read(files: list[Path]) -> list[dict[str, Any]]:
    """The attacks of some summaries; of one that is in several, the last counts."""
    attacks = {
        attack["name"]: attack for file in files for attack in json.loads(file.read_text(encoding="utf-8"))["attacks"]
    }
    return list(attacks.values())


def write(results: list[Result], settings: Settings, papers: int, file: Path) -> None:
    """Writes everything as JSON."""
    summary = {
        "binary": settings.binary.program.name,
        "model": settings.binary.model,
        "auth": "keys" if settings.binary.keys else "open",
        "papers": papers,
        "quick": settings.quick,
        "seed": settings.seed,
        "python": platform.python_version(),
        "attacks": [result.as_json() for result in results],
    }
    file.write_text(json.dumps(summary, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
