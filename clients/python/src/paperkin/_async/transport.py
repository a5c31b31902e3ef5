"""How requests are sent: connection, retries, errors."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar, cast

import httpx
from anyio import sleep

from .. import _core as core
from .._errors import PaperkinError, Unreachable

if TYPE_CHECKING:
    from typing_extensions import Self

T = TypeVar("T")

#: Seconds that a call may be silent whose work takes long: papers are embedded, a backup is looked at.
LONG = 900.0


class AsyncTransport:
    """A connection to a service. The calls are in the classes that are built on it."""

    def __init__(
        self,
        url: str | None = None,
        key: str | None = None,
        *,
        timeout: float = 60.0,
        retries: int = 4,
        max_wait: float = 60.0,
        http: httpx.AsyncClient | None = None,
    ) -> None:
        """Nothing is sent yet.

        Args:
            url: the address of the service, with a prefix where it is served below one; `PAPERKIN_URL` where nothing is
                said, else `http://127.0.0.1:7878`.
            key: what opens the service, `pk_...`; `PAPERKIN_KEY` where nothing is said, else none.
            timeout: seconds that the service may be silent.
            retries: how often a call that is safe to repeat is tried again after 429, 503 or a broken connection.
            max_wait: the most seconds to wait before a try, and for what is being made for the first time. Where the
                service asks for more patience than this, its error is raised at once.
            http: a client of your own, for proxies, certificates or other transports. It is not closed by this one.
        """
        self._url = core.base_url(url)
        self._headers = core.headers(key)
        self._timeout = timeout
        self._patience = core.Patience(retries, max_wait)
        self._own = http is None
        self._http = http or httpx.AsyncClient(timeout=httpx.Timeout(timeout, connect=min(timeout, 10.0)))

    @property
    def url(self) -> str:
        """The address of the service."""
        return self._url

    async def aclose(self) -> None:
        """Closes the connections."""
        if self._own:
            await self._http.aclose()

    async def __aenter__(self) -> Self:
        """Itself; the end of the block closes it."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Closes the connections."""
        await self.aclose()

    async def _open(self, request: core.Request, timeout: float | None) -> httpx.Response:
        """Sends a request, again where that helps, until there is an answer that is no error. Its body is not read."""
        said = dict(self._headers)
        if request.content_type is not None:
            said["content-type"] = request.content_type
        seconds = self._timeout if timeout is None else max(timeout, self._timeout)
        attempt = 0
        while True:
            built = self._http.build_request(
                request.method,
                self._url + request.path,
                params=request.params or None,
                content=request.content,
                headers=said,
                timeout=httpx.Timeout(seconds, connect=min(seconds, 10.0)),
            )
            failure: PaperkinError
            cause: httpx.TransportError | None = None
            try:
                response = await self._http.send(built, stream=True)
                if response.status_code < 300:
                    return response
                await response.aread()
                await response.aclose()
            except httpx.TransportError as e:
                failure, cause, wanted = unreachable(e, built), e, None
                # Not sent, or maybe not; one that was slow would be so again.
                never_sent = isinstance(e, (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout))
                again = never_sent or (request.repeatable and not isinstance(e, httpx.TimeoutException))
            else:
                answered = core.error(response)
                failure, wanted = answered, answered.retry_after
                again = request.repeatable and response.status_code in (429, 503)
            wait = self._patience.wait(attempt, wanted) if again else None
            if wait is None:
                raise failure from cause
            await sleep(wait)
            attempt += 1

    @asynccontextmanager
    async def _stream(self, request: core.Request, timeout: float | None = None) -> AsyncIterator[httpx.Response]:
        """An answer whose body is read as it comes."""
        response = await self._open(request, timeout)
        try:
            yield response
        except httpx.TransportError as e:
            raise unreachable(e, response.request) from e
        finally:
            await response.aclose()

    async def _send(self, request: core.Request, timeout: float | None = None) -> httpx.Response:
        """An answer, read to its end."""
        async with self._stream(request, timeout) as response:
            await response.aread()
        return response

    # `shape` is for whoever reads the types: what comes is taken as it is.
    async def _json(self, request: core.Request, shape: type[T], timeout: float | None = None) -> T:  # noqa: ARG002
        """An answer in JSON. What is being made for the first time is waited for."""
        waited = 0.0
        while True:
            response = await self._send(request, timeout)
            later = core.not_ready(response)
            if later is None:
                return cast("T", response.json())
            if waited + later.retry_after > self._patience.max_wait:
                raise later
            await sleep(later.retry_after)
            waited += later.retry_after

    async def _list(self, request: core.Request, name: str, shape: type[T]) -> list[T]:  # noqa: ARG002
        """The list that an answer holds."""
        answer = await self._json(request, dict[str, Any])
        return cast("list[T]", answer[name])


def unreachable(e: httpx.TransportError, request: httpx.Request) -> Unreachable:
    """An error of the connection, with what to look at."""
    where = f"{request.method} {request.url.copy_with(query=None)}"
    if isinstance(e, httpx.ConnectError):
        return Unreachable(f"{where}: nobody answers there ({e}); is the service running, and is this its address?")
    if isinstance(e, httpx.TimeoutException):
        return Unreachable(f"{where}: no answer in time; a longer `timeout` waits for it ({type(e).__name__})")
    return Unreachable(f"{where}: the connection broke off ({e or type(e).__name__})")
