"""Compares a ranker of your own with the one of the service, on what a reader liked.

    python evaluate_ranker.py --user ada --split 0.7

The likes of the reader are split by time: the earlier ones are the examples, the later ones are to be found among
other papers (drawn at random, none of which the reader has touched). Both rankers order the same papers. How well they
do it: nDCG at 10, recall at 20 and average precision, the mean over several draws of the other papers. In brackets the
interval of 95 % from bootstrapping the later likes; that of the difference says whether one is better.

Write your own ranker in place of `word_overlap`: a function that is given the examples and a paper (dicts with `title`,
`abstract` and so on) and gives a number, more for a better one.
"""

from __future__ import annotations

import argparse
import math
import random
import re
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from paperkin import Paperkin

Paper = dict[str, Any]
#: A ranker: how well a paper suits a reader who liked the examples.
Ranker = Callable[[Sequence[Paper], Paper], float]

#: Words of at least four letters say more than the others.
WORD = re.compile(r"[^\W\d_]{4,}")


def words(paper: Paper) -> Counter[str]:
    """The words of title and abstract."""
    return Counter(WORD.findall(f"{paper['title']} {paper.get('abstract') or ''}".lower()))


def word_overlap(examples: Sequence[Paper], paper: Paper) -> float:
    """An example of a ranker: the share of a paper's words that the examples have too."""
    known = Counter[str]()
    for example in examples:
        known.update(words(example).keys())
    of_paper = words(paper)
    total = sum(of_paper.values())
    return sum(count * math.log1p(known[word]) for word, count in of_paper.items()) / total if total else 0.0


class Figures(NamedTuple):
    """How good an order is."""

    ndcg_10: float
    recall_20: float
    average_precision: float


def figures(order: Sequence[str], wanted: Counter[str]) -> Figures:
    """Figures of an order. A paper that is wanted twice stands in it twice, one that is wanted no times not at all."""
    hits: list[bool] = []
    for paper in order:
        hits += [True] * wanted[paper] if paper in wanted else [False]
    count = sum(hits)
    gained = sum(1 / math.log2(place + 1) for place, hit in enumerate(hits[:10], 1) if hit)
    best = sum(1 / math.log2(place + 1) for place in range(1, min(count, 10) + 1))
    places = [place for place, hit in enumerate(hits, 1) if hit]
    precisions = [found / place for found, place in enumerate(places, 1)]
    return Figures(gained / best, sum(hits[:20]) / count, sum(precisions) / count)


def resampled(wanted: Sequence[str], chance: random.Random) -> Counter[str]:
    """As many papers, drawn from those that are wanted; the others have no place."""
    drawn = Counter(dict.fromkeys(wanted, 0))
    drawn.update(chance.choices(wanted, k=len(wanted)))
    return drawn


def mean(of: Sequence[Figures]) -> Figures:
    """The mean of each figure."""
    return Figures(*(sum(column) / len(of) for column in zip(*of, strict=True)))


def minus(one: Figures, other: Figures) -> Figures:
    """By how much one is better."""
    return Figures(*(a - b for a, b in zip(one, other, strict=True)))


def liked(client: Paperkin, user: str) -> list[str]:
    """What a reader liked or saved, the earliest first."""
    seen: dict[str, None] = {}
    for event in reversed(client.events(user, limit=500).all()):
        if event["kind"] in ("like", "save"):
            seen.setdefault(event["paper"])
        elif event["kind"] in ("dislike", "dismiss", "unsave", "clear"):
            seen.pop(event["paper"], None)
    return list(seen)


def compare(
    client: Paperkin, user: str, ranker: Ranker, *, split: float, others: int, rounds: int, draws: int, seed: int
) -> dict[str, tuple[Figures, list[Figures]]]:
    """Figures of both rankers and of their difference, each with those of resampled likes."""
    chance = random.Random(seed)
    corpus: dict[str, Paper] = {paper["id"]: dict(paper) for paper in client.papers(limit=500)}
    order = [paper for paper in liked(client, user) if paper in corpus]
    cut = round(len(order) * split)
    examples, wanted = order[:cut], order[cut:]
    if not examples or not wanted:
        raise SystemExit(f"{user} liked {len(order)} papers of the corpus: too few to split at {split}")
    touched = {event["paper"] for event in client.events(user, limit=500)}
    rest = sorted(corpus.keys() - touched)
    read = [corpus[paper] for paper in examples]
    ours, own = list[list[str]](), list[list[str]]()
    for _ in range(rounds):
        # In the order of their ids, so that none comes from how they were put together.
        candidates = sorted([*chance.sample(rest, min(others, len(rest))), *wanted])
        # Only the examples are told: what the service knows of a stored user has the later likes in it.
        answer = client.recommend(like=examples, candidates=candidates)
        ours.append([hit["id"] for hit in answer["papers"]])
        scores = {paper: ranker(read, corpus[paper]) for paper in candidates}
        own.append(sorted(candidates, key=lambda paper: -scores[paper]))
    once = Counter(wanted)
    made: dict[str, tuple[Figures, list[Figures]]] = {
        "paperkin": (mean([figures(o, once) for o in ours]), []),
        ranker.__name__: (mean([figures(o, once) for o in own]), []),
    }
    difference: list[Figures] = []
    for _ in range(draws):
        # Both are measured on the same, so that luck with it is no difference.
        drawn, k = resampled(wanted, chance), chance.randrange(rounds)
        pair = figures(ours[k], drawn), figures(own[k], drawn)
        for (_, of_draws), value in zip(made.values(), pair, strict=True):
            of_draws.append(value)
        difference.append(minus(*pair))
    made["difference"] = (minus(*(value for value, _ in made.values())), difference)
    return made


def shown(value: float, of_draws: Sequence[float]) -> str:
    """A figure with its interval of 95 %."""
    ordered = sorted(of_draws)
    low, high = ordered[int(0.025 * len(ordered))], ordered[min(len(ordered) - 1, int(0.975 * len(ordered)))]
    return f"{value:.3f} [{low:.3f}, {high:.3f}]"


def main() -> None:
    """Compares, and prints."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--user", required=True, help="a reader who liked some papers")
    asked.add_argument("--split", type=float, default=0.7, help="the share of likes that are examples (default: 0.7)")
    asked.add_argument("--others", type=int, default=500, help="other papers among which to find (default: 500)")
    asked.add_argument("--rounds", type=int, default=5, help="draws of the other papers (default: 5)")
    asked.add_argument("--draws", type=int, default=1000, help="resamplings for the interval (default: 1000)")
    asked.add_argument("--seed", type=int, default=1, help="of all that is drawn (default: 1)")
    asked.add_argument("--url", help="the service; PAPERKIN_URL where nothing is said")
    asked.add_argument("--key", help="its key; PAPERKIN_KEY where nothing is said")
    given = asked.parse_args()
    with Paperkin(given.url, given.key) as client:
        compared = compare(
            client,
            given.user,
            word_overlap,
            split=given.split,
            others=given.others,
            rounds=given.rounds,
            draws=given.draws,
            seed=given.seed,
        )
    names = ("nDCG@10", "recall@20", "MAP")
    print(f"{'':<14}" + "".join(f"{name:>26}" for name in names))
    for row, (value, of_draws) in compared.items():
        columns = [shown(figure, [drawn[k] for drawn in of_draws]) for k, figure in enumerate(value)]
        print(f"{row:<14}" + "".join(f"{column:>26}" for column in columns))


if __name__ == "__main__":
    main()
