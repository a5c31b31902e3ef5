"""Readers: what they did, what is for them, and what was found in it."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeAlias

from .. import _core as core
from .._core import Date, Hear, Mode, OneOrMore, Unset
from ..types import (
    Answer,
    Event,
    EventReport,
    Imported,
    ImportView,
    InterestView,
    Outside,
    PaperOpinion,
    Token,
    TurnedDown,
    UserView,
)
from .pages import Pages
from .transport import LONG, Transport

#: What a reader can do with a paper.
EventKind: TypeAlias = Literal["view", "click", "save", "like", "dislike", "dismiss", "unsave", "clear"]
#: How a reading list can be written.
ListFormat: TypeAlias = Literal[
    "auto", "ids", "titles", "bibtex", "ris", "csl", "zotero", "pubmed", "endnote", "wos", "csv"
]


class Readers(Transport):
    """The calls about readers."""

    def users(self, *, limit: int | None = None) -> Pages[UserView]:
        """The users there are, in the order in which they came."""
        return Pages(self, core.path("users"), {"limit": limit}, "users", UserView)

    def user(self, user: str) -> UserView:
        """A user, with their settings."""
        return self._json(core.request("GET", core.path("users", user)), UserView)

    def put_user(
        self,
        user: str,
        *,
        diversity: float | None = None,
        exploration: float | None = None,
        half_life_days: float | None = None,
        per_author: int | None = None,
    ) -> UserView:
        """Makes a user, or gives one new settings; those that are not said are the service's own."""
        settings = core.given(
            {
                "diversity": diversity,
                "exploration": exploration,
                "half_life_days": half_life_days,
                "per_author": per_author,
            }
        )
        return self._json(core.request("PUT", core.path("users", user), body=settings), UserView)

    def delete_user(self, user: str) -> None:
        """Forgets everything about a user."""
        self._send(core.request("DELETE", core.path("users", user)))

    def add_events(self, user: str, events: Sequence[Mapping[str, Any]], *, strict: bool = False) -> EventReport:
        """Writes down what a user did: `{"paper": ..., "kind": "like"}`, and `at` and `weight` if you like.

        What is wrong with one costs that one alone, and is told under `rejected`; with `strict` all are taken or none.
        Events that all name their moment are sent again after 429 or 503.
        """
        request = core.request(
            "POST",
            core.path("users", user, "events"),
            params={"strict": strict or None},
            body={"events": [core.given(event) for event in events]},
            repeatable=core.repeatable_events(events),
        )
        return self._json(request, EventReport)

    def add_event(
        self,
        user: str,
        paper: str,
        kind: EventKind,
        *,
        at: Date | None = None,
        weight: float | None = None,
    ) -> None:
        """Writes down one thing that a user did; what is wrong with it is raised."""
        event = {"paper": paper, "kind": kind, "at": at, "weight": weight}
        self.add_events(user, [event], strict=True)

    def add_events_of_many(self, events: Sequence[Mapping[str, Any]]) -> EventReport:
        """Writes down what many users did; each event names its `user` as well."""
        request = core.request(
            "POST",
            core.path("events"),
            body={"events": [core.given(event) for event in events]},
            repeatable=core.repeatable_events(events),
        )
        return self._json(request, EventReport)

    def events(self, user: str, *, limit: int | None = None) -> Pages[Event]:
        """What a user did, newest first."""
        return Pages(self, core.path("users", user, "events"), {"limit": limit}, "events", Event)

    def feed(
        self,
        user: str,
        *,
        date: Date | None = None,
        since: Date | None = None,
        per_author: int | None = None,
        exploration: float | None = None,
        limit: int | None = None,
        offset: int | None = None,
        from_: Date | None = None,
        to: Date | None = None,
        category: OneOrMore | None = None,
        author: OneOrMore | None = None,
        source: OneOrMore | None = None,
        theme: OneOrMore | None = None,
        exclude: OneOrMore | None = None,
        mode: Mode | None = None,
        diversity: float | None = None,
        min_score: float | None = None,
        explain: bool | None = None,
        versions: bool | None = None,
    ) -> Answer:
        """The personal feed: of a day, since a moment, or of all papers."""
        params = core.ranking(
            limit=limit,
            offset=offset,
            from_=from_,
            to=to,
            category=category,
            author=author,
            source=source,
            theme=theme,
            exclude=exclude,
            mode=mode,
            diversity=diversity,
            min_score=min_score,
            explain=explain,
            versions=versions,
            date=date,
            since=since,
            per_author=per_author,
            exploration=exploration,
        )
        return self._json(core.request("GET", core.path("users", user, "feed"), params=params), Answer)

    def preview_feed(
        self,
        user: str,
        events: Sequence[Mapping[str, Any]] = (),
        *,
        date: Date | None = None,
        since: Date | None = None,
        per_author: int | None = None,
        exploration: float | None = None,
        limit: int | None = None,
        offset: int | None = None,
        from_: Date | None = None,
        to: Date | None = None,
        category: OneOrMore | None = None,
        author: OneOrMore | None = None,
        source: OneOrMore | None = None,
        theme: OneOrMore | None = None,
        exclude: OneOrMore | None = None,
        mode: Mode | None = None,
        diversity: float | None = None,
        min_score: float | None = None,
        explain: bool | None = None,
        versions: bool | None = None,
    ) -> Answer:
        """The feed as it would be if these events had happened; nothing is written."""
        body = core.ranking(
            limit=limit,
            offset=offset,
            from_=from_,
            to=to,
            category=category,
            author=author,
            source=source,
            theme=theme,
            exclude=exclude,
            mode=mode,
            diversity=diversity,
            min_score=min_score,
            explain=explain,
            versions=versions,
            date=date,
            since=since,
            per_author=per_author,
            exploration=exploration,
            events=[core.given(event) for event in events],
        )
        path = core.path("users", user, "feed", "preview")
        return self._json(core.request("POST", path, body=body, repeatable=True), Answer)

    def rank(self, user: str, candidates: Sequence[str], *, explain: bool = False) -> Answer:
        """These papers, all of them, in the order in which they matter to a user."""
        body = {"candidates": core.listed(candidates), "explain": explain}
        request = core.request("POST", core.path("users", user, "rank"), body=body, repeatable=True)
        return self._json(request, Answer)

    def questions(
        self,
        user: str,
        *,
        topic: OneOrMore | None = None,
        theme: OneOrMore | None = None,
        author: OneOrMore | None = None,
        query: OneOrMore | None = None,
        passed: OneOrMore | None = None,
        limit: int | None = None,
    ) -> Answer:
        """Papers whose answers would tell most of a new reader."""
        lists = {"topic": topic, "theme": theme, "author": author, "query": query, "passed": passed}
        params = {"limit": limit, **{name: core.several(value) for name, value in lists.items()}}
        return self._json(core.request("GET", core.path("users", user, "questions"), params=params), Answer)

    def interests(self, user: str) -> list[InterestView]:
        """The interests found in what a user likes, the greatest first."""
        return self._list(core.request("GET", core.path("users", user, "interests")), "interests", InterestView)

    def change_interest(
        self,
        user: str,
        id: str,
        *,
        name: str | Unset | None = core.UNSET,
        muted: bool | Unset = core.UNSET,
        pinned: bool | Unset = core.UNSET,
        weight: float | Unset | None = core.UNSET,
        merge_into: str | Unset = core.UNSET,
    ) -> InterestView:
        """Names, mutes, pins, weighs an interest, or makes it part of another. None gives back the service's own."""
        body = core.changed(
            {"name": name, "muted": muted, "pinned": pinned, "weight": weight, "merge_into": merge_into}
        )
        return self._json(core.request("PATCH", core.path("users", user, "interests", id), body=body), InterestView)

    def reset_interest(self, user: str, id: str) -> None:
        """Takes back what was said of an interest."""
        self._send(core.request("DELETE", core.path("users", user, "interests", id)))

    def reset_interests(self, user: str) -> None:
        """Takes back what was said of all of them."""
        self._send(core.request("DELETE", core.path("users", user, "interests")))

    def import_history(
        self,
        user: str,
        source: str | bytes | os.PathLike[str],
        *,
        format: ListFormat | None = None,
        kind: EventKind | None = None,
        embed_missing: bool = False,
        dry_run: bool = False,
        name: str | None = None,
        progress: Hear | None = None,
    ) -> Imported:
        """Takes a reading list into a user's history: BibTeX, RIS, CSL-JSON, Zotero, PubMed, EndNote, CSV, or ids.

        `source` is its text, its bytes, or a path of its file (`pathlib.Path`). With `dry_run` nothing is written, and
        `entries` says line by line what would become of it. `embed_missing` lets what is not in the corpus teach all
        the same. `progress` hears how far it is. The answer has the `import`, by which `undo_import` takes it back.
        """
        if name is None and isinstance(source, os.PathLike):
            name = os.path.basename(os.fspath(source))  # noqa: PTH119  # any path-like, not only a Path
        request = core.request(
            "POST",
            core.path("users", user, "history"),
            params={
                "format": format,
                "kind": kind,
                "embed_missing": embed_missing or None,
                "dry_run": dry_run or None,
                "stream": None if dry_run else True,
                "name": name,
            },
            content=core.list_of(source),
            content_type="text/plain",
            # Nothing of it counts twice.
            repeatable=True,
        )
        if dry_run:
            return self._json(request, Imported, LONG)
        # Lines of progress; the last is the answer.
        last: dict[str, Any] = {}
        with self._stream(request, LONG) as response:
            for text in response.iter_lines():
                last = core.progress_line(text, response) or last
                if progress and "done" in last:
                    progress(core.Progress(done=last["done"], total=last.get("total")))
        return core.imported(last, response)

    def imports(self, user: str) -> list[ImportView]:
        """The reading lists that a user brought, the newest first."""
        return self._list(core.request("GET", core.path("users", user, "imports")), "imports", ImportView)

    def get_import(self, user: str, id: str) -> ImportView:
        """One of them, and how far it is."""
        return self._json(core.request("GET", core.path("users", user, "imports", id)), ImportView)

    def undo_import(self, user: str, id: str) -> None:
        """Takes one back, with all that it brought."""
        self._send(core.request("DELETE", core.path("users", user, "imports", id)))

    def outside(self, user: str, *, limit: int | None = None) -> Pages[Outside]:
        """Papers that came with a user's reading lists and are not in the corpus."""
        return Pages(self, core.path("users", user, "outside"), {"limit": limit}, "papers", Outside)

    def remove_outside(self, user: str, id: str) -> None:
        """Forgets one of those."""
        self._send(core.request("DELETE", core.path("users", user, "outside", id)))

    def turned_down(self, user: str, *, limit: int | None = None) -> Pages[TurnedDown]:
        """What a user disliked or dismissed."""
        return Pages(self, core.path("users", user, "turned-down"), {"limit": limit}, "papers", TurnedDown)

    def take_back(self, user: str, id: str) -> PaperOpinion:
        """Takes back that a user turned a paper down."""
        return self._json(core.request("DELETE", core.path("users", user, "turned-down", id)), PaperOpinion)

    def opinions(self, user: str, ids: Sequence[str]) -> list[PaperOpinion]:
        """What a user thinks of these papers: liked, saved, turned down, in which folders, with a note."""
        path = core.path("users", user, "opinions")
        request = core.request("POST", path, body={"ids": core.listed(ids)}, repeatable=True)
        return self._list(request, "opinions", PaperOpinion)

    def feed_addresses(self, user: str) -> Token:
        """Addresses of the feed for a news reader. Whoever has them can read it."""
        return self._json(core.request("POST", core.path("users", user, "token")), Token)

    def revoke_feed_addresses(self, user: str) -> None:
        """Those addresses stop working; the next ones are new."""
        self._send(core.request("DELETE", core.path("users", user, "token")))
