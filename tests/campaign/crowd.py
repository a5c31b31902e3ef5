"""Many clients in one process, and how long each waits.

One process with one event loop (epoll) plays all clients, because a machine with few cores shared by a thousand threads
would measure its own scheduler. How the measurement is kept honest:

- A client of a given rate is due at fixed times, whether or not the service keeps up, so that a slow service is not
  spared the requests that it was too slow for. A request that is due while the one before is not answered starts when
  it is.
- Seconds run from the first byte's way out (with a connection that has to be made: from before it is made) to the last
  byte's way in.
- The loop measures itself: how late it began what was due, and how long one turn of it kept an answer waiting. Both are
  in the figures as `lag`. Where the lag is a good part of a latency, the latency is the client's own, and the figures
  say so.
- The garbage collector is off meanwhile.
"""

from __future__ import annotations

import errno
import gc
import heapq
import multiprocessing
import selectors
import socket
import time
from collections import Counter
from dataclasses import dataclass, field

from figures import percentile
from wire import signed


@dataclass
class Role:
    """Clients that do one thing: so many connections, together so many requests a second; 0 for each as soon as it
    can."""

    name: str
    request: bytes
    connections: int = 1
    rate: float = 0.0
    #: Whether every request has a connection of its own, as those of a health check have.
    fresh: bool = False


@dataclass
class Measured:
    """What the clients of a role met."""

    #: Seconds of the answers, by status.
    seconds: dict[int, list[float]] = field(default_factory=dict)
    #: Connections that were refused, or closed in the middle of an answer.
    broken: Counter[str] = field(default_factory=Counter)
    #: Requests without an answer at the end, sent more than a second before it.
    waiting: int = 0
    #: The 99th percentile of the loop's own delay, in seconds.
    lag: float = 0.0

    def of(self, *statuses: int) -> list[float]:
        return [second for status in statuses for second in self.seconds.get(status, [])]

    def count(self, *statuses: int) -> int:
        return len(self.of(*statuses))

    @property
    def answered(self) -> int:
        return sum(len(seconds) for seconds in self.seconds.values())

    def p99_ms(self, *statuses: int) -> float:
        return round(percentile(self.of(*statuses), 0.99) * 1e3, 1)

    def p50_ms(self, *statuses: int) -> float:
        return round(percentile(self.of(*statuses), 0.5) * 1e3, 2)


def play(port: int, roles: list[Role], seconds: float) -> dict[str, Measured]:
    """Plays all roles at once for so many seconds, in a process of its own."""
    ours, theirs = multiprocessing.Pipe(duplex=False)
    process = multiprocessing.Process(target=_process, args=(theirs, port, roles, seconds), daemon=True)
    process.start()
    theirs.close()
    measured = ours.recv()
    process.join()
    return measured


def _process(out: object, port: int, roles: list[Role], seconds: float) -> None:
    gc.disable()
    out.send(_Loop(port, roles).run(seconds))  # type: ignore[attr-defined]


class _Client:
    """One connection and the request that is under way on it."""

    __slots__ = ("role", "every", "due", "began", "connection", "unsent", "got", "busy", "events")

    def __init__(self, role: Role, due: float, every: float) -> None:
        self.role, self.due, self.every = role, due, every
        self.connection: socket.socket | None = None
        self.unsent, self.got = memoryview(b""), bytearray()
        self.busy, self.began, self.events = False, 0.0, 0


class _Loop:
    def __init__(self, port: int, roles: list[Role]) -> None:
        self.port = port
        self.selector = selectors.DefaultSelector()
        self.measured = {role.name: Measured() for role in roles}
        self.lags: list[float] = []
        now = time.monotonic()
        self.clients: list[_Client] = []
        for role in roles:
            every = role.connections / role.rate if role.rate else 0.0
            for n in range(role.connections):
                # Spread evenly, so that the rate is one from the first second on.
                spread = every if every else 0.2
                self.clients.append(_Client(role, now + spread * n / role.connections, every))
        self.queue = [(client.due, n) for n, client in enumerate(self.clients)]
        heapq.heapify(self.queue)
        self.number = {id(client): n for n, client in enumerate(self.clients)}

    def run(self, seconds: float) -> dict[str, Measured]:
        until = time.monotonic() + seconds
        while (now := time.monotonic()) < until:
            while self.queue and self.queue[0][0] <= now:
                due, n = heapq.heappop(self.queue)
                self.lags.append(max(0.0, time.monotonic() - due))
                self._begin(self.clients[n])
            wait = min(self.queue[0][0] - time.monotonic() if self.queue else 0.1, until - now, 0.1)
            ready = self.selector.select(max(wait, 0.0))
            turn = time.monotonic()
            for key, events in ready:
                self._move(key.data, events)
            if ready:
                self.lags.append(time.monotonic() - turn)
        lag = percentile(self.lags, 0.99)
        for client in self.clients:
            self.measured[client.role.name].waiting += client.busy and until - client.began > 1.0
        for measured in self.measured.values():
            measured.lag = lag
        return self.measured

    def _begin(self, client: _Client) -> None:
        client.began, client.busy = time.monotonic(), True
        client.unsent, client.got = memoryview(signed(self.port, client.role.request)), bytearray()
        if client.connection is None:
            connection = socket.socket()
            connection.setblocking(False)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            failed = connection.connect_ex(("127.0.0.1", self.port))
            client.connection = connection
            if failed not in (0, errno.EINPROGRESS):
                return self._break(client, "refused")
            self.selector.register(connection, selectors.EVENT_WRITE, client)
            client.events = selectors.EVENT_WRITE
        else:
            self._want(client, selectors.EVENT_WRITE | selectors.EVENT_READ)

    def _want(self, client: _Client, events: int) -> None:
        if client.connection is not None and client.events != events:
            self.selector.modify(client.connection, events, client)
            client.events = events

    def _move(self, client: _Client, events: int) -> None:
        connection = client.connection
        if connection is None:
            return
        try:
            if events & selectors.EVENT_WRITE and client.unsent:
                sent = connection.send(client.unsent)
                client.unsent = client.unsent[sent:]
                if not client.unsent:
                    self._want(client, selectors.EVENT_READ)
            if events & selectors.EVENT_READ:
                read = connection.recv(1 << 18)
                if not read:
                    return self._break(client, "closed") if client.busy else self._drop(client)
                client.got += read
                if client.busy:
                    self._look(client)
        except BlockingIOError:
            return
        except OSError as error:
            self._break(client, type(error).__name__) if client.busy else self._drop(client)

    def _look(self, client: _Client) -> None:
        """Ends the request when its answer is whole."""
        end = client.got.find(b"\r\n\r\n")
        if end < 0:
            return
        headers = bytes(client.got[:end]).lower()
        body = len(client.got) - end - 4
        at = headers.find(b"content-length:")
        if at >= 0:
            if body < int(headers[at + 15 :].split(b"\r\n", 1)[0]):
                return
        elif b"transfer-encoding: chunked" in headers and not client.got.endswith(b"0\r\n\r\n"):
            return
        seconds = time.monotonic() - client.began
        self.measured[client.role.name].seconds.setdefault(int(headers[9:12]), []).append(seconds)
        client.busy = False
        if client.role.fresh or b"connection: close" in headers:
            self._drop(client)
        else:
            self._want(client, selectors.EVENT_READ)
        self._again(client)

    def _again(self, client: _Client, rest: float = 0.0) -> None:
        now = time.monotonic()
        client.due = max(client.due + client.every, now + rest) if client.every else now + rest
        heapq.heappush(self.queue, (client.due, self.number[id(client)]))

    def _break(self, client: _Client, how: str) -> None:
        self.measured[client.role.name].broken[how] += 1
        client.busy = False
        self._drop(client)
        # As a client would that was turned away: not at once.
        self._again(client, 0.05)

    def _drop(self, client: _Client) -> None:
        if client.connection is not None:
            if client.events:
                self.selector.unregister(client.connection)
                client.events = 0
            client.connection.close()
            client.connection = None
