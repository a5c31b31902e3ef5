"""The service as a process: started, watched, stopped, killed; and the commands of the same binary."""

from __future__ import annotations

import json
import os
import re
import resource
import shutil
import signal
import ssl
import subprocess
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import wire
from wire import NoAnswer, Reply

#: Seconds that opening a folder may take.
OPENING = 180.0

#: Seconds between two looks at the memory of the service.
LOOK = 0.02


class NotStarted(Exception):
    """The service ended, or was not ready in time; the text is what it said."""


def environment(**more: str) -> dict[str, str]:
    """This environment without the settings of a paperkin that someone uses here, and with `more`."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PAPERKIN_")}
    return kept | more


@dataclass
class Binary:
    """A paperkin binary, the model it is run with, and whether its services ask for keys."""

    program: Path
    model: str
    keys: bool = False

    def arguments(self, folder: Path, *command: str) -> list[str]:
        return [str(self.program), "--data", str(folder), "--model", self.model, *command]

    def run(
        self, folder: Path, *command: str, patience: float = 600.0, env: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Runs a command on a folder to its end. A command that takes longer than `patience` seconds is killed and has
        the status -9."""
        arguments = self.arguments(folder, *command)
        try:
            return subprocess.run(
                arguments,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=patience,
                stdin=subprocess.DEVNULL,
                env=environment(**(env or {})),
            )
        except subprocess.TimeoutExpired as late:
            said = late.stderr.decode(errors="replace") if isinstance(late.stderr, bytes) else late.stderr or ""
            return subprocess.CompletedProcess(arguments, -9, "", f"{said}\nstill running after {patience} s")

    def info(self, folder: Path) -> Any:
        """What `info --json` says of a folder; None where it says nothing."""
        try:
            return json.loads(self.run(folder, "info", "--json").stdout)
        except ValueError:
            return None


@dataclass
class Certificate:
    """A certificate of this machine and its key, as files, and what trusts it."""

    certificate: Path
    key: Path

    @classmethod
    def make(cls, folder: Path) -> Certificate | None:
        """Makes one; None where there is no openssl."""
        if not shutil.which("openssl"):
            return None
        folder.mkdir(exist_ok=True)
        made = cls(folder / "certificate.pem", folder / "key.pem")
        made.renew()
        return made

    def renew(self) -> None:
        """Puts another one in its place."""
        arguments = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj /CN=localhost".split()
        names = ["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
        files = ["-keyout", str(self.key), "-out", str(self.certificate)]
        subprocess.run(["openssl", *arguments, *names, *files], check=True, capture_output=True)

    def context(self) -> ssl.SSLContext:
        """What trusts it."""
        return ssl.create_default_context(cafile=str(self.certificate))


class Watched:
    """A process whose memory is looked at all the time, and which is killed before it takes the machine with it."""

    def __init__(self, process: subprocess.Popen[bytes], stop_mb: float) -> None:
        self.process, self.stop_mb = process, stop_mb
        self.peak_mb, self.overran = 0.0, False
        self._ended = threading.Event()
        threading.Thread(target=self._look, daemon=True).start()

    def _look(self) -> None:
        while not self._ended.wait(LOOK) and self.process.poll() is None:
            self.peak_mb = max(self.peak_mb, status_kb(self.process.pid, "VmHWM") / 1024)
            if status_kb(self.process.pid, "VmRSS") / 1024 > self.stop_mb:
                self.overran = True
                self.process.kill()

    def end(self) -> None:
        self._ended.set()


def status_kb(pid: int, name: str) -> float:
    """A figure of `/proc/PID/status` (`VmRSS`, `VmHWM`: kB; `Threads`); 0 for a process that is gone."""
    try:
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith(name + ":"):
                return float(line.split()[1])
    except OSError:
        pass
    return 0.0


def processor_seconds(pid: int) -> float:
    """Seconds of processor time that a process has had, of its own and in the kernel; 0 for one that is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Service:
    """`paperkin serve` on a folder, at a port that it picks. A context: it is killed at the end, however that comes."""

    def __init__(
        self,
        binary: Binary,
        folder: Path,
        log: Path,
        *,
        stop_mb: float = 5000.0,
        env: dict[str, str] | None = None,
        files: tuple[int, int] | None = None,
        ready: bool = True,
        patience: float = OPENING,
        keys: bool | None = None,
        tls: Certificate | None = None,
    ) -> None:
        """Starts it, and waits until it is ready unless told not to.

        `files` are the soft and the hard limit of open files; `keys`: whether it asks for keys, if not as its binary does.
        Where it does, every request brings the first key that it ever showed. Raises `NotStarted`.
        """
        self.binary, self.folder, self.log, self.tls = binary, folder, log, tls
        self.keys = binary.keys if keys is None else keys
        # What an attack does in a second would be too often for one key; the attacks on that set it themselves.
        settings = {"PAPERKIN_AUTH_MODE": "keys", "PAPERKIN_RATE_LIMIT": "0"} if self.keys else {}
        if tls:
            settings |= {"PAPERKIN_TLS_CERTIFICATE": str(tls.certificate), "PAPERKIN_TLS_KEY": str(tls.key)}
        self._began = log.stat().st_size if log.exists() else 0

        def before() -> None:
            if files:
                resource.setrlimit(resource.RLIMIT_NOFILE, files)

        with log.open("ab") as said:
            self.process = subprocess.Popen(
                binary.arguments(folder, "serve", "--addr", "127.0.0.1:0"),
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                env=environment(**(settings | (env or {}))),
                preexec_fn=before,
                start_new_session=True,
            )
        self.memory = Watched(self.process, stop_mb)
        self.port = 0
        try:
            if ready:
                self.wait_until_ready(patience)
        except BaseException:
            # Also when someone who waits has had enough: nobody else would end it.
            self.kill()
            raise

    @property
    def pid(self) -> int:
        return self.process.pid

    def said(self) -> str:
        """What it has printed since this start."""
        with self.log.open("rb") as log:
            log.seek(self._began)
            return log.read().decode(errors="replace")

    def panics(self) -> list[str]:
        """The lines of its log that tell of a panic."""
        return [line for line in self.said().splitlines() if "panicked" in line]

    def alive(self) -> bool:
        return self.process.poll() is None

    def wait_until_listening(self, patience: float = OPENING) -> None:
        """Waits for the line that gives the address. Raises `NotStarted`."""
        until = time.monotonic() + patience
        while time.monotonic() < until:
            # Behind the first key, where one is shown.
            found = re.search(r"serving on https?://127\.0\.0\.1:(\d+)", self.said())
            if found:
                self.port = int(found.group(1))
                self._meet()
                return
            if not self.alive():
                break
            time.sleep(0.01)
        said = self.said()
        self.kill()
        raise NotStarted(said)

    def _meet(self) -> None:
        """Notes how the port is talked to. The system may give a port that another service had."""
        wire.KEYS.pop(self.port, None)
        wire.TLS.pop(self.port, None)
        if self.tls:
            wire.TLS[self.port] = self.tls.context()
        if self.keys and (key := self._key()):
            wire.KEYS[self.port] = key

    def _key(self) -> str | None:
        """The key that was shown at the first start on this folder; else one that is made now."""
        shown = re.search(r"\bpk_[0-9a-f]+_[0-9a-f]+\b", self.log.read_text(errors="replace"))
        if shown:
            return shown.group(0)
        made = self.binary.run(self.folder, "keys", "add", "campaign", "--scope", "admin", "--json")
        found = re.search(r"\bpk_[0-9a-f]+_[0-9a-f]+\b", made.stdout)
        return found.group(0) if found else None

    def wait_until_ready(self, patience: float = OPENING) -> None:
        """Waits for `/readyz` to answer 200. Raises `NotStarted`."""
        until = time.monotonic() + patience
        self.wait_until_listening(patience)
        while time.monotonic() < until and self.alive():
            try:
                if self.get("/readyz", patience=10).status == 200:
                    return
            except NoAnswer:
                pass
            time.sleep(0.02)
        said = self.said()
        self.kill()
        raise NotStarted(said)

    # Requests, each on a connection of its own. All raise `NoAnswer`.

    def request(
        self,
        method: str,
        address: str,
        body: Any = None,
        kind: str | None = None,
        patience: float = 60.0,
        headers: dict[str, str] | None = None,
    ) -> Reply:
        return wire.request(self.port, method, address, body, kind, patience, headers)

    def get(self, address: str, patience: float = 60.0) -> Reply:
        return self.request("GET", address, patience=patience)

    def post(self, address: str, body: Any, kind: str | None = None, patience: float = 60.0) -> Reply:
        return self.request("POST", address, body, kind, patience)

    def put(self, address: str, body: Any) -> Reply:
        return self.request("PUT", address, body)

    def delete(self, address: str) -> Reply:
        return self.request("DELETE", address)

    # Figures of the process.

    def rss_mb(self) -> float:
        return status_kb(self.pid, "VmRSS") / 1024

    def descriptors(self) -> int:
        try:
            return len(os.listdir(f"/proc/{self.pid}/fd"))
        except OSError:
            return 0

    def soft_limit(self) -> int:
        """The soft limit of open files that it has now."""
        limits = Path(f"/proc/{self.pid}/limits").read_text()
        found = re.search(r"Max open files\s+(\d+)", limits)
        return int(found.group(1)) if found else 0

    def threads(self) -> int:
        return int(status_kb(self.pid, "Threads"))

    def processor_seconds(self) -> float:
        return processor_seconds(self.pid)

    # Ends.

    def kill(self) -> None:
        """SIGKILL: no chance to write anything."""
        self.process.kill()
        self.process.wait()
        self.memory.end()

    def stop(self, patience: float = 60.0) -> int:
        """SIGTERM, and waits; killed when that takes too long. The exit status."""
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(patience)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.memory.end()
        return self.process.returncode

    def __enter__(self) -> Service:
        return self

    def __exit__(self, *_: object) -> None:
        if self.alive():
            self.kill()
        self.memory.end()
