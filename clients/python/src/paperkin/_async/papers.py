"""Papers in and out, and papers for words, papers and examples."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from .. import _core as core
from .._core import Date, Example, Form, Hear, LineLike, Mode, OneOrMore, PaperLike
from .._errors import ApiError
from ..types import Answer, BatchAnswer, Embedded, Hit, OneTheme, Paper, PaperInFull, Report, SearchPapers, Suggestion
from .pages import AsyncPages
from .transport import LONG, AsyncTransport

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

A = TypeVar("A", Answer, SearchPapers, OneTheme)


class AsyncPapers(AsyncTransport):
    """The calls about papers."""

    async def paper(self, id: str) -> PaperInFull:
        """A paper, by its id or any form of its arXiv id, DOI and the like; with its other versions."""
        return await self._json(core.request("GET", core.path("papers", id)), PaperInFull)

    def papers(
        self,
        *,
        date: Date | None = None,
        sort: Literal["date", "upvotes", "trending"] | None = None,
        limit: int | None = None,
    ) -> AsyncPages[Paper]:
        """The daily list, or all papers, newest first. `date` may be a day, a month or a year; `limit` is of a page."""
        return AsyncPages(self, core.path("papers"), {"date": date, "sort": sort, "limit": limit}, "papers", Paper)

    async def put(self, *papers: PaperLike, strict: bool = False) -> Report:
        """Puts papers in, or in the place of those with their ids. They can be found when this returns.

        What cannot be read of a paper is told in the report: `warnings` where a field was left out, `rejected` where
        the paper was (with `strict`, for any such field).
        """
        return await self.ingest(papers, strict=strict)

    async def ingest(
        self,
        papers: Iterable[LineLike] | AsyncIterable[LineLike],
        *,
        strict: bool = False,
        batch: int = core.BATCH,
        progress: Hear | None = None,
    ) -> Report:
        """Puts in any number of papers, from anything that gives one after another: dicts, or lines of a `.jsonl` file.

        They are read while they are sent, `batch` at a time. After each batch `progress` hears how far it is, with the
        report so far. `line` in `rejected` and `warnings` counts what was given, from 1; each keeps the first thousand.
        One that broke off can be done again: what is in already costs nothing. The error then has the `report` of what
        is in.
        """
        whole, batches, sent = core.no_report(), core.Batches(batch), 0
        async for paper in core.aeach(core.papers_of(papers)):
            full = batches.add(core.line(paper))
            if full:
                sent = await self._put(full, strict, whole, sent, progress)
        rest = batches.rest()
        if rest:
            await self._put(rest, strict, whole, sent, progress)
        return whole

    async def _put(self, body: core.Body, strict: bool, whole: Report, sent: int, progress: Hear | None) -> int:
        request = core.request(
            "POST",
            core.path("papers"),
            params={"strict": strict or None},
            content=body.content,
            content_type="application/x-ndjson",
            repeatable=True,
        )
        try:
            report = await self._json(request, Report, LONG)
        except ApiError as e:
            if e.detail is not None and "accepted" in e.detail:
                core.add_report(whole, e.detail, sent)  # type: ignore[arg-type]  # that is what it is then
            e.report = whole
            raise
        core.add_report(whole, report, sent)
        sent += body.lines
        if progress:
            progress(core.Progress(done=sent, total=None, report=whole))
        return sent

    async def delete(self, id: str) -> None:
        """Takes a paper away; it is in no later answer."""
        await self._send(core.request("DELETE", core.path("papers", id)))

    async def citation(self, id: str, form: Form = "bibtex") -> str:
        """The reference to a paper, as text."""
        request = core.request("GET", core.path("papers", id, "citation"), params={"format": form})
        return (await self._send(request)).text

    async def similar(
        self,
        id: str,
        *,
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
        """Papers like one in the store; never itself, nor another version of it."""
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
        )
        return await self._json(core.request("GET", core.path("papers", id, "similar"), params=params), Answer)

    async def similar_to_each(
        self,
        ids: Sequence[str],
        *,
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
    ) -> list[BatchAnswer]:
        """Papers like each of several."""
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
            ids=core.listed(ids),
        )
        request = core.request("POST", core.path("similar", "batch"), body=body, repeatable=True)
        return await self._list(request, "results", BatchAnswer)

    async def search(
        self,
        q: str | None = None,
        *,
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
        facets: Sequence[Literal["year", "category", "author", "source", "theme"]] | None = None,
        sort: Literal["relevance", "newest", "votes"] | None = None,
        matching: bool | None = None,
        correct: bool | None = None,
    ) -> Answer:
        """Papers for a phrase, a question or a pasted abstract of any length.

        `"a phrase"`, `title:word`, `author:"Ada Lovelace"`, `category:cs.LG`, `date:2025..2026-03`, `-word` and
        `a OR b` insist. `q` may be missing where a filter says which papers are wanted. `matching` gives only those
        that match, which `facets` counts.
        """
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
            q=q,
            facets=facets,
            sort=sort,
            matching=matching,
            correct=correct,
        )
        return await self._json(core.request("POST", core.path("search"), body=body, repeatable=True), Answer)

    async def recommend(
        self,
        *,
        like: Sequence[Example] = (),
        dislike: Sequence[Example] = (),
        text: OneOrMore = (),
        dislike_text: OneOrMore = (),
        vector: Iterable[float] | None = None,
        user: str | None = None,
        candidates: Sequence[str] | None = None,
        strategy: Literal["auto", "mean", "nearest", "rocchio", "logistic"] | None = None,
        half_life_days: float | None = None,
        per_author: int | None = None,
        exclude_liked: bool | None = None,
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
        """Papers for examples: ids (or `{"id": ..., "weight": ...}`), texts, a vector, or all that a user did.

        With `candidates` only those are ranked, all of them, whatever `limit` says.
        """
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
            like=core.listed(like),
            dislike=list(dislike),
            text=core.several(text),
            dislike_text=core.several(dislike_text),
            vector=None if vector is None else [float(x) for x in vector],
            user=user,
            candidates=None if candidates is None else core.listed(candidates),
            strategy=strategy,
            half_life_days=half_life_days,
            per_author=per_author,
            exclude_liked=exclude_liked,
        )
        return await self._json(core.request("POST", core.path("recommend"), body=body, repeatable=True), Answer)

    async def trending(
        self,
        window: str | None = None,
        *,
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
        """Papers by recent attention; `window` is a span, `7d` (default), `24h`, `2w`."""
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
            window=window,
        )
        return await self._json(core.request("GET", core.path("trending"), params=params), Answer)

    async def each(self, call: Callable[..., Awaitable[A]], *args: Any, **kwargs: Any) -> AsyncIterator[Hit]:
        """Every hit of a ranking call, page after page: `client.each(client.search, "whales", category="cs.LG")`.

        `limit` is of one page (100 where nothing is said), `offset` where to begin. A ranking by closeness ends with
        the last paper that the filter allows: stop when you have enough.
        """
        limit, offset = kwargs.pop("limit", 100), kwargs.pop("offset", 0)
        while True:
            answer = await call(*args, limit=limit, offset=offset, **kwargs)
            hits: list[Any] = list(answer["papers"])
            for hit in hits:
                yield hit
            if len(hits) < limit:
                return
            offset += limit

    async def suggest(self, q: str, *, limit: int | None = None) -> list[Suggestion]:
        """Titles, authors, categories and themes for what was typed so far."""
        request = core.request("GET", core.path("suggest"), params={"q": q, "limit": limit})
        return await self._list(request, "suggestions", Suggestion)

    async def embed(self, inputs: OneOrMore, kind: Literal["document", "query"] = "document") -> Embedded:
        """Vectors of length 1 for texts, in their order; as many texts as you like."""
        texts = [inputs] if isinstance(inputs, str) else list(inputs)
        whole: Embedded | None = None
        for begin in range(0, max(len(texts), 1), core.TEXTS):
            body = {"inputs": texts[begin : begin + core.TEXTS], "kind": kind}
            request = core.request("POST", core.path("embed"), body=body, repeatable=True)
            part = await self._json(request, Embedded, LONG)
            if whole is None:
                whole = part
            else:
                whole["vectors"] += part["vectors"]
        if whole is None:
            raise AssertionError("one part is always asked for")
        return whole

    async def vectors(self, inputs: OneOrMore, kind: Literal["document", "query"] = "document") -> NDArray[np.float32]:
        """The same as an array of one row for each text; needs numpy."""
        try:
            import numpy as np
        except ImportError as e:
            raise ImportError("vectors() gives an array of numpy, which is not installed: pip install numpy") from e
        return np.asarray((await self.embed(inputs, kind))["vectors"], dtype=np.float32)
