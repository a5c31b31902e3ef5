"""A day's feed from a .bib file: what you have read says what you want to read.

    python feed_from_bib.py library.bib --user ada --date 2026-08-28

First it is shown what would be understood of the file; with --dry-run that is all. Then the file goes into the
history of the user, and their feed is printed, each paper with the reasons for it. What an import brought can be taken
back with `client.undo_import(user, id)`.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from paperkin import Paperkin
from paperkin.types import Hit, Imported

#: What a reason is called, by its kind, where it has no words of its own.
KINDS = {
    "background": "papers at large",
    "exact": "found by its name",
    "feedback": "what you opened or passed over",
    "others": "other readers",
    "recency": "new",
    "rest": "the rest",
    "vector": "its meaning",
    "votes": "votes",
}


def understood(preview: Imported) -> str:
    """What would become of a reading list, entry by entry."""
    lines = [f"{preview['total']} entries, read as {preview['format']}:"]
    for entry in preview.get("entries", []):
        about = entry.get("title") or entry.get("key") or ""
        became = {
            "matched": f"is {entry.get('paper')}, by its {entry.get('by')}",
            "missing": "is not in the corpus",
            "rejected": f"cannot be read: {entry.get('reason')}",
        }[entry["status"]]
        lines.append(f"  line {entry['line']:>4}  {about[:60]:<60}  {became}")
    return "\n".join(lines)


def reasons(hit: Hit, most: int = 3) -> str:
    """What a score is made of, the greatest parts first."""
    why = hit.get("why")
    if not why:
        return ""
    said = []
    for part in sorted(why["parts"], key=lambda part: -part["value"])[:most]:
        if part["value"] <= 0:
            continue
        if part["kind"] == "paper":
            words = f"like “{part['title'][:60]}”"
        elif part["kind"] == "term":
            words = f"“{part['term']}”"
        elif part["kind"] == "text":
            words = f"“{part['text'][:40]}”"
        elif part["kind"] == "follow":
            words = f"you follow {part['name']}"
        else:
            words = KINDS.get(part["kind"], part["kind"])
        said.append(f"{words} {part['value']:+.2f}")
    interest = why.get("interest")
    return (f"[{interest['name']}] " if interest else "") + ", ".join(said)


def main() -> None:
    """Shows, imports, and prints the feed."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("file", type=Path, help="a .bib file; any other reading list does as well")
    asked.add_argument("--user", default="me", help="for whom; made if new (default: me)")
    asked.add_argument("--date", help="the day, month or year of the feed; all papers where nothing is said")
    asked.add_argument("--limit", type=int, default=10, help="papers in it (default: 10)")
    asked.add_argument("--dry-run", action="store_true", help="say only what would be understood of the file")
    asked.add_argument("--url", help="the service; PAPERKIN_URL where nothing is said")
    asked.add_argument("--key", help="its key; PAPERKIN_KEY where nothing is said")
    given = asked.parse_args()
    with Paperkin(given.url, given.key) as client:
        print(understood(client.import_history(given.user, given.file, dry_run=True)))
        if given.dry_run:
            return
        # What is not in the corpus teaches as well, once it is embedded.
        done = client.import_history(given.user, given.file, kind="like", embed_missing=True)
        taught = len(done["matched"]) + done["embedded"]
        print(f"\ntaken in as import {done.get('import')}: {taught} papers say what {given.user} likes\n")
        feed = client.feed(given.user, date=given.date, limit=given.limit, explain=True)
    for place, hit in enumerate(feed["papers"], 1):
        print(f"{place:>3}. {hit['title']}")
        print(f"     {hit.get('listed') or hit.get('date') or 'undated'} · {hit['id']} · {hit['score']:.2f}")
        print(f"     {reasons(hit)}")
    if not feed["papers"]:
        print(f"nothing for {given.user} of {given.date or 'any day'}")


if __name__ == "__main__":
    main()
