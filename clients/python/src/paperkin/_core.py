"""What both clients share and what needs no connection: addresses, bodies, errors, when to try again."""

from __future__ import annotations

import datetime
import email.utils
import enum
import json
import math
import os
import random
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias, TypeVar, cast
from urllib.parse import quote

import httpx

from ._errors import BY_CODE, STATUS, ApiError, NotReady, Unreachable
from .types import Imported, Report, ThemeMap

T = TypeVar("T")

#: Where a service listens when nobody says anything else.
DEFAULT_URL: Final = "http://127.0.0.1:7878"
#: The most papers that are sent at once, and the most bytes.
BATCH: Final = 1_000
BATCH_BYTES: Final = 4 << 20
#: The most texts that are embedded in one call.
TEXTS: Final = 1_024
#: The most rejections and warnings that a report keeps; its totals count all.
TOLD: Final = 1_000


class Unset(enum.Enum):
    """The type of `UNSET`."""

    UNSET = 0


#: Stands for "leave it as it is" where None means something.
UNSET: Final = Unset.UNSET

#: A day, month, year or moment: `"2026-08"`, `datetime.date(2026, 8, 21)`.
Date: TypeAlias = str | datetime.date
#: One, or several.
OneOrMore: TypeAlias = str | Sequence[str]
#: A paper to put in: a mapping with `id` and `title` at least.
PaperLike: TypeAlias = Mapping[str, Any]
#: A line of a `.jsonl` file, as text or bytes, or a paper.
LineLike: TypeAlias = PaperLike | str | bytes
#: An example for `recommend`: an id, or `{"id": ..., "weight": ...}`.
Example: TypeAlias = str | Mapping[str, Any]
Mode: TypeAlias = Literal["hybrid", "dense", "lexical"]
#: The forms in which references can be had.
Form: TypeAlias = Literal["bibtex", "ris", "csl-json", "csv"]


@dataclass(frozen=True)
class Progress:
    """How far an ingest or an import is."""

    #: Papers or entries that are dealt with.
    done: int
    #: All of them; None where nobody knows yet.
    total: int | None
    #: What came of the papers so far; None for an import.
    report: Report | None = None


@dataclass(frozen=True)
class Request:
    """A request that can be sent, and sent again."""

    method: str
    path: str
    params: Mapping[str, Any]
    content: bytes | None
    content_type: str | None
    #: Whether sending it twice comes to the same as sending it once.
    repeatable: bool


def base_url(url: str | None) -> str:
    """The address of the service: the argument, else `PAPERKIN_URL`, else the default."""
    chosen = url or os.environ.get("PAPERKIN_URL") or DEFAULT_URL
    if not chosen.startswith(("http://", "https://")):
        raise ValueError(f"the URL of the service is {chosen!r}; it has to begin with http:// or https://")
    return chosen.rstrip("/")


def headers(key: str | None) -> dict[str, str]:
    """What every request says: who asks (the argument, else `PAPERKIN_KEY`) and with what."""
    chosen = key or os.environ.get("PAPERKIN_KEY")
    said = {"accept": "application/json", "user-agent": "paperkin-python/0.2"}
    if chosen:
        said["authorization"] = f"Bearer {chosen}"
    return said


def path(*parts: str | int) -> str:
    """The path of a call. Names and ids may hold anything, `/` and `:` as well."""
    return "/v1/" + "/".join(_part(str(part)) for part in parts)


def _part(part: str) -> str:
    if not part:
        # The path would be that of another call.
        raise ValueError("an id or name is empty")
    # `.` and `..` would be taken for steps in the path.
    return part.replace(".", "%2E") if part in (".", "..") else quote(part, safe="")


def given(values: Mapping[str, Any]) -> dict[str, Any]:
    """Those that say something, as JSON; a name that ends in `_` is a word of Python."""
    return {name.rstrip("_"): _plain(value) for name, value in values.items() if value is not None}


def changed(values: Mapping[str, Any]) -> dict[str, Any]:
    """Those that are to change; None is a value among them."""
    return {name: _plain(value) for name, value in values.items() if value is not UNSET}


def _plain(value: Any) -> Any:
    if isinstance(value, datetime.date) and value != value:
        # What pandas calls a date that is none.
        return None
    if isinstance(value, datetime.datetime):
        return value.astimezone(datetime.timezone.utc).isoformat().replace("+00:00", "Z")
    if isinstance(value, datetime.date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {name: _plain(field) for name, field in value.items()}
    if isinstance(value, Iterable) and not isinstance(value, (str, bytes)):
        return [_plain(item) for item in value]
    # Numbers of numpy.
    return value.item() if hasattr(value, "item") and hasattr(value, "dtype") else value


def several(value: OneOrMore | None) -> list[str] | None:
    """One as a list of one."""
    return [value] if isinstance(value, str) else None if value is None else list(value)


def listed(value: str | Mapping[str, Any] | Iterable[Any]) -> list[Any]:
    """A list, also of one alone: a text is an iterable of letters, which nobody means."""
    return [value] if isinstance(value, (str, Mapping)) else list(value)


def ranking(
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
    **more: Any,
) -> dict[str, Any]:
    """What every ranking call takes, and what one takes besides."""
    lists = {"category": category, "author": author, "source": source, "theme": theme, "exclude": exclude}
    return given(
        {
            "limit": limit,
            "offset": offset,
            "from": from_,
            "to": to,
            **{name: several(value) for name, value in lists.items()},
            "mode": mode,
            "diversity": diversity,
            "min_score": min_score,
            "explain": explain,
            "versions": versions,
            **more,
        }
    )


def request(
    method: str,
    at: str,
    *,
    params: Mapping[str, Any] | None = None,
    body: Any = None,
    content: bytes | None = None,
    content_type: str | None = None,
    repeatable: bool | None = None,
) -> Request:
    """A request; `body` is sent as JSON. Whatever is no POST or PATCH may be sent twice, where nothing else is said."""
    if body is not None:
        content, content_type = as_json(body), "application/json"
    if repeatable is None:
        repeatable = method not in ("POST", "PATCH")
    return Request(method, at, {k: _word(v) for k, v in given(params or {}).items()}, content, content_type, repeatable)


def _word(value: Any) -> Any:
    return str(value).lower() if isinstance(value, bool) else value


def as_json(value: Any) -> bytes:
    """JSON in UTF-8, as short as it gets. What is not JSON (a NaN) is refused here rather than there."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode(
        "utf-8", "surrogatepass"
    )


def error(response: httpx.Response) -> ApiError:
    """The error in an answer, which has been read."""
    try:
        said = response.json()["error"]
        return error_of(said, response)
    except (ValueError, KeyError, TypeError, AttributeError):
        # A proxy, or something else that listens there.
        code = "internal" if response.status_code >= 500 else "bad_request"
        message = f"{response.request.method} {response.url} was answered {response.status_code}, but not by paperkin"
    return BY_CODE[code](code, message, status=response.status_code, retry_after=retry_after(response))


def error_of(said: Mapping[str, Any], response: httpx.Response) -> ApiError:
    """What stands under `error` in an answer."""
    code, detail = str(said["code"]), said.get("detail")
    return BY_CODE.get(code, ApiError)(
        code,
        str(said["message"]),
        # An error may come in an answer that began well.
        status=response.status_code if response.is_error else STATUS.get(code, 500),
        detail=detail if isinstance(detail, dict) else None,
        retry_after=retry_after(response),
        request_id=response.headers.get("x-request-id"),
    )


def retry_after(response: httpx.Response) -> float | None:
    """Seconds until the service wants to be asked again: `Retry-After`, in seconds or as a date."""
    said = response.headers.get("retry-after", "").strip()
    if said.isdigit():
        return float(said)
    try:
        at = email.utils.parsedate_to_datetime(said)
    except (ValueError, TypeError):
        return None
    if at.tzinfo is None:
        at = at.replace(tzinfo=datetime.timezone.utc)
    return max(0.0, (at - datetime.datetime.now(datetime.timezone.utc)).total_seconds())


def not_ready(response: httpx.Response) -> NotReady | None:
    """Whether an answer says that what was asked for is being made for the first time."""
    if response.status_code != 202:
        return None
    said = response.json()
    if "retry_after" not in said:
        return None
    return NotReady(said.get("message", "it is being made"), said.get("job", ""), float(said["retry_after"]))


@dataclass(frozen=True)
class Patience:
    """When to try again, and when to give up."""

    retries: int
    max_wait: float

    def wait(self, attempt: int, wanted: float | None) -> float | None:
        """Seconds to wait after an attempt (from 0) that failed; None to give up.

        What the service wants is done, unless it is more than `max_wait`. Else each wait is about twice the last, with
        some chance in it, so that many clients do not come back at one moment.
        """
        if attempt >= self.retries:
            return None
        if wanted is not None:
            return wanted if wanted <= self.max_wait else None
        return min(self.max_wait, 0.25 * float(2**attempt) * random.uniform(0.75, 1.25))


def line(paper: LineLike) -> bytes:
    """A paper as a line; nothing for an empty line."""
    if isinstance(paper, bytes):
        return paper.strip()
    if isinstance(paper, str):
        return paper.strip().encode("utf-8", "surrogatepass")
    return as_json(_known(_plain(paper)))


def _known(value: Any) -> Any:
    """A field of a paper as tables have them: a number that is none is no value."""
    if isinstance(value, dict):
        return {name: _known(field) for name, field in value.items()}
    if isinstance(value, list):
        return [_known(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def papers_of(papers: T) -> T:
    """Papers that are several: a name of a file, or one paper, is a mistake that would be read letter by letter."""
    if isinstance(papers, (str, bytes, Mapping)):
        raise TypeError("ingest takes papers one after another: an open file, a list, a generator; `put` takes one")
    return papers


class Batches:
    """Gathers lines into bodies of a bounded size."""

    def __init__(self, papers: int) -> None:
        """At most so many papers in one."""
        if papers < 1:
            raise ValueError("a batch has one paper at least")
        self._papers, self._lines, self._bytes = papers, list[bytes](), 0

    def add(self, text: bytes) -> Body | None:
        """Takes a line; gives the body of those before it when there is no room for it any more."""
        full = self._lines and (len(self._lines) >= self._papers or self._bytes + len(text) > BATCH_BYTES)
        body = self.rest() if full else None
        self._lines.append(text)
        self._bytes += len(text) + 1
        return body

    def rest(self) -> Body | None:
        """The body of what is left."""
        lines, self._lines, self._bytes = self._lines, [], 0
        return Body(b"\n".join(lines) + b"\n", len(lines)) if lines else None


@dataclass(frozen=True)
class Body:
    """Lines that are sent at once."""

    content: bytes
    lines: int


def no_report() -> Report:
    """The report of nothing."""
    return {
        "accepted": 0,
        "updated": 0,
        "unchanged": 0,
        "embedded": 0,
        "rejected": [],
        "rejected_total": 0,
        "warnings": [],
        "warnings_total": 0,
    }


def add_report(whole: Report, part: Report, lines_before: int) -> None:
    """Adds what came of a body to what came of those before it; lines are counted through."""
    whole["accepted"] += part["accepted"]
    whole["updated"] += part["updated"]
    whole["unchanged"] += part["unchanged"]
    whole["embedded"] += part.get("embedded", 0)
    whole["rejected_total"] += part.get("rejected_total", len(part["rejected"]))
    whole["warnings_total"] += part.get("warnings_total", 0)
    for rejected in part["rejected"][: TOLD - len(whole["rejected"])]:
        rejected["line"] += lines_before
        whole["rejected"].append(rejected)
    for warning in part.get("warnings", [])[: TOLD - len(whole["warnings"])]:
        warning["line"] += lines_before
        whole["warnings"].append(warning)


def each(items: Iterable[T]) -> Iterator[T]:
    """The items: the twin of `aeach`."""
    yield from items


async def aeach(items: Iterable[T] | AsyncIterable[T]) -> AsyncIterator[T]:
    """The items of either kind."""
    if isinstance(items, AsyncIterable):
        async for item in items:
            yield item
    else:
        for item in items:
            yield item


def list_of(source: str | bytes | os.PathLike[str]) -> bytes:
    """The bytes of a reading list: of a text, bytes, or the file that a path names."""
    if isinstance(source, bytes):
        return source
    if isinstance(source, str):
        return source.encode("utf-8", "surrogatepass")
    return Path(source).read_bytes()


def repeatable_events(events: Sequence[Mapping[str, Any]]) -> bool:
    """Whether events may be sent twice: one that names its moment is the same event then."""
    return all(event.get("at") is not None for event in events)


def progress_line(text: str, response: httpx.Response) -> dict[str, Any] | None:
    """A line of an import that goes on; an error in it is raised."""
    if not text.strip():
        return None
    said: dict[str, Any] = json.loads(text)
    if "error" in said:
        raise error_of(said["error"], response)
    return said


def imported(last: dict[str, Any], response: httpx.Response) -> Imported:
    """The last line of an import, which is what came of it."""
    if "matched" not in last:
        raise Unreachable(f"{response.request.method} {response.url}: the answer broke off; the import may go on")
    return cast("Imported", last)


def add_points(whole: ThemeMap, page: ThemeMap) -> None:
    """Adds the points of a page to those of the pages before it."""
    into, more = whole["points"], page["points"]
    into["id"] += more["id"]
    into["theme"] += more["theme"]
    into["x"] += more["x"]
    into["y"] += more["y"]
    titles = more.get("title")
    if titles is not None:
        into["title"] = [*(into.get("title") or []), *titles]
    whole["meta"]["next"] = None


#: The points of a page of the map, at most.
POINTS: Final = 50_000
#: What httpx raises when nothing answers.
NO_ANSWER: Final = httpx.TransportError

#: What hears how far it is.
Hear: TypeAlias = Callable[[Progress], object]
