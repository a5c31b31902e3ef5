"""Damage: bytes on the disk that are not as they were written.

Every answer over a damaged folder is right, or an error that tells of the damage; and no check says that all is well
when something is not. What can be made again (the index) is made again; what cannot is said.
"""

from __future__ import annotations

import random
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from collections.abc import Callable

from service import NotStarted, Service
from stand import Outcome, Progress, Stand, attack
from wire import NoAnswer, Reply, path

#: The size of a page of the database.
PAGE = 4096

#: What a sentence about damage, or about something that is missing, has in it.
TOLD = re.compile(
    r"damage|corrupt|malformed|\b(?:older|missing|lost|torn)\b|not as (?:it|they) w|checksum|built again|cut short",
    re.I,
)

#: Papers of a folder that is damaged: few, so that damage meets what is asked for.
PAPERS = 1500


# Kinds of damage. Each changes some bytes in place, and says what it did.


def flip_bits(data: bytearray, dice: random.Random) -> str:
    """One bit in each of one to twenty bytes, anywhere."""
    places = [dice.randrange(len(data)) for _ in range(dice.choice([1, 1, 3, 20]))]
    for place in places:
        data[place] ^= 1 << dice.randrange(8)
    return f"{len(places)} bits flipped at {places[0]:,}"


def change_letters(data: bytearray, dice: random.Random) -> str:
    """A letter of some text into another: what no structure notices."""
    for _ in range(10_000):
        place = dice.randrange(len(data))
        if all(97 <= byte <= 122 for byte in data[place : place + 12]) and len(data) - place > 12:
            data[place] = 97 + (data[place] - 97 + dice.randrange(1, 26)) % 26
            return f"a letter changed at {place:,}"
    return flip_bits(data, dice)


def zero_page(data: bytearray, dice: random.Random) -> str:
    """A page of zeros, as after a write that never came."""
    page = dice.randrange(max(1, len(data) // PAGE)) * PAGE
    data[page : page + PAGE] = bytes(min(PAGE, len(data) - page))
    return f"page zeroed at {page:,}"


def random_block(data: bytearray, dice: random.Random) -> str:
    """512 bytes of noise, as from a broken sector."""
    place = dice.randrange(max(1, len(data) // 512)) * 512
    data[place : place + 512] = dice.randbytes(min(512, len(data) - place))
    return f"noise at {place:,}"


def swap_pages(data: bytearray, dice: random.Random) -> str:
    """Two pages in each other's place: every byte is one that was written."""
    pages = max(2, len(data) // PAGE)
    one, other = sorted(dice.sample(range(pages), 2))
    a, b = slice(one * PAGE, one * PAGE + PAGE), slice(other * PAGE, other * PAGE + PAGE)
    if other * PAGE + PAGE <= len(data):
        data[a], data[b] = data[b], data[a]
    return f"pages {one:,} and {other:,} swapped"


def truncate(data: bytearray, dice: random.Random) -> str:
    """The end cut off."""
    kept = dice.choice([dice.randrange(len(data)), max(0, len(data) - dice.choice([1, 100, PAGE, 10 * PAGE]))])
    del data[kept:]
    return f"cut to {kept:,} bytes"


KINDS = [flip_bits, change_letters, zero_page, random_block, swap_pages, truncate]


def damage(file: Path, kind: Callable[[bytearray, random.Random], str], dice: random.Random) -> str:
    data = bytearray(file.read_bytes())
    did = kind(data, dice)
    file.write_bytes(data)
    return f"{file.name}: {did}"


# The truth of a folder, and what differs from it.


@dataclass
class Truth:
    """What a sound folder says: its export, and the answers to some questions."""

    export: dict[str, list[str]]
    answers: dict[str, tuple[int, Any]]


def exported(stand: Stand, folder: Path) -> tuple[dict[str, list[str]] | None, str]:
    """Everything that `export` writes of a folder, by file, lines sorted; None and what was said where it fails."""
    place = stand.fresh("export")
    ran = stand.binary.run(folder, "export", str(place), patience=120)
    try:
        if ran.returncode != 0:
            return None, ran.stderr
        files = [file for file in place.rglob("*.jsonl")]
        return {file.name: sorted(file.read_text(encoding="utf-8").splitlines()) for file in files}, ran.stderr
    finally:
        shutil.rmtree(place, ignore_errors=True)


def plain(reply: Reply) -> tuple[int, Any]:
    """An answer without the time it took and how it was found."""
    body = reply.json
    if isinstance(body, dict):
        body.pop("meta", None)
    return reply.status, body


def same(question: str, before: tuple[int, Any], after: tuple[int, Any]) -> bool:
    """Whether two answers are the same. Nearest neighbours are found in a graph, and a graph that was made again may
    miss others than the one before: there the best hit is the same, and nine of ten are."""
    if before == after or "mode=lexical" in question or after[0] != 200 or before[0] != 200:
        return before == after
    if not ("/search" in question or "/similar" in question):
        return False
    ids = [[hit["id"] for hit in answer[1]["papers"]] for answer in (before, after)]
    return ids[0][:1] == ids[1][:1] and len(set(ids[0]) & set(ids[1])) >= 0.9 * len(ids[0])


def truth_of(stand: Stand, folder: Path, papers: int) -> Truth:
    """Asks a sound folder everything that its damaged copies will be asked."""
    dice = random.Random(stand.settings.seed)
    some = dice.sample(stand.papers[:papers], 60)
    questions = [path("v1", "papers", paper["id"]) for paper in some[:30]]
    questions += [
        path("v1", "search", q=" ".join(paper["title"].split()[:5]), mode="lexical", limit=20) for paper in some[30:45]
    ]
    questions += [path("v1", "search", q=paper["title"], limit=10) for paper in some[45:50]]
    questions += [path("v1", "papers", paper["id"], "similar") for paper in some[50:55]]
    questions += [f"/v1/users/reader-{n}/events?limit=100" for n in range(5)] + ["/v1/papers?limit=50"]
    questions += ["/v1/users/reader-1/feed?limit=10", "/v1/users/reader-2/interests"]
    with stand.start(folder) as service:
        answers = {question: plain(service.get(question)) for question in questions}
        service.stop()
    # What a sound folder answers differently from start to start cannot be held against a damaged one.
    with stand.start(folder) as service:
        answers = {
            question: answer
            for question, answer in answers.items()
            if same(question, answer, plain(service.get(question)))
        }
        service.stop()
    whole, said = exported(stand, folder)
    if whole is None:
        raise RuntimeError(f"a sound folder cannot be exported: {said}")
    return Truth(whole, answers)


def readers(service: Service, stand: Stand, papers: int) -> None:
    """Five readers with some events each, so that there is more than papers to damage."""
    for n in range(5):
        events = [
            {
                "paper": stand.papers[(n * 37 + m * 11) % papers]["id"],
                "kind": ["like", "view", "save"][m % 3],
                "at": f"2024-03-{1 + m % 28:02}",
            }
            for m in range(60)
        ]
        service.post(f"/v1/users/reader-{n}/events", {"events": events})


def differences(before: dict[str, list[str]], after: dict[str, list[str]]) -> list[str]:
    """Lines of an export that are not as they were, and lines that are missing: a few, shortened."""
    found = []
    for name, lines in before.items():
        now = after.get(name, [])
        changed = set(now) ^ set(lines)
        if changed:
            found.append(f"{name}: {len(changed):,} lines differ ({min(changed, key=len)[:100]})")
    return found


def ask(outcome: Outcome, stand: Stand, folder: Path, truth: Truth, what: str) -> tuple[list[str], str]:
    """Asks a damaged folder everything. Gives back the answers that are wrong, and all that was said of damage."""
    wrong, told = [], ""
    log = stand.fresh("log")
    try:
        with stand.start(folder, log=log, patience=60) as service:
            for question, right in truth.answers.items():
                try:
                    reply = service.get(question, patience=30)
                except NoAnswer as error:
                    wrong.append(f"no answer: {error}")
                    continue
                if same(question, right, plain(reply)):
                    continue
                if reply.ok or reply.status == 404:
                    wrong.append(f"{question[:80]}: {reply.status} {reply.body[:160].decode(errors='replace')}")
                else:
                    told += reply.body.decode(errors="replace")
                    outcome.did["answers that were errors"] += 1
            told += service.get("/readyz").body.decode()
            told += service.said()
            for panic in service.panics()[:1]:
                outcome.must(False, f"{what}: {panic}")
            outcome.peak_mb = max(outcome.peak_mb, service.memory.peak_mb)
    except NotStarted as error:
        outcome.did["refused to open"] += 1
        told += str(error)
    except NoAnswer as error:
        wrong.append(f"no answer: {error}")
    return wrong, told


@attack(
    "faults",
    "damaged databases",
    "Every answer and exported line is right, or an error that tells of the damage; `index check` fails if one is wrong.",
)
def damaged_databases(stand: Stand, outcome: Outcome) -> None:
    """Sixty copies of a folder, each with its database damaged in another way, asked everything and exported."""
    folder = stand.copy(PAPERS)
    with stand.start(folder) as service:
        readers(service, stand, PAPERS)
        service.stop()
    truth = truth_of(stand, folder, PAPERS)
    times = stand.of(60, 12)
    progress = Progress("damaged databases", times)
    for n in range(times):
        copy, dice = stand.fresh("struck"), random.Random(f"{stand.settings.seed} {n}")
        shutil.copytree(folder, copy)
        what = damage(copy / "papers.sqlite", KINDS[n % len(KINDS)], dice)
        checked = stand.binary.run(copy, "index", "check", patience=120)
        check_fails = checked.returncode != 0
        whole, said_by_export = exported(stand, copy)
        wrong, told = ask(outcome, stand, copy, truth, what)
        if whole is not None:
            wrong += differences(truth.export, whole)
        elif not TOLD.search(said_by_export):
            outcome.must(False, f"{what}: `export` fails and does not say why: {said_by_export[:200]}")
        was_told = bool(TOLD.search(told + said_by_export + checked.stdout + checked.stderr)) and check_fails
        outcome.did["damaged"] += 1
        if wrong:
            outcome.did["silently wrong" if not was_told else "wrong, and told"] += 1
            if not was_told:
                outcome.is_wrong(f"{what}: {wrong[0]}")
            elif whole is not None:
                outcome.is_wrong(f"{what}: exported as if it were right: {wrong[-1]}")
            else:
                outcome.is_wrong(f"{what}: {wrong[0]}")
        else:
            outcome.did["harmless" if not check_fails else "told"] += 1
        outcome.must(check_fails or not wrong, f"{what}: `index check` says: {checked.stdout.strip()[-160:]}")
        shutil.rmtree(copy, ignore_errors=True)
        progress.step(what)


def _killed(stand: Stand, outcome: Outcome, with_papers: bool) -> tuple[Path, list[str], list[str]]:
    """A folder that was killed with acknowledged commits in its log: the papers written and the papers liked. Without
    papers the index has nothing to notice that something is missing."""
    folder, keys, read = stand.copy(PAPERS), [], []
    with stand.start(folder) as service:
        readers(service, stand, PAPERS)
        for n in range(60):
            if with_papers:
                paper = {"id": f"late/{n}", "title": f"Acknowledged late {n}", "abstract": "In the log. " * 20}
                if service.post("/v1/papers", paper).ok:
                    keys.append(paper["id"])
            like = {"paper": stand.papers[n]["id"], "kind": "like", "at": "2024-01-01"}
            if service.post("/v1/users/late/events", {"events": [like]}).ok:
                read.append(like["paper"])
        outcome.did["acknowledged writes"] += len(keys) + len(read)
        service.kill()
    return folder, keys, read


@attack(
    "faults",
    "damaged logs",
    "After a kill and damage to the log of the database an acknowledged commit is there, or it is said to be missing.",
)
def damaged_logs(stand: Stand, outcome: Outcome) -> None:
    """Sixty copies of a folder that was killed with commits in its log, which is flipped, zeroed, cut or removed."""
    killed = [_killed(stand, outcome, with_papers) for with_papers in (True, False)]
    if not all((folder / "papers.sqlite-wal").exists() for folder, _, _ in killed):
        outcome.must(False, "nothing was in the log")
        return
    times = stand.of(60, 12)
    progress = Progress("damaged logs", times)
    for n in range(times):
        folder, keys, read = killed[n // 6 % 2]
        copy, dice = stand.fresh("struck"), random.Random(f"log {stand.settings.seed} {n}")
        shutil.copytree(
            folder, copy, ignore=lambda place, names: [name for name in names if (Path(place) / name).is_socket()]
        )
        kinds = [flip_bits, truncate, zero_page, random_block, truncate, flip_bits]
        if n % 12 == 11:
            (copy / "papers.sqlite-wal").unlink()
            what = "the log removed"
        else:
            what = damage(copy / "papers.sqlite-wal", kinds[n % len(kinds)], dice)
        (copy / "papers.sqlite-shm").unlink(missing_ok=True)
        outcome.did["damaged"] += 1
        missing, said = [], ""
        try:
            with stand.start(copy, log=stand.fresh("log"), patience=60) as service:
                events = service.get("/v1/users/late/events?limit=500")
                known = {event["paper"] for event in events.json["events"]} if events.ok else set()
                missing = [paper for paper in read if paper not in known]
                missing += [key for key in keys if not service.get(path("v1", "papers", key)).ok]
                said = service.said() + service.get("/readyz").body.decode()
                outcome.did["opened"] += 1
        except (NotStarted, NoAnswer) as error:
            said = str(error)
            outcome.did["refused to open"] += 1
        if missing:
            told = bool(TOLD.search(said))
            outcome.did["lost commits, and said" if told else "lost commits without a word"] += 1
            if not told:
                outcome.is_lost(f"{what}: {len(missing)} acknowledged commits are missing without a word")
                checked = stand.binary.run(copy, "index", "check", patience=120)
                outcome.must(
                    checked.returncode != 0,
                    f"{what}: {len(missing)} commits are missing; `index check` says: {checked.stdout.strip()[-160:]}",
                )
        shutil.rmtree(copy, ignore_errors=True)
        progress.step(what)


@attack(
    "faults",
    "an older store",
    "A database that is put back from an older copy is said to be older, with what is missing.",
)
def older_store(stand: Stand, outcome: Outcome) -> None:
    """The database of before some acknowledged writes, under the index and everything else of after them."""
    folder = stand.copy(PAPERS)
    older = stand.fresh("before")
    shutil.copy(folder / "papers.sqlite", older)
    with stand.start(folder) as service:
        for n in range(5):
            reply = service.post(
                "/v1/users/late/events", {"events": [{"paper": stand.papers[n]["id"], "kind": "like"}]}
            )
            outcome.did["acknowledged writes"] += reply.ok
        service.stop()
    for file in folder.glob("papers.sqlite*"):
        file.unlink()
    shutil.copy(older, folder / "papers.sqlite")
    try:
        with stand.start(folder) as service:
            said = service.said() + service.get("/readyz").body.decode()
            outcome.look_at(service)
    except NotStarted as error:
        said = str(error)
    outcome.must(
        bool(TOLD.search(said)),
        f"nothing is said of {outcome.did['acknowledged writes']} writes that are missing: {said[-200:]}",
    )


@attack("faults", "damaged index files", "A damaged index is noticed and made again; every answer is right.")
def damaged_index(stand: Stand, outcome: Outcome) -> None:
    """Every file of the index of vectors and of the index of words, cut, flipped, emptied or removed."""
    folder = stand.copy(4500)
    truth = truth_of(stand, folder, 4500)
    names = [
        file.relative_to(folder)
        for part in ("index", "words")
        for file in sorted((folder / part).rglob("*"))
        if file.is_file()
    ]
    dice = random.Random(f"index {stand.settings.seed}")
    deeds = [(name, kind) for name in names for kind in (flip_bits, truncate, zero_page, None)]
    deeds = dice.sample(deeds, min(len(deeds), stand.of(60, 8)))
    progress = Progress("damaged index files", len(deeds))
    for name, kind in deeds:
        copy = stand.fresh("struck")
        shutil.copytree(folder, copy)
        if kind is None or (copy / name).stat().st_size == 0:
            (copy / name).unlink()
            what = f"{name} removed"
        else:
            what = damage(copy / name, kind, dice)
        wrong, said = ask(outcome, stand, copy, truth, what)
        outcome.did["damaged"] += 1
        outcome.did["told and healed" if TOLD.search(said) else "without a word"] += 1
        if wrong:
            outcome.is_wrong(f"{what}: {wrong[0]}")
        checked = stand.binary.run(copy, "index", "check", patience=120)
        outcome.must(checked.returncode == 0, f"{what}: not healed: {(checked.stdout + checked.stderr).strip()[-200:]}")
        shutil.rmtree(copy, ignore_errors=True)
        progress.step(what)
