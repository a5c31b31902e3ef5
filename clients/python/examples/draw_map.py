"""Draws the map of themes to a picture.

    python draw_map.py themes.png --url http://127.0.0.1:7878

Needs matplotlib: pip install "paperkin[examples]".
"""

from __future__ import annotations

import argparse
import colorsys
import textwrap
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib import patheffects
from matplotlib import pyplot as plt
from matplotlib.transforms import Bbox

from paperkin import Paperkin
from paperkin.types import MapTheme, ThemeMap

PAPER = "#fbfaf6"
INK = "#23262b"
NOBODYS = "#c9c6bd"
#: Inches above the map, for what it is.
HEAD = 1.0
#: The share of all papers that a finer theme has at least, to be named.
SMALLEST = 0.004
#: Colours that can be told apart, also by most who see few colours; the largest theme has the first.
PALETTE = [
    "#2f6fb5",
    "#d9732b",
    "#2c9a78",
    "#b5478f",
    "#8a6bc9",
    "#c2423f",
    "#4aa3c7",
    "#a58a1f",
    "#5d8c3a",
    "#7a5a44",
    "#d98aa6",
    "#4c5f7a",
]


def top_of(themes: list[MapTheme], place: int) -> int:
    """The place of the coarsest theme above one."""
    parent = themes[place].get("parent")
    return place if parent is None else top_of(themes, parent)


def darker(colour: str, by: float = 0.62) -> tuple[float, float, float]:
    """The colour for letters."""
    hue, light, saturation = colorsys.rgb_to_hls(*mpl.colors.to_rgb(colour))
    return colorsys.hls_to_rgb(hue, light * by, saturation)


def colours_of(themes: list[MapTheme]) -> dict[int, str]:
    """A colour for each coarsest theme."""
    coarsest = sorted((k for k, theme in enumerate(themes) if theme["level"] == 0), key=lambda k: -themes[k]["size"])
    return {k: PALETTE[n % len(PALETTE)] for n, k in enumerate(coarsest)}


def name_of(theme: MapTheme) -> str:
    """A name in lines that are not long."""
    return "\n".join(textwrap.wrap(theme["name"], 24 if theme["level"] == 0 else 22, break_on_hyphens=False))


class Names:
    """Writes names where no other stands."""

    def __init__(self, axes: Any) -> None:
        """Onto these axes."""
        self.axes = axes
        self.renderer = axes.figure.canvas.get_renderer()
        self.taken: list[Bbox] = []

    def write(self, theme: MapTheme, colour: str, size: float, tries: list[tuple[float, float]]) -> bool:
        """Writes a name as near to the middle of its theme as there is room; not at all where there is none."""
        coarse = theme["level"] == 0
        text = self.axes.text(
            theme["x"],
            theme["y"],
            name_of(theme),
            fontsize=size,
            fontweight="bold" if coarse else "normal",
            color=darker(colour, 0.6 if coarse else 0.75),
            ha="center",
            va="center",
            linespacing=1.05,
            zorder=5 if coarse else 4,
            path_effects=[patheffects.withStroke(linewidth=3.2, foreground=PAPER, alpha=0.85)],
        )
        inside = self.axes.get_window_extent(self.renderer)
        for right, up in tries:
            text.set_position((theme["x"] + right, theme["y"] + up))
            box = text.get_window_extent(self.renderer).padded(3)
            if inside.containsx(box.x0) and inside.containsx(box.x1) and not any(box.overlaps(b) for b in self.taken):
                self.taken.append(box)
                return True
        text.remove()
        return False


def spiral(reach: float) -> list[tuple[float, float]]:
    """Places around a middle, the nearest first."""
    turns = [(0.0, 0.0)]
    for k in range(1, 90):
        angle, far = 2.4 * k, reach * (k / 90) ** 0.5
        turns.append((far * np.cos(angle), 0.6 * far * np.sin(angle)))
    return turns


def draw(drawn: ThemeMap, file: str) -> int:
    """Draws a map; gives how many names are on it."""
    themes, points = drawn["themes"], drawn["points"]
    colours = colours_of(themes)
    of_point = [colours.get(top_of(themes, k), NOBODYS) if k >= 0 else NOBODYS for k in points["theme"]]
    x, y = np.array(points["x"]), np.array(points["y"])
    # A few far away would make all the others small.
    (left, right), (bottom, top) = (np.percentile(v, [0.2, 99.8]) if len(v) else (-1.0, 1.0) for v in (x, y))
    room = 0.05 * max(right - left, top - bottom)
    left, right, bottom, top = left - room, right + room, bottom - room, top + room
    wide = 12.0
    high = float(np.clip(wide * (top - bottom) / (right - left), 6, 14)) + HEAD
    figure, axes = plt.subplots(figsize=(wide, high), dpi=160, facecolor=PAPER)
    figure.subplots_adjust(left=0, right=1, bottom=0, top=1 - HEAD / high)
    axes.set_axis_off()
    axes.set_xlim(left, right)
    axes.set_ylim(bottom, top)
    axes.set_aspect("equal", adjustable="box")
    # Few papers get larger points. Each lies in a glow of its colour, so that themes look like land; grey lies below.
    size = float(np.clip(60_000 / max(len(x), 1), 5, 60))
    belongs = np.array([k >= 0 for k in points["theme"]], dtype=bool)
    for there, order in ((~belongs, 1), (belongs, 2)):
        shown = [colour for colour, here in zip(of_point, there, strict=True) if here]
        layers = [(size, 0.35)] if order == 1 else [(60 * size, 0.02), (15 * size, 0.03), (size, 0.75)]
        for wide_as, alpha in layers:
            axes.scatter(
                x[there], y[there], s=wide_as, c=shown, alpha=alpha, linewidths=0, zorder=order, rasterized=True
            )
    figure.canvas.draw()
    names, written = Names(axes), 0
    reach = 0.1 * (right - left)
    places = {id(theme): k for k, theme in enumerate(themes)}
    for theme in sorted(themes, key=lambda theme: (theme["level"], -theme["size"])):
        coarse = theme["level"] == 0
        if theme["level"] > 1 or (not coarse and theme["size"] < SMALLEST * len(x)):
            continue
        colour = colours.get(top_of(themes, places[id(theme)]), NOBODYS)
        written += names.write(theme, colour, 14 if coarse else 8.5, spiral(reach if coarse else reach / 3))
    heading = f"{len(x):,} papers in {len(colours)} themes"
    about = "What lies close together is about the same. Grey belongs to no theme."
    figure.text(0.03, 1 - 0.42 / high, heading, fontsize=22, fontweight="bold", color=INK, va="center")
    figure.text(0.03, 1 - 0.80 / high, about, fontsize=11, color="#77756d", va="center")
    figure.savefig(file, facecolor=PAPER)
    plt.close(figure)
    return written


def main() -> None:
    """Asks for the map, and draws it."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("file", help="the picture: .png, .svg or .pdf")
    asked.add_argument("--url", help="the service; PAPERKIN_URL where nothing is said")
    asked.add_argument("--key", help="its key; PAPERKIN_KEY where nothing is said")
    given = asked.parse_args()
    with Paperkin(given.url, given.key) as client:
        drawn = client.whole_map()
    names = draw(drawn, given.file)
    print(f"{given.file}: {len(drawn['points']['id']):,} papers, {names} names")


if __name__ == "__main__":
    mpl.use("Agg")
    main()
