"""Changing what is well-formed a little, so that it is not any more, or looks as if it were something else."""

from __future__ import annotations

import json
import random
from typing import Any
from collections.abc import Callable

#: Values that a field of any type may get.
ODD_VALUES: list[Any] = [
    None,
    True,
    False,
    0,
    -1,
    1,
    0.5,
    -0.0,
    1e308,
    2**31,
    2**53 + 1,
    -(2**63),
    2**64,
    "",
    " ",
    "\0",
    "a" * 5000,
    "\u202e",
    "٣",
    "1",
    "null",
    "NaN",
    [],
    [[]],
    {},
    {"": {}},
    [None],
    ["a"] * 50,
    {"id": "x"},
    "9999-99-99",
    "-0001-01-01",
    "2026-02-30",
    "1969-12-31",
    "10000-01-01",
    "%",
    "../..",
    "'; --",
    "\ud800".encode("utf-8", "surrogatepass").decode("utf-8", "replace"),
    [0.0] * 3,
    [1e39],
    "𝔘" * 300,
    [[[[[[[[1]]]]]]]],
]

Change = Callable[[str, random.Random, list[str]], str]


def _cut(text: str, dice: random.Random, tokens: list[str]) -> str:
    return text[: dice.randrange(len(text) + 1)]


def _remove(text: str, dice: random.Random, tokens: list[str]) -> str:
    start = dice.randrange(len(text) + 1)
    return text[:start] + text[start + dice.choice([1, 1, 2, 8, 60]) :]


def _insert(text: str, dice: random.Random, tokens: list[str]) -> str:
    place = dice.randrange(len(text) + 1)
    return text[:place] + dice.choice(tokens) * dice.choice([1, 1, 1, 2, 30]) + text[place:]


def _replace(text: str, dice: random.Random, tokens: list[str]) -> str:
    place = dice.randrange(len(text) + 1)
    return text[:place] + dice.choice(tokens) + text[place + dice.choice([1, 3]) :]


def _repeat(text: str, dice: random.Random, tokens: list[str]) -> str:
    start = dice.randrange(len(text) + 1)
    end = min(len(text), start + dice.choice([1, 10, 100, 400]))
    return text[:end] + text[start:end] * dice.choice([1, 2, 20]) + text[end:]


def _swap(text: str, dice: random.Random, tokens: list[str]) -> str:
    lines = text.split("\n")
    a, b = dice.randrange(len(lines)), dice.randrange(len(lines))
    lines[a], lines[b] = lines[b], lines[a]
    return "\n".join(lines)


def _turn_case(text: str, dice: random.Random, tokens: list[str]) -> str:
    return text.swapcase() if dice.random() < 0.5 else text.upper()


_CHANGES: list[Change] = [
    _cut,
    _remove,
    _remove,
    _insert,
    _insert,
    _insert,
    _replace,
    _replace,
    _repeat,
    _swap,
    _turn_case,
]


def text(seed: str, dice: random.Random, tokens: list[str]) -> str:
    """A text with one to six changes."""
    for _ in range(dice.choice([1, 1, 2, 3, 6])):
        seed = dice.choice(_CHANGES)(seed, dice, tokens)
    return seed[:200_000]


def encoded(seed: str, dice: random.Random) -> bytes:
    """A text in some encoding, now and then with bytes that are in none."""
    way = dice.choice(["utf-8"] * 8 + ["utf-16", "utf-16-le", "latin-1", "cp1252", "utf-32", "utf-8-sig"])
    data = bytearray(seed.encode(way, "replace"))
    if dice.random() < 0.1:
        for _ in range(dice.choice([1, 5])):
            data.insert(dice.randrange(len(data) + 1), dice.randrange(256))
    return bytes(data)


def value(seed: Any, dice: random.Random) -> Any:
    """A JSON value with something in it changed, left out, doubled, or made another type."""
    if isinstance(seed, dict) and seed and dice.random() < 0.8:
        changed = dict(seed)
        name = dice.choice(list(changed))
        how = dice.random()
        if how < 0.15:
            del changed[name]
        elif how < 0.25:
            changed[dice.choice(["nope", "", "__proto__", name.upper(), name + "\0"])] = changed[name]
        else:
            changed[name] = value(changed[name], dice)
        return changed
    if isinstance(seed, list) and seed and dice.random() < 0.7:
        changed_list = list(seed)
        n = dice.randrange(len(changed_list))
        changed_list[n] = value(changed_list[n], dice)
        return changed_list * dice.choice([1, 1, 1, 40]) if len(changed_list) < 50 else changed_list
    return dice.choice(ODD_VALUES)


def body(seed: Any, dice: random.Random) -> bytes:
    """A JSON body: changed as a value, now and then as a text too."""
    written = json.dumps(value(seed, dice) if dice.random() < 0.9 else seed, ensure_ascii=dice.random() < 0.5)
    if dice.random() < 0.25:
        written = text(
            written,
            dice,
            ["{", "}", "[", "]", '"', ",", ":", "\\u0000", "\\ud800", "1e999", "NaN", "//", "\0", "\ufeff", "'", "0x1"],
        )
    return written.encode("utf-8", "surrogatepass")
