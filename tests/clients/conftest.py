"""The binary named by PAPERKIN_BIN, serving the built-in corpus and some invented papers: once for everybody, once behind keys."""

import json
import os
import pathlib
import queue
import subprocess
import threading
import time

import httpx
import pytest

import papers

HERE = pathlib.Path(__file__).resolve().parent
BUILT_IN = HERE.parent.parent / "src" / "sources" / "invented.jsonl"


class Service:
    """A running service, and our own way of asking it."""

    def __init__(self, url, data, process, key=None, write_key=None, read_key=None):
        self.url, self.data, self.process = url, data, process
        #: A key that reads, one that writes as well, and the first again. All None where everybody may come in.
        self.key, self.write_key, self.read_key = key, write_key, read_key
        self.http = httpx.Client(base_url=url, timeout=60, headers={"authorization": f"Bearer {key}"} if key else {})

    def get(self, path, **params):
        """The JSON of our own call."""
        return self._of(self.http.get(path, params=params))

    def post(self, path, body):
        """The JSON of our own call."""
        return self._of(self.http.post(path, json=body))

    @staticmethod
    def _of(answer):
        assert answer.status_code == 200, f"{answer.request.url}: {answer.status_code} {answer.text}"
        return answer.json()

    @staticmethod
    def ids(answer):
        """The ids of a list of papers, in its order."""
        return [paper["id"] for paper in answer["papers"]]


def environment():
    """Nothing of whoever runs the tests is set for the service."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PAPERKIN_")}


@pytest.fixture(scope="session")
def binary():
    """The binary under test."""
    path = os.environ.get("PAPERKIN_BIN")
    if not path:
        pytest.exit("set PAPERKIN_BIN to the binary, e.g. PAPERKIN_BIN=target/release/paperkin", returncode=2)
    return str(pathlib.Path(path).resolve())


@pytest.fixture(scope="session")
def corpus(binary, tmp_path_factory):
    """A data folder with the built-in corpus and the invented papers; for copies, it is served by nobody."""
    folder = tmp_path_factory.mktemp("corpus")
    more = folder / "more.jsonl"
    more.write_text("".join(json.dumps(paper) + "\n" for paper in papers.papers()), encoding="utf-8")
    data = folder / "data"
    done = subprocess.run(
        [binary, "--data", str(data), "ingest", "--strict", str(BUILT_IN), str(more)],
        env=environment(), capture_output=True, text=True, timeout=600,
    )
    assert done.returncode == 0, done.stderr
    return data


def start(binary, data, **settings):
    """Serves a folder on a free port, until it says where."""
    process = subprocess.Popen(
        [binary, "--data", str(data), "serve", "--addr", "127.0.0.1:0"],
        env=environment() | settings, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )
    lines, said = queue.Queue(), []
    threading.Thread(target=lambda: [lines.put(line) for line in process.stdout], daemon=True).start()
    until = time.monotonic() + 120
    while True:
        try:
            said.append(lines.get(timeout=max(0.0, until - time.monotonic())))
        except queue.Empty:
            stop(process)
            raise AssertionError("the service does not say where it listens:\n" + "".join(said)) from None
        found = [word for word in said[-1].split() if word.startswith("http://127.0.0.1:")]
        if found:
            return process, found[0].rstrip("/.,")


def stop(process):
    """Ends a service as an operator would."""
    process.terminate()
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()


def copy_of(corpus, tmp_path_factory, name):
    """A folder of its own: one folder has one service."""
    data = tmp_path_factory.mktemp(name) / "data"
    subprocess.run(["cp", "-r", str(corpus), str(data)], check=True)
    return data


@pytest.fixture(scope="session")
def service(binary, corpus, tmp_path_factory):
    """Open to everybody on this machine."""
    data = copy_of(corpus, tmp_path_factory, "open")
    process, url = start(binary, data)
    yield Service(url, data, process)
    stop(process)


@pytest.fixture(scope="session")
def guarded(binary, corpus, tmp_path_factory):
    """Behind keys: `key` and `read_key` read, `write_key` writes as well."""
    data = copy_of(corpus, tmp_path_factory, "keys")

    def add(name, *flags):
        made = subprocess.run(
            [binary, "--data", str(data), "keys", "add", name, *flags],
            env=environment(), capture_output=True, text=True, timeout=60,
        )
        assert made.returncode == 0, made.stderr
        return next(word for word in made.stdout.split() if word.startswith("pk_"))

    read_key, write_key = add("reads"), add("writes", "--scope", "write")
    process, url = start(binary, data, PAPERKIN_AUTH_MODE="keys")
    yield Service(url, data, process, key=read_key, write_key=write_key, read_key=read_key)
    stop(process)
