"""The client, with all calls."""

from __future__ import annotations

from .library import AsyncLibrary
from .operation import AsyncOperation
from .papers import AsyncPapers
from .readers import AsyncReaders
from .themes import AsyncThemes


class AsyncPaperkin(AsyncPapers, AsyncReaders, AsyncLibrary, AsyncThemes, AsyncOperation):
    """A paperkin service, for asyncio or trio.

    async with AsyncPaperkin("https://papers.example.org", key="pk_...") as client:
        async for paper in client.papers(date="2026-08-21"):
            print(paper["title"])

    Every call is the one of the same name in `Paperkin`.
    """
