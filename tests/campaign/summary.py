"""What came of the attacks: a table for the terminal, rows for `docs/reliability.md`, and JSON."""

from __future__ import annotations

import json
import platform
from dataclasses import dataclass
from pathlib import Path

from stand import Attack, Outcome, Settings


@dataclass
class Result:
    """An attack, what came of it, and the seconds it took."""

    attack: Attack
    outcome: Outcome
    seconds: float


def figures(outcome: Outcome) -> str:
    """Everything that was counted and measured, in one phrase."""
    told = [f"{count:,} {what}" for what, count in outcome.did.items()]
    told += [f"{name} {value:,}" if isinstance(value, (int, float)) else f"{name} {value}" for name, value in outcome.figures.items()]
    if outcome.peak_mb:
        told.append(f"peak {outcome.peak_mb:,.0f} MB")
    return "; ".join(told)


def line(result: Result) -> str:
    """One result, as soon as it is there."""
    outcome = result.outcome
    text = f"  {outcome.verdict} in {result.seconds:,.0f} s: {figures(outcome)}"
    if outcome.skipped:
        return f"  skipped: {outcome.skipped}"
    kinds = outcome.kinds()
    told = [f"\n    - {miss[:400]}" + (f" ({count:,} of this kind)" if count > 1 else "") for miss, count in kinds[:12]]
    return text + "".join(told) + (f"\n    - and {len(kinds) - 12:,} kinds more" if len(kinds) > 12 else "")


def table(results: list[Result]) -> str:
    """The summary: a line for each attack, and the sums that the bars are about."""
    head = ["part", "attack", "wrong", "5xx", "lost", "MB", "s", "verdict"]
    lines = [
        [
            result.attack.part, result.attack.name, str(result.outcome.wrong), str(result.outcome.malformed_5xx),
            str(result.outcome.lost), f"{result.outcome.peak_mb:,.0f}", f"{result.seconds:,.0f}", result.outcome.verdict,
        ]
        for result in results
    ]
    outcomes = [result.outcome for result in results]
    lines.append([
        "all", f"{len(results)} attacks", str(sum(o.wrong for o in outcomes)), str(sum(o.malformed_5xx for o in outcomes)),
        str(sum(o.lost for o in outcomes)), f"{max((o.peak_mb for o in outcomes), default=0):,.0f}",
        f"{sum(result.seconds for result in results):,.0f}", f"{sum(o.verdict == 'missed' for o in outcomes)} missed",
    ])
    widths = [max(len(row[column]) for row in [head, *lines]) for column in range(len(head))]
    left = (0, 1, 7)
    written = [
        "  ".join(cell.ljust(width) if column in left else cell.rjust(width) for column, (cell, width) in enumerate(zip(row, widths)))
        for row in [head, *lines]
    ]
    return "\n".join(["", written[0], "-" * len(written[0]), *written[1:-1], "-" * len(written[0]), written[-1], ""])


def rows(results: list[Result]) -> str:
    """Rows for the table of `docs/reliability.md`: the attack, and the cell for this binary."""
    lines = ["| attack | this binary | what holds it |", "|---|---|---|"]
    for result in results:
        outcome = result.outcome
        cell = outcome.skipped or figures(outcome) or "nothing done"
        missed = f"; **missed**: {outcome.misses[0][:120]}" if outcome.misses else ""
        cell = f"{cell}{missed}".replace("|", "\\|").replace("\n", " ")
        lines.append(f"| {result.attack.name} | {cell} | `--parts {result.attack.part} --only \"{result.attack.name}\"` |")
    return "\n".join(lines)


def write(results: list[Result], settings: Settings, papers: int, file: Path) -> None:
    """Writes everything as JSON."""
    told = {
        "binary": settings.binary.program.name,
        "model": settings.binary.model,
        "papers": papers,
        "quick": settings.quick,
        "seed": settings.seed,
        "python": platform.python_version(),
        "attacks": [
            {
                "part": result.attack.part, "name": result.attack.name, "must_hold": result.attack.must_hold,
                "verdict": result.outcome.verdict, "seconds": round(result.seconds, 1), "did": dict(result.outcome.did),
                "figures": result.outcome.figures, "wrong": result.outcome.wrong, "lost": result.outcome.lost,
                "malformed_5xx": result.outcome.malformed_5xx, "peak_mb": round(result.outcome.peak_mb),
                "misses": [{"first": miss, "count": count} for miss, count in result.outcome.kinds()[:100]], "skipped": result.outcome.skipped,
            }
            for result in results
        ],
    }
    file.write_text(json.dumps(told, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
