#!/usr/bin/env python3
"""The campaign: everything that bad luck and bad manners do to the service, and one summary of what came of it.

    tests/campaign/run.py --binary target/release/paperkin

kills, faults, fuzz, flood, access, tls, privacy and soak, against the binary that is named, on invented papers or on a file of real
ones. Needs Python 3.10 or newer, Linux, and nothing else. `docs/reliability.md` says what each part holds.

Exit status: 0 everything held, 1 something did not, 2 wrong usage.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import summary
from service import Binary
from stand import ATTACKS, Attack, Outcome, Settings, Skipped, Stand, say

import kills  # noqa: F401  each module registers its attacks, in the order of these lines
import faults  # noqa: F401
import damage  # noqa: F401
import fuzz  # noqa: F401
import growth  # noqa: F401
import memory  # noqa: F401
import flood  # noqa: F401
import access  # noqa: F401
import tls  # noqa: F401
import privacy  # noqa: F401
import soak  # noqa: F401
import speed  # noqa: F401

PARTS = list(dict.fromkeys(attack.part for attack in ATTACKS))


def arguments() -> argparse.Namespace:
    """Reads the command line."""
    lines = (__doc__ or "").splitlines()
    parser = argparse.ArgumentParser(
        description=lines[0], epilog="\n".join(lines[2:]), formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--binary", type=Path, help="the paperkin to attack")
    parser.add_argument("--against", type=Path, metavar="BINARY", help="an older one, to compare the speed with")
    parser.add_argument(
        "--papers", type=Path, metavar="FILE.jsonl", help="real papers (JSON Lines); invented ones without"
    )
    parser.add_argument("--parts", default=",".join(PARTS), help="some of %(default)s (default: all)")
    parser.add_argument("--only", metavar="TEXT", help="only the attacks whose name holds this text")
    parser.add_argument(
        "--model", default="hash", help="the model to serve with (default: hash, which needs no transformer)"
    )
    parser.add_argument(
        "--auth", choices=["open", "keys"], default="open", help="whether services ask for keys (default: open)"
    )
    parser.add_argument(
        "--quick", action="store_true", help="a few minutes instead of an hour or two: smaller numbers of everything"
    )
    parser.add_argument("--kills", type=int, help="how many kills (default: 200; quick: 10)")
    parser.add_argument("--minutes", type=float, help="how long each soak lasts, over HTTP and over TLS (default: 20; quick: 1)")
    parser.add_argument("--seed", type=int, default=1, help="of everything that is random (default: 1)")
    parser.add_argument(
        "--stop-mb", type=float, default=5000, help="megabytes above which a service is killed (default: 5000)"
    )
    parser.add_argument("--out", type=Path, metavar="summary.json", help="where the summary goes as JSON")
    parser.add_argument(
        "--before",
        type=Path,
        action="append",
        default=[],
        metavar="summary.json",
        help="an earlier summary, whose figures go beside",
    )
    parser.add_argument("--work", type=Path, metavar="DIR", help="where folders are made (default: a temporary one)")
    parser.add_argument("--list", action="store_true", help="list the attacks, and what must hold")
    asked = parser.parse_args()
    if not asked.list and not asked.binary:
        parser.error("--binary is needed")
    unknown = set(asked.parts.split(",")) - set(PARTS)
    if unknown:
        parser.error(f"no part is called {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    return asked


def as_root() -> None:
    """Starts over as root of a namespace of its own where that is allowed: a full disk is made by mounting a small
    one."""
    if os.geteuid() == 0 or "PAPERKIN_CAMPAIGN_AS_ROOT" in os.environ or not shutil.which("unshare"):
        return
    if subprocess.run(["unshare", "-rm", "true"], capture_output=True).returncode == 0:
        os.environ["PAPERKIN_CAMPAIGN_AS_ROOT"] = "1"
        os.execvp("unshare", ["unshare", "-rm", sys.executable, *sys.argv])


def carry_out(attack: Attack, stand: Stand) -> summary.Result:
    """Makes one attack. An attack that breaks off is one that was missed."""
    say(f"{attack.part}: {attack.name}")
    outcome, began = Outcome(), time.monotonic()
    try:
        attack.deed(stand, outcome)
    except Skipped as why:
        outcome.skipped = str(why)
    except Exception as error:  # noqa: BLE001  the others are still to be made
        outcome.misses.insert(0, f"broke off: {type(error).__name__}: {error}")
        if os.environ.get("CAMPAIGN_TRACE"):
            raise
    return summary.Result(attack, outcome, time.monotonic() - began)


def main() -> int:
    asked = arguments()
    parts = asked.parts.split(",")
    chosen = [attack for attack in ATTACKS if attack.part in parts and (asked.only or "") in attack.name]
    if asked.list:
        for attack in chosen:
            print(f"{attack.part:8} {attack.name}\n         {attack.must_hold}")
        return 0
    as_root()
    settings = Settings(
        binary=Binary(asked.binary.resolve(), asked.model, asked.auth == "keys"),
        against=Binary(asked.against.resolve(), asked.model) if asked.against else None,
        papers=asked.papers,
        quick=asked.quick,
        seed=asked.seed,
        minutes=asked.minutes if asked.minutes is not None else 1 if asked.quick else 20,
        kills=asked.kills if asked.kills is not None else 10 if asked.quick else 200,
        stop_mb=asked.stop_mb,
    )
    results: list[summary.Result] = []
    with tempfile.TemporaryDirectory(prefix="paperkin-campaign-", dir=asked.work, ignore_cleanup_errors=True) as work:
        stand = Stand(settings, Path(work))
        try:
            for attack in chosen:
                results.append(carry_out(attack, stand))
                say(summary.line(results[-1]))
        except KeyboardInterrupt:
            say("interrupted; what was done so far:")
    print(summary.table(results))
    print(summary.rows(results, summary.read(asked.before)))
    if asked.out:
        summary.write(results, settings, len(stand.papers), asked.out)
    return 0 if all(result.outcome.verdict != "missed" for result in results) and len(results) == len(chosen) else 1


if __name__ == "__main__":
    sys.exit(main())
