"""What readers keep: their library, folders, notes and saved searches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from .. import _core as core
from .._core import Form, Mode
from ..types import Filed, FolderList, FolderView, Kept, Noted, NoteView, PaperOpinion, SearchPapers, SearchView
from .pages import AsyncPages
from .transport import AsyncTransport


class AsyncLibrary(AsyncTransport):
    """The calls about what readers keep."""

    def library(
        self,
        user: str,
        *,
        q: str | None = None,
        mode: Mode | None = None,
        folder: str | None = None,
        kind: Literal["save", "like"] | None = None,
        sort: Literal["oldest", "newest", "title", "date", "author", "best"] | None = None,
        limit: int | None = None,
    ) -> AsyncPages[Kept]:
        """What a user saved or liked, with folders and notes. `folder` may be `"none"`; `q` searches in it."""
        params = {"q": q, "mode": mode, "folder": folder, "kind": kind, "sort": sort, "limit": limit}
        return AsyncPages(self, core.path("users", user, "library"), params, "papers", Kept)

    async def library_as(self, user: str, form: Form, *, folder: str | None = None) -> str:
        """The whole library, or a folder of it, as references."""
        params = {"format": form, "folder": folder}
        return (await self._send(core.request("GET", core.path("users", user, "library"), params=params))).text

    async def folders(self, user: str) -> FolderList:
        """The folders of a user, and how many papers are in none."""
        return await self._json(core.request("GET", core.path("users", user, "folders")), FolderList)

    async def make_folder(self, user: str, name: str) -> FolderView:
        """Makes a folder, or gives the one that has this name."""
        request = core.request("POST", core.path("users", user, "folders"), body={"name": name}, repeatable=True)
        return await self._json(request, FolderView)

    async def rename_folder(self, user: str, folder: str, name: str) -> FolderView:
        """Calls a folder something else."""
        path = core.path("users", user, "folders", folder)
        return await self._json(core.request("PATCH", path, body={"name": name}, repeatable=True), FolderView)

    async def delete_folder(self, user: str, folder: str) -> None:
        """Takes a folder away; its papers stay in the library."""
        await self._send(core.request("DELETE", core.path("users", user, "folders", folder)))

    async def file(self, user: str, folder: str, papers: Sequence[str]) -> Filed:
        """Puts papers into a folder, and into the library where they are not in it."""
        path = core.path("users", user, "folders", folder, "papers")
        return await self._json(
            core.request("POST", path, body={"papers": core.listed(papers)}, repeatable=True), Filed
        )

    async def file_one(self, user: str, folder: str, paper: str) -> PaperOpinion:
        """Puts one paper into a folder."""
        path = core.path("users", user, "folders", folder, "papers", paper)
        return await self._json(core.request("PUT", path), PaperOpinion)

    async def unfile(self, user: str, folder: str, paper: str) -> None:
        """Takes a paper out of a folder; it stays in the library."""
        await self._send(core.request("DELETE", core.path("users", user, "folders", folder, "papers", paper)))

    def notes(self, user: str, *, limit: int | None = None) -> AsyncPages[Noted]:
        """The notes of a user, each with its paper."""
        return AsyncPages(self, core.path("users", user, "notes"), {"limit": limit}, "notes", Noted)

    async def note(self, user: str, paper: str) -> NoteView:
        """The note on a paper."""
        return await self._json(core.request("GET", core.path("users", user, "notes", paper)), NoteView)

    async def put_note(self, user: str, paper: str, text: str) -> NoteView:
        """Writes the note on a paper."""
        request = core.request("PUT", core.path("users", user, "notes", paper), body={"text": text})
        return await self._json(request, NoteView)

    async def delete_note(self, user: str, paper: str) -> None:
        """Takes the note on a paper away."""
        await self._send(core.request("DELETE", core.path("users", user, "notes", paper)))

    async def searches(self, user: str) -> list[SearchView]:
        """The saved searches of a user, and what else they follow, with how much is new in each."""
        return await self._list(core.request("GET", core.path("users", user, "searches")), "searches", SearchView)

    async def save_search(
        self,
        user: str,
        query: str | None = None,
        *,
        author: str | None = None,
        category: str | None = None,
        organization: str | None = None,
        theme: str | None = None,
        name: str | None = None,
    ) -> SearchView:
        """Saves a search, or follows an author, a category, an organization or a theme: one of these."""
        follow = {"query": query, "author": author, "category": category, "organization": organization, "theme": theme}
        body = core.given({**follow, "name": name})
        request = core.request("POST", core.path("users", user, "searches"), body=body, repeatable=True)
        return await self._json(request, SearchView)

    async def change_search(
        self, user: str, search: str, *, name: str | None = None, muted: bool | None = None
    ) -> SearchView:
        """Renames or mutes a saved search."""
        body: Mapping[str, Any] = core.given({"name": name, "muted": muted})
        path = core.path("users", user, "searches", search)
        return await self._json(core.request("PATCH", path, body=body, repeatable=True), SearchView)

    async def delete_search(self, user: str, search: str) -> None:
        """Takes a saved search away."""
        await self._send(core.request("DELETE", core.path("users", user, "searches", search)))

    async def search_papers(
        self,
        user: str,
        search: str,
        *,
        new: bool | None = None,
        limit: int | None = None,
        offset: int | None = None,
        explain: bool | None = None,
    ) -> SearchPapers:
        """The papers of a saved search; with `new` only those since the user last looked."""
        params = {"new": new, "limit": limit, "offset": offset, "explain": explain}
        path = core.path("users", user, "searches", search, "papers")
        return await self._json(core.request("GET", path, params=params), SearchPapers)

    async def see_search(self, user: str, search: str) -> SearchView:
        """Says that the user has looked: nothing in it is new any more."""
        path = core.path("users", user, "searches", search, "seen")
        return await self._json(core.request("POST", path), SearchView)
