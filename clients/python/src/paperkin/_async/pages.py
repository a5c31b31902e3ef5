"""Lists that come in pages."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any, Generic, TypeVar

from .. import _core as core
from .transport import AsyncTransport

T = TypeVar("T")


class AsyncPages(Generic[T]):
    """A list that is fetched while it is read: iterate over it, as often as you like.

    Where it changes meanwhile, something may be seen twice or not at all.
    """

    def __init__(self, client: AsyncTransport, path: str, params: Mapping[str, Any], name: str, shape: type[T]) -> None:
        """The list `name` in the answers at a path."""
        self._client, self._path, self._params, self._name, self._shape = client, path, dict(params), name, shape

    async def pages(self) -> AsyncIterator[list[T]]:
        """Page by page."""
        cursor: str | None = None
        while True:
            page = await self._page(cursor)
            yield page[self._name]
            cursor = _of_page(page, "next")
            if cursor is None:
                return

    async def __aiter__(self) -> AsyncIterator[T]:
        """One by one."""
        async for page in self.pages():
            for item in page:
                yield item

    async def all(self) -> list[T]:
        """All of them."""
        return [item async for item in self]

    async def first(self) -> list[T]:
        """The first page alone."""
        page = await self._page(None)
        found: list[T] = page[self._name]
        return found

    async def total(self) -> int | None:
        """How many there are on all pages; None where the service does not count them."""
        total: int | None = _of_page(await self._page(None), "total")
        return total

    async def _page(self, cursor: str | None) -> dict[str, Any]:
        params = self._params if cursor is None else {**self._params, "cursor": cursor, "offset": None}
        return await self._client._json(core.request("GET", self._path, params=params), dict[str, Any])


def _of_page(page: dict[str, Any], name: str) -> Any:
    return page.get("meta", page).get(name)
