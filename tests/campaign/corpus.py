"""The papers that attacks are made on: invented ones, or a file of real ones.

Nothing of the invented corpus exists: titles, abstracts, people and venues are put together from lists of words by a
seeded generator, so that the same seed gives the same papers on every machine.
"""

from __future__ import annotations

import hashlib
import json
import random
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from collections.abc import Iterable

Paper = dict[str, Any]

#: How many papers are invented: as many as in the corpus of the first campaign.
INVENTED = 9600

_FIELDS = {
    "cs.CV": "image video depth segmentation camera texture rendering pixel scene stereo pose saliency denoising mask",
    "cs.CL": "language dialogue translation syntax corpus grammar summary token speech sentiment prompt lexicon",
    "cs.LG": "gradient kernel sampling regularisation embedding transformer loss pruning curriculum ensemble dropout",
    "cs.RO": "robot gripper locomotion planner trajectory tactile swarm actuator terrain navigation torque",
    "cs.DB": "query index transaction join storage cache replication log schema partition throughput recovery snapshot",
    "q-bio.NC": "cortex spike sleep memory hippocampus synapse dendrite rhythm attention plasticity spindle recall",
    "quant-ph": "qubit entanglement decoder photon cavity lattice decoherence magic stabiliser fidelity measurement",
    "astro-ph": "galaxy redshift dust halo supernova lensing survey spectrum pulsar merger accretion nebula orbit",
    "math.OC": "convex duality constraint relaxation simplex saddle barrier subgradient horizon control stochastic",
    "econ.GN": "auction market tariff wage welfare contract incentive migration pension inequality inflation credit",
}
_VERBS = [
    "Learning",
    "Measuring",
    "Predicting",
    "Compressing",
    "Aligning",
    "Tracing",
    "Bounding",
    "Untangling",
    "Sampling",
    "Repairing",
]
_MANNERS = [
    "sparse",
    "robust",
    "slow",
    "causal",
    "hidden",
    "shared",
    "local",
    "adaptive",
    "frozen",
    "noisy",
    "cheap",
    "exact",
    "distant",
    "quiet",
]
_GLUE = ["with", "for", "under", "without", "across", "beyond", "from", "against"]
_GIVEN = [
    "Ada",
    "Bo",
    "Chiara",
    "Dmitri",
    "Esi",
    "Farid",
    "Greta",
    "Hana",
    "Ivo",
    "Jun",
    "Kwame",
    "Lucía",
    "Mirela",
    "Noor",
    "Otto",
    "Priya",
    "Quirin",
    "Rosa",
    "Sven",
    "Tariq",
]
_FAMILY = [
    "Abernethal",
    "Brandvik",
    "Castellune",
    "Dravinsky",
    "Ekströmer",
    "Fenwickham",
    "Gàlvany",
    "Hollandris",
    "Iwasakiru",
    "Jablonowitz",
    "Kerrimont",
    "Lindqvarn",
    "Mbekani",
    "Nakahiro",
    "Oberthaler",
    "Pellegrand",
    "Quintavalle",
    "Rosendahlia",
    "Szymonek",
    "Tavarishvili",
    "Ulbrichsen",
    "Vantongren",
]
_VENUES = [
    "Annals of Invented Results",
    "Proceedings of Nowhere",
    "Journal of Made-up Science",
    "Letters from Elsewhere",
]


def invent(seed: int, count: int = INVENTED) -> list[Paper]:
    """So many invented papers. The first one's id is `invented/0`."""
    dice = random.Random(f"corpus {seed}")
    fields = {name: words.split() for name, words in _FIELDS.items()}
    names = [f"{given} {family}" for given in _GIVEN for family in _FAMILY]
    return [_paper(dice, number, fields, names) for number in range(count)]


def _paper(dice: random.Random, number: int, fields: dict[str, list[str]], names: list[str]) -> Paper:
    category = dice.choice(list(fields))
    words = fields[category] + dice.sample(fields[dice.choice(list(fields))], 3)
    day = date(2024, 1, 1) + timedelta(days=number * 900 // INVENTED)
    title = (
        f"{dice.choice(_VERBS)} {dice.choice(_MANNERS)} {dice.choice(words)} {dice.choice(_GLUE)} "
        f"{dice.choice(words)} {dice.choice(words)}"
    )
    sentences = [
        f"We study {dice.choice(_MANNERS)} {dice.choice(words)} {dice.choice(_GLUE)} {dice.choice(words)} and "
        f"{dice.choice(words)}, where {dice.choice(_MANNERS)} {dice.choice(words)} changes {dice.choice(words)}."
        for _ in range(dice.randint(4, 9))
    ]
    return {
        "id": f"invented/{number}",
        "title": title,
        "abstract": " ".join(sentences),
        "authors": dice.sample(names, dice.randint(1, 6)),
        "date": day.isoformat(),
        "listed": (day + timedelta(days=dice.randint(0, 4))).isoformat(),
        "categories": [category] + ([dice.choice(list(fields))] if dice.random() < 0.3 else []),
        "keywords": dice.sample(words, 3),
        "venue": dice.choice(_VENUES),
        "upvotes": int(dice.expovariate(1 / 8)),
        "comments": int(dice.expovariate(1 / 2)),
    }


def unique_word(*parts: object) -> str:
    """A word of twelve letters that stands for the parts and for nothing else. Without digits: a search may take a word with
    digits apart, and find others by its pieces."""
    digest = hashlib.sha256(repr(parts).encode()).digest()
    return "zz" + "".join(chr(97 + byte % 26) for byte in digest[:10])


def load(file: Path) -> list[Paper]:
    """The papers of a JSON Lines file, unpacked."""
    with file.open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines if line.strip()]


def write(papers: Iterable[Paper], file: Path) -> None:
    """Writes papers as JSON Lines."""
    with file.open("w", encoding="utf-8") as lines:
        for paper in papers:
            lines.write(json.dumps(paper, ensure_ascii=False) + "\n")


def ndjson(papers: Iterable[Paper]) -> bytes:
    """Papers as the body of a stream."""
    return b"".join(json.dumps(paper).encode() + b"\n" for paper in papers)
