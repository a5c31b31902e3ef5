"""What the corpus is about: themes, and the map of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from .. import _core as core
from .._core import Date, OneOrMore
from ..types import MapPaper, OneTheme, SelectionThemes, ThemeEvent, ThemeList, ThemeMap, ThemesRun
from .transport import LONG, Transport


class Themes(Transport):
    """The calls about themes. Where they are made for the first time, up to `max_wait` seconds are waited for them."""

    def themes(
        self,
        *,
        level: int | None = None,
        about: int | None = None,
        sort: Literal["size", "trend"] | None = None,
        limit: int | None = None,
        offset: int | None = None,
    ) -> ThemeList:
        """The themes: of one level (0 is the coarsest), or about so many; all without either."""
        params = {"level": level, "about": about, "sort": sort, "limit": limit, "offset": offset}
        return self._json(core.request("GET", core.path("themes"), params=params), ThemeList)

    def theme(
        self,
        id: str,
        *,
        sort: Literal["central", "newest", "most_read"] | None = None,
        q: str | None = None,
        limit: int | None = None,
        offset: int | None = None,
        from_: Date | None = None,
        to: Date | None = None,
        category: OneOrMore | None = None,
        author: OneOrMore | None = None,
        source: OneOrMore | None = None,
        theme: OneOrMore | None = None,
        exclude: OneOrMore | None = None,
    ) -> OneTheme:
        """A theme with its papers, parts, neighbours and history. `each` goes through all of its papers."""
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
            sort=sort,
            q=q,
        )
        return self._json(core.request("GET", core.path("themes", id), params=params), OneTheme)

    def theme_map(
        self,
        *,
        zoom: int | None = None,
        left: float | None = None,
        bottom: float | None = None,
        right: float | None = None,
        top: float | None = None,
        limit: int | None = None,
        offset: int | None = None,
        titles: bool | None = None,
    ) -> ThemeMap:
        """A page of the map: points of papers, outlines of themes, labels. All four sides are given, or none."""
        sides = {"left": left, "bottom": bottom, "right": right, "top": top}
        params = {"zoom": zoom, **sides, "limit": limit, "offset": offset, "titles": titles}
        return self._json(core.request("GET", core.path("themes", "map"), params=params), ThemeMap)

    def whole_map(self, *, titles: bool = False) -> ThemeMap:
        """The map with the points of all papers."""
        whole = self.theme_map(limit=core.POINTS, titles=titles)
        following = whole["meta"].get("next")
        while following is not None:
            page = self.theme_map(limit=core.POINTS, offset=following, titles=titles)
            core.add_points(whole, page)
            following = page["meta"].get("next")
        return whole

    def map_papers(self, q: str, *, limit: int | None = None) -> list[MapPaper]:
        """Papers closest to a text, with their places in the map."""
        request = core.request("GET", core.path("themes", "map", "papers"), params={"q": q, "limit": limit})
        return self._list(request, "papers", MapPaper)

    def theme_events(self, *, limit: int | None = None) -> list[ThemeEvent]:
        """What became of themes: born, split, merged, grown."""
        request = core.request("GET", core.path("themes", "events"), params={"limit": limit})
        return self._list(request, "events", ThemeEvent)

    def themes_of(
        self,
        *,
        q: str | None = None,
        papers: Sequence[str] | None = None,
        user: str | None = None,
        filter: dict[str, Any] | None = None,
        limit: int | None = None,
    ) -> SelectionThemes:
        """The themes of a selection: hits for a phrase, papers, what a user kept, or what a filter allows."""
        body = core.given({"q": q, "papers": papers, "user": user, "filter": filter, "limit": limit})
        request = core.request("POST", core.path("themes", "of"), body=body, repeatable=True)
        return self._json(request, SelectionThemes)

    def rebuild_themes(self, *, afresh: bool = False) -> ThemesRun | None:
        """Makes the themes anew now; None where that takes longer than a call, and goes on."""
        params = {"afresh": afresh or None}
        request = core.request("POST", core.path("themes", "rebuild"), params=params, body={})
        response = self._send(request, LONG)
        run: ThemesRun | None = None if response.status_code == 202 else response.json()
        return run
