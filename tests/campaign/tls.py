"""TLS by the service itself: handshakes that never end, floods of them, and a certificate that changes."""

from __future__ import annotations

import multiprocessing
import os
import signal
import socket
import ssl
import threading
import time
from contextlib import contextmanager
from collections.abc import Iterator
from typing import Any

import wire
from figures import percentile
from flood import ACCEPTED_MS, STANDING_STILL, until_closed
from service import Certificate, Service
from stand import Outcome, Skipped, Stand, attack
from wire import Line, NoAnswer, dial, path

#: The first bytes of a handshake that never goes on.
BEGUN = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"


@contextmanager
def over_tls(stand: Stand, outcome: Outcome, papers: int | None = None, **how: Any) -> Iterator[tuple[Service, Certificate]]:
    """A service that speaks TLS, and its certificate."""
    certificate = Certificate.make(stand.fresh("certificate"))
    if certificate is None:
        raise Skipped("openssl is not installed, which makes the certificate")
    with stand.serving(outcome, papers, tls=certificate, **how) as service:
        yield service, certificate


class Searcher(threading.Thread):
    """An ordinary client: a search a few times a second, each on a connection of its own or all on one."""

    def __init__(self, port: int, until: float, kept: bool) -> None:
        super().__init__(daemon=True)
        self.port, self.until, self.kept = port, until, kept
        self.seconds: list[float] = []
        self.failures: list[str] = []

    def run(self) -> None:
        address = path("v1", "search", q="sparse memory of noisy images", limit=10)
        line = Line(self.port, 30) if self.kept else None
        while time.monotonic() < self.until:
            began = time.monotonic()
            try:
                reply = line.request("GET", address) if line else wire.request(self.port, "GET", address, patience=30)
                if reply.status == 200:
                    self.seconds.append(time.monotonic() - began)
                else:
                    self.failures.append(str(reply))
            except NoAnswer as error:
                self.failures.append(str(error))
            time.sleep(max(0.0, 0.2 - (time.monotonic() - began)))


def searches(outcome: Outcome, port: int, seconds: float) -> None:
    """What four clients with new connections, and one that keeps its own, meet meanwhile."""
    clients = [Searcher(port, time.monotonic() + seconds, n == 0) for n in range(5)]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    taken = [second for client in clients for second in client.seconds]
    failures = [failure for client in clients for failure in client.failures]
    outcome.did["searches answered"] += len(taken)
    outcome.did["searches not answered"] += len(failures)
    outcome.figures["search p99 ms"] = round(percentile(taken, 0.99) * 1e3, 1)
    outcome.figures["kept connection p50 ms"] = round(percentile(clients[0].seconds, 0.5) * 1e3, 2)
    for failure in failures[:3]:
        outcome.must(False, f"a search: {failure}")
    outcome.must(bool(taken) and percentile(taken, 0.99) * 1e3 <= ACCEPTED_MS, "searches take too long")


@attack("tls", "handshakes that never end", "Searches over TLS are answered while 500 handshakes stand still; these are closed.")
def never_ending(stand: Stand, outcome: Outcome) -> None:
    """Half of them say nothing, half have begun; a byte every ten seconds."""
    with over_tls(stand, outcome) as (service, _):
        held: list[socket.socket] = []
        for n in range(500):
            one = dial(service.port)
            one.sendall(BEGUN if n % 2 else b"")
            held.append(one)
        outcome.did["connections held"] = len(held)
        searches(outcome, service.port, stand.of(10, 4))
        until_closed(outcome, held, STANDING_STILL, lambda one: one.sendall(b"\0"))
        outcome.must(isinstance(outcome.figures["closed after s"], int), "handshakes are not closed")
        for one in held:
            one.close()


def _handshakes(port: int, certificate: str, seconds: float, whole: bool, out: Any) -> None:
    context = ssl.create_default_context(cafile=certificate)
    until, done, failed = time.monotonic() + seconds, 0, 0
    while time.monotonic() < until:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=10) as one:
                if whole:
                    # Without a session to take up: all of the work, every time.
                    context.wrap_socket(one, server_hostname="127.0.0.1").close()
                else:
                    one.sendall(os.urandom(200) if done % 2 else BEGUN + os.urandom(509))
                    one.recv(100)
                done += 1
        except OSError:
            failed += 1
    out.send((done, failed))


def flood_of(outcome: Outcome, service: Service, certificate: Certificate, seconds: float, whole: bool) -> None:
    """Two processes that do nothing but handshakes, beside clients that search."""
    pipes, processes = [], []
    for _ in range(2):
        ours, theirs = multiprocessing.Pipe(duplex=False)
        arguments = (service.port, str(certificate.certificate), seconds, whole, theirs)
        process = multiprocessing.Process(target=_handshakes, args=arguments, daemon=True)
        process.start()
        pipes.append(ours)
        processes.append(process)
    searches(outcome, service.port, seconds - 1)
    told = [pipe.recv() for pipe in pipes]
    for process in processes:
        process.join()
    done = sum(one for one, _ in told)
    outcome.did["handshakes"] = done
    outcome.did["handshakes without an answer"] = sum(failed for _, failed in told)
    outcome.figures["handshakes a second"] = round(done / seconds)


@attack("tls", "a flood of handshakes", "Searches are answered while handshakes come as fast as two clients can make them.")
def whole_handshakes(stand: Stand, outcome: Outcome) -> None:
    """Each whole, and without a session that it could take up."""
    with over_tls(stand, outcome) as (service, certificate):
        before = service.rss_mb()
        flood_of(outcome, service, certificate, stand.of(20, 5), True)
        outcome.figures["grown by MB"] = round(service.rss_mb() - before)
        outcome.must(service.rss_mb() - before < 100, f"{before:,.0f} MB, then {service.rss_mb():,.0f} MB")


@attack("tls", "a flood of broken handshakes", "The same where each breaks off or is none.")
def broken_handshakes(stand: Stand, outcome: Outcome) -> None:
    """Noise, and first messages that hold noise."""
    with over_tls(stand, outcome) as (service, certificate):
        before = service.rss_mb()
        flood_of(outcome, service, certificate, stand.of(20, 5), False)
        outcome.figures["grown by MB"] = round(service.rss_mb() - before)
        outcome.must(service.rss_mb() - before < 100, f"{before:,.0f} MB, then {service.rss_mb():,.0f} MB")


@attack("tls", "HTTP where TLS is spoken", "Whoever forgets https is told; others are served.")
def plain(stand: Stand, outcome: Outcome) -> None:
    """Two thousand plain requests."""
    with over_tls(stand, outcome, 2000) as (service, _):
        for n in range(stand.of(2000, 200)):
            with dial(service.port) as one:
                one.sendall(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
                said = b""
                while part := one.recv(65536):
                    said += part
            outcome.must(said.startswith(b"HTTP/1.1 400") and b"https://" in said, f"{said[:200]!r}")
            outcome.did["plain requests"] += 1
        searches(outcome, service.port, 3)
        outcome.must(service.descriptors() < 100, f"{service.descriptors()} descriptors afterwards")


@attack("tls", "a certificate that changes", "SIGHUP under load loses no request, also where the new files are broken.")
def changing(stand: Stand, outcome: Outcome) -> None:
    """A new certificate, or half a file, ten times; who trusts all of them goes on."""
    with over_tls(stand, outcome, 2000) as (service, certificate):
        sound = certificate.certificate.read_bytes(), certificate.key.read_bytes()
        trusting = wire.TLS[service.port]
        clients = [Searcher(service.port, time.monotonic() + stand.of(20, 6), n == 0) for n in range(4)]
        for client in clients:
            client.start()
        while any(client.is_alive() for client in clients):
            if outcome.did["signals"] % 3 == 2:
                certificate.certificate.write_bytes(sound[0][: len(sound[0]) // 2])
            elif outcome.did["signals"] % 3 == 1:
                fresh = Certificate.make(stand.fresh("certificate"))
                assert fresh
                trusting.load_verify_locations(fresh.certificate)
                certificate.certificate.write_bytes(fresh.certificate.read_bytes())
                certificate.key.write_bytes(fresh.key.read_bytes())
            else:
                certificate.certificate.write_bytes(sound[0])
                certificate.key.write_bytes(sound[1])
            os.kill(service.pid, signal.SIGHUP)
            outcome.did["signals"] += 1
            time.sleep(0.5)
        failures = [failure for client in clients for failure in client.failures]
        outcome.did["searches answered"] = sum(len(client.seconds) for client in clients)
        outcome.did["searches not answered"] = len(failures)
        for failure in failures[:3]:
            outcome.must(False, f"a search: {failure}")
        outcome.must(service.alive(), "it ended")
        said = service.said()
        outcome.must("stays as it was" in said and "was read again" in said, "the log says nothing of the certificates")
