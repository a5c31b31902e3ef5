"""The binary named by PAPERKIN_BIN on a folder of its own: open with mail and a source, and once behind keys."""

from __future__ import annotations

import json
import os
import queue
import re
import socketserver
import subprocess
import threading
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import pytest

from paperkin import AsyncPaperkin, Paperkin

ROOT = Path(__file__).resolve().parents[3]
CORPUS = ROOT / "src" / "sources" / "invented.jsonl"
#: The days on which papers of the corpus are listed lie in this month.
MONTH = "2026-08"


def binary() -> str:
    """The binary under test."""
    path = os.environ.get("PAPERKIN_BIN")
    if not path:
        pytest.exit("set PAPERKIN_BIN to the binary, for example target/release/paperkin", returncode=2)
    return str(Path(path).resolve())


def environment(**settings: str) -> dict[str, str]:
    """Nothing of whoever runs the tests is set for the service."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PAPERKIN_")} | settings


def command(data: Path, *words: str) -> list[str]:
    """A call of the binary."""
    return [binary(), "--data", str(data), "--model", "hash", *words]


class Service:
    """A service that runs, until `stop`."""

    def __init__(self, data: Path, **settings: str) -> None:
        """Started, and answering."""
        self.data = data
        self.process = subprocess.Popen(
            command(data, "serve", "--addr", "127.0.0.1:0"),
            env=environment(**settings),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._lines: queue.Queue[str] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()
        self.url = self._address()
        with Paperkin(self.url) as client:
            until = time.monotonic() + 60
            while not client.ready():
                assert time.monotonic() < until, "the service does not get ready"
                time.sleep(0.05)

    def _read(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            self._lines.put(line)

    def _address(self) -> str:
        said: list[str] = []
        while True:
            try:
                said.append(self._lines.get(timeout=60))
            except queue.Empty:
                self.stop()
                raise AssertionError("the service does not say where it listens:\n" + "".join(said)) from None
            found = re.search(r"http://127\.0\.0\.1:\d+", said[-1])
            if found:
                return found[0]

    def stop(self) -> None:
        """Ended as an operator would."""
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        if self.process.stdout:
            self.process.stdout.close()


@dataclass
class Mail:
    """A stand-in for a mail server that takes all mails."""

    port: int
    taken: list[str] = field(default_factory=list)

    def link(self, word: str, email: str) -> str:
        """The address with this word in the newest mail to somebody."""
        until = time.monotonic() + 30
        while time.monotonic() < until:
            for mail in reversed(list(self.taken)):
                found = re.search(rf"https?://\S*/{word}\?token=[\w.~-]+", mail)
                if found and email in mail:
                    return found[0]
            time.sleep(0.05)
        raise AssertionError(f"no mail to {email} with {word}: {self.taken}")


class Smtp(socketserver.StreamRequestHandler):
    """As much SMTP as it takes to hand over a mail."""

    mail: ClassVar[Mail]

    def handle(self) -> None:
        """One connection."""
        self.wfile.write(b"220 ready\r\n")
        while line := self.rfile.readline():
            word = line[:4].upper()
            if word == b"DATA":
                self.wfile.write(b"354 go on\r\n")
                body = b""
                while (more := self.rfile.readline()) not in (b".\r\n", b""):
                    body += more
                # Soft line breaks of quoted-printable.
                text = body.replace(b"=\r\n", b"").replace(b"=3D", b"=").decode("utf-8", "replace")
                self.mail.taken.append(text)
            self.wfile.write(b"221 bye\r\n" if word == b"QUIT" else b"250 ok\r\n")


@pytest.fixture(scope="session")
def mail() -> Iterator[Mail]:
    """A mail server."""
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Smtp) as server:
        server.daemon_threads = True
        Smtp.mail = Mail(server.server_address[1])
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield Smtp.mail
        server.shutdown()


def corpus() -> list[dict[str, Any]]:
    """The built-in papers."""
    return [json.loads(line) for line in CORPUS.read_text("utf-8").splitlines()]


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory, mail: Mail) -> Iterator[Service]:
    """Open to everybody on this machine, with the built-in papers."""
    data = tmp_path_factory.mktemp("open") / "data"
    done = subprocess.run(command(data, "ingest", str(CORPUS)), env=environment(), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    source = f'[[source]]\nname = "mine"\nkind = "files"\npath = {json.dumps(str(CORPUS))}\nschedule = "off"\n'
    (data / "paperkin.toml").write_text(source, "utf-8")
    service = Service(
        data,
        PAPERKIN_MAIL_SMTP=f"smtp://127.0.0.1:{mail.port}",
        PAPERKIN_MAIL_FROM="Papers <papers@lab.example>",
        PAPERKIN_PUBLIC_URL="https://papers.lab.example",
    )
    yield service
    service.stop()


@pytest.fixture
def client(service: Service) -> Iterator[Paperkin]:
    """A client of the open one."""
    with Paperkin(service.url) as client:
        yield client


@pytest.fixture
async def aclient(service: Service) -> AsyncIterator[AsyncPaperkin]:
    """The same for asyncio."""
    async with AsyncPaperkin(service.url) as client:
        yield client


@dataclass
class Guarded:
    """A service behind keys, and keys of it."""

    url: str
    admin: str
    read: str


@pytest.fixture(scope="session")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    """Behind keys, without papers."""
    data = tmp_path_factory.mktemp("guarded") / "data"
    data.parent.mkdir(exist_ok=True)
    first = data.parent / "one.jsonl"
    first.write_text(json.dumps({"id": "p/1", "title": "A paper behind a door"}) + "\n", "utf-8")
    for words in (("ingest", str(first)),):
        subprocess.run(command(data, *words), env=environment(), capture_output=True, check=True)

    def key(*words: str) -> str:
        done = subprocess.run(
            command(data, "keys", "add", *words), env=environment(), capture_output=True, text=True, check=True
        )
        return next(word for word in done.stdout.split() if word.startswith("pk_"))

    admin, read = key("all", "--scope", "admin"), key("reads")
    service = Service(data, PAPERKIN_AUTH_MODE="keys")
    yield Guarded(service.url, admin, read)
    service.stop()
