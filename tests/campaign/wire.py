"""Talking to the service: ordinary requests, and connections with bad manners.

A request has a connection of its own unless a `Line` is kept: one that is kept may be closed by the service just when
it is taken again, and an answer that is missing for that reason would say nothing of the service.
"""

from __future__ import annotations

import http.client
import json
import socket
import ssl
import time
from dataclasses import dataclass, field
from typing import Any
from collections.abc import Iterable
from urllib.parse import quote, urlencode

JSON = "application/json"
NDJSON = "application/x-ndjson"


#: The key that requests to a port bring, where the service asks for one.
KEYS: dict[int, str] = {}

#: What a connection to a port is encrypted with, where the service speaks TLS.
TLS: dict[int, ssl.SSLContext] = {}


class NoAnswer(Exception):
    """The connection was refused, closed, or silent until the patience was over, without an answer."""


@dataclass
class Reply:
    """An answer: status, headers with small names, body, and the seconds from before the connection to its last
    byte."""

    status: int
    headers: dict[str, str]
    body: bytes
    seconds: float
    request: str = field(default="")

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    @property
    def json(self) -> Any:
        """The body as JSON; None where it is none."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None

    @property
    def code(self) -> str:
        """The `code` of an error in the one shape that all errors have; empty where there is none."""
        body = self.json
        error = body.get("error") if isinstance(body, dict) else None
        return error.get("code", "") if isinstance(error, dict) else ""

    def has_error_shape(self) -> bool:
        """Whether an error looks as every error must: a code and a message for people, as JSON."""
        body = self.json
        error = body.get("error") if isinstance(body, dict) else None
        return isinstance(error, dict) and all(isinstance(error.get(name), str) for name in ("code", "message"))

    def __str__(self) -> str:
        return f"{self.request} -> {self.status} {self.body[:200].decode(errors='replace')}"


def path(*parts: str, **query: Any) -> str:
    """An address from its segments, each escaped as a whole, and its query; lists become repeated parameters."""
    address = "/" + "/".join(quote(part, safe="") for part in parts)
    return address + ("?" + urlencode(query, doseq=True) if query else "")


def request(
    port: int,
    method: str,
    address: str,
    body: Any = None,
    kind: str | None = None,
    patience: float = 60.0,
    headers: dict[str, str] | None = None,
) -> Reply:
    """Sends one request on a connection of its own. A body that is not bytes is sent as JSON.

    Raises `NoAnswer` when the connection ends, or `patience` seconds go by, without an answer.
    """
    with Line(port, patience) as line:
        return line.request(method, address, body, kind, headers)


class Line:
    """A connection that is kept from request to request."""

    def __init__(self, port: int, patience: float = 60.0) -> None:
        self.port = port
        if port in TLS:
            self.connection: http.client.HTTPConnection = http.client.HTTPSConnection(
                "127.0.0.1", port, timeout=patience, context=TLS[port]
            )
        else:
            self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=patience)

    def request(
        self,
        method: str,
        address: str,
        body: Any = None,
        kind: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> Reply:
        """Sends a request and reads its whole answer; with the key of the service unless `headers` say who asks. Raises
        `NoAnswer`."""
        sent = dict(headers or {})
        if self.port in KEYS and "authorization" not in sent:
            sent["authorization"] = f"Bearer {KEYS[self.port]}"
        if body is not None and not isinstance(body, bytes):
            body, kind = json.dumps(body).encode(), kind or JSON
        if kind:
            sent["content-type"] = kind
        began = time.monotonic()
        try:
            try:
                self.connection.request(method, address, body, sent)
            except (BrokenPipeError, ConnectionResetError):
                # A service may answer and close before it has read a body that it does not want: the answer counts.
                if self.connection.sock is None:
                    raise
            answer = self.connection.getresponse()
            read = answer.read()
        except (OSError, http.client.HTTPException, ValueError) as error:
            self.connection.close()
            raise NoAnswer(f"{method} {address[:200]}: {type(error).__name__} {error}") from error
        names = {name.lower(): value for name, value in answer.getheaders()}
        return Reply(answer.status, names, read, time.monotonic() - began, f"{method} {address[:200]}")

    def close(self) -> None:
        self.connection.close()

    def __enter__(self) -> Line:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def dial(port: int, patience: float = 10.0) -> socket.socket:
    """A bare connection, for manners that no HTTP library has. Raises `OSError`."""
    return socket.create_connection(("127.0.0.1", port), timeout=patience)


def head(method: str, address: str, headers: Iterable[tuple[str, str]] = ()) -> bytes:
    """The bytes of a request up to its body."""
    lines = [f"{method} {address} HTTP/1.1", "host: 127.0.0.1", *(f"{name}: {value}" for name, value in headers)]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def signed(port: int, request: bytes) -> bytes:
    """Bytes that begin with the head of a request, with the key of the service in it; as they are where there is none."""
    line, found, rest = request.partition(b"\r\n")
    if port not in KEYS or not found or b"authorization: " in request.partition(b"\r\n\r\n")[0]:
        return request
    return line + b"\r\nauthorization: Bearer " + KEYS[port].encode() + b"\r\n" + rest


def bare(port: int, request: bytes, patience: float = 10.0) -> bytes:
    """Sends bytes on a connection of their own, and reads until the other side closes or says nothing for a while. Raises
    `OSError` where it cannot be reached."""
    said = b""
    with dial(port, patience) as connection:
        one = TLS[port].wrap_socket(connection, server_hostname="127.0.0.1") if port in TLS else connection
        try:
            one.sendall(request)
            while part := one.recv(65536):
                said += part
        except OSError:
            pass
    return said


def closed(connection: socket.socket) -> bool:
    """Whether the other side has closed a connection; what it sent before is thrown away."""
    connection.setblocking(False)
    try:
        while True:
            if not connection.recv(65536):
                return True
    except BlockingIOError:
        return False
    except OSError:
        return True
