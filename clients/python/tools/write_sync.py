"""Writes `src/paperkin/_sync` from `src/paperkin/_async`: the same calls, without `await`.

    python tools/write_sync.py [--check]

With `--check` nothing is written, and the exit status says whether the one is what the other comes to.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[1] / "src" / "paperkin"

#: What is written in place of what, in this order.
RULES = [
    (r"\basync (def|with|for)\b", r"\1"),
    (r"\bawait ", ""),
    (r"\bAwaitable\[(\w+)\]", r"\1"),
    (r"\bAwaitable, ", ""),
    (r"\bIterable\[LineLike\] \| AsyncIterable\[LineLike\]", "Iterable[LineLike]"),
    (r"\bAsyncIterable, ", ""),
    (r"\bAsyncIterator\b", "Iterator"),
    (r"\basynccontextmanager\b", "contextmanager"),
    (r"\bAsync([A-Z])", r"\1"),
    (r"\baeach\b", "each"),
    (r"\ba(close|read|iter_lines|iter_bytes)\b", r"\1"),
    (r"\b__a(enter|exit|iter)__", r"__\1__"),
    (r"from anyio import sleep", "from time import sleep"),
    (r"for asyncio or trio\b", "for programs that do one thing after another"),
    (r"\A\"\"\"The client for asyncio.*?\"\"\"", '"""Written from `_async` by `tools/write_sync.py`: change that."""'),
    (r"Every call is the one of the same name in `Paperkin`", "`AsyncPaperkin` has the same calls"),
]


def written(text: str) -> str:
    """A file of the one as a file of the other."""
    for pattern, replacement in RULES:
        text = re.sub(pattern, replacement, text, flags=re.DOTALL if pattern.startswith(r"\A") else 0)
    return text


def formatted(folder: Path) -> None:
    """Imports in order, lines filled: as the rest is."""
    ruff = [sys.executable, "-m", "ruff"]
    config = ["--config", str(SOURCE.parents[1] / "pyproject.toml")]
    subprocess.run([*ruff, "check", "-q", "--fix", "--select", "I", *config, str(folder)], check=True)
    subprocess.run([*ruff, "format", "-q", *config, str(folder)], check=True)


def main() -> int:
    """Writes, or looks."""
    with tempfile.TemporaryDirectory() as temporary:
        made = Path(temporary)
        for file in sorted((SOURCE / "_async").glob("*.py")):
            (made / file.name).write_text(written(file.read_text("utf-8")), "utf-8")
        formatted(made)
        texts = {file.name: file.read_text("utf-8") for file in made.glob("*.py")}
    target = SOURCE / "_sync"
    there = {file.name: file.read_text("utf-8") for file in target.glob("*.py")}
    if "--check" in sys.argv:
        if there != texts:
            print("src/paperkin/_sync is not what _async comes to: run tools/write_sync.py", file=sys.stderr)
        return 0 if there == texts else 1
    target.mkdir(exist_ok=True)
    for name in there.keys() - texts.keys():
        (target / name).unlink()
    for name, text in texts.items():
        (target / name).write_text(text, "utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
