"""The client, with all calls."""

from __future__ import annotations

from .library import Library
from .operation import Operation
from .papers import Papers
from .readers import Readers
from .themes import Themes


class Paperkin(Papers, Readers, Library, Themes, Operation):
    """A paperkin service, for programs that do one thing after another.

    with Paperkin("https://papers.example.org", key="pk_...") as client:
        for paper in client.papers(date="2026-08-21"):
            print(paper["title"])

    `AsyncPaperkin` has the same calls.
    """
