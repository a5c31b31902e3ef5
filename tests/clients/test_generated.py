"""A client that is generated from our OpenAPI document: every call is in it once, and answers what the service answers."""

import datetime
import enum
import importlib
import io
import json
import pathlib
import pkgutil
import re
import subprocess
import sys
import typing
import urllib.parse

import httpx
import pytest

from conftest import Service, copy_of, start, stop

HERE = pathlib.Path(__file__).resolve().parent
CONFIG = HERE.parents[1] / "clients" / "openapi-python-client.yaml"
NAME = "generated_paperkin"
KITE = "arxiv:2401.00001"
USER = "generated/ada"

#: Calls whose answer is another every time, with how to see that it is one.
LIVELY = {
    "metrics": lambda answer: answer.startswith("# "),
    "backup": lambda answer: answer.payload.read(4) == bytes.fromhex("28b52ffd"),
}
#: Calls that are refused here, as they should be: nobody sends mail, and a wrong secret opens nothing.
REFUSED = {
    "act_page": 401,
    "confirm_page": 401,
    "manage_page": 401,
    "unsubscribe_page": 401,
    "get_subscription": 404,
    "feed_atom": 401,
    "feed_json": 401,
    "search_feed_atom": 401,
    "search_feed_json": 401,
    "list_webhook_deliveries": 404,
}


@pytest.fixture(scope="session")
def service(binary, corpus, tmp_path_factory):
    """A service of its own: what is called here changes it."""
    data = copy_of(corpus, tmp_path_factory, "generated")
    process, url = start(binary, data)
    yield Service(url, data, process)
    stop(process)


@pytest.fixture(scope="session")
def document(service):
    """The document as the service gives it."""
    return service.get("/openapi.json")


@pytest.fixture(scope="session")
def generated(document, tmp_path_factory):
    """The client, imported. A warning of the generator is a failure: it leaves out what it warns of."""
    folder = tmp_path_factory.mktemp("generated")
    (folder / "openapi.json").write_text(json.dumps(document), encoding="utf-8")
    (folder / "config.yaml").write_text(CONFIG.read_text("utf-8") + "post_hooks: []\n", encoding="utf-8")
    words = ["generate", "--path", "openapi.json", "--output-path", NAME, "--config", "config.yaml", "--meta", "none"]
    done = subprocess.run(
        [sys.executable, "-m", "openapi_python_client", *words, "--fail-on-warning"],
        cwd=folder, capture_output=True, text=True, timeout=300,
    )
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    assert "warning" not in said.lower(), said
    sys.path.insert(0, str(folder))
    yield importlib.import_module(NAME)
    sys.path.remove(str(folder))


@pytest.fixture(scope="session")
def functions(generated):
    """Every module of a call, by the name of the call; whatever else there is was imported as well."""
    modules = [importlib.import_module(m.name) for m in pkgutil.walk_packages(generated.__path__, f"{NAME}.")]
    return [m for m in modules if hasattr(m, "sync_detailed")]


@pytest.fixture(scope="session")
def calls(functions):
    """The module of each call."""
    return {module.__name__.rsplit(".", 1)[1]: module for module in functions}


@pytest.fixture(scope="session")
def client(generated, service):
    """A generated client of the service. Every call may want a key; where none is asked for none is given."""
    return generated.Client(base_url=service.url, timeout=httpx.Timeout(60))


def operations(document):
    """Name, method, path and description of each call."""
    return [
        (operation["operationId"], method, path, operation)
        for path, item in document["paths"].items()
        for method, operation in item.items()
    ]


def test_every_call_is_there_once(document, functions, generated):
    wanted = sorted(name for name, *_ in operations(document))
    assert len(wanted) == len(set(wanted)) > 100
    assert sorted(module.__name__.rsplit(".", 1)[1] for module in functions) == wanted
    # And every shape that has a name.
    models = importlib.import_module(f"{NAME}.models")
    described = [schema for schema in document["components"]["schemas"].values() if schema.get("properties")]
    assert len(models.__all__) >= len(described)


@pytest.fixture(scope="session")
def known(document, service):
    """A reader with something of everything, and what the parameters of paths stand for."""
    user = "/v1/users/" + urllib.parse.quote(USER, safe="")
    likes = service.ids(service.get("/v1/papers", limit=12))
    service.post(f"{user}/events", {"events": [{"paper": paper, "kind": "like"} for paper in [KITE, *likes]]})
    listed = service.post(f"{user}/history", {"text": "Of what nobody has heard", "format": "titles", "embed_missing": True})

    def made(path, body):
        answer = service.http.post(user + path, json=body)
        assert answer.is_success, answer.text
        return answer.json()["id"]

    folder = made("/folders", {"name": "Kept"})
    search = made("/searches", {"query": "kites"})
    paper = urllib.parse.quote(KITE, safe="")
    assert service.http.put(f"{user}/folders/{folder}/papers/{paper}").is_success
    assert service.http.put(f"{user}/notes/{paper}", json={"text": "Read it."}).is_success
    assert service.http.get("/v1/themes", timeout=60).status_code in (200, 202)
    until_made(service, "/v1/themes")
    return {
        "user": USER,
        "import": listed["import"],
        "folders": folder,
        "searches": search,
        "interests": service.get(f"{user}/interests")["interests"][0]["id"],
        "themes": service.get("/v1/themes")["themes"][0]["id"],
        "jobs": "interests",
        "models": service.get("/v1/models")["data"][0]["id"] if "/v1/models" in document["paths"] else None,
    }


def until_made(service, path):
    """Waits for what is made when it is asked for first."""
    for _ in range(600):
        if service.http.get(path).status_code == 200:
            return
    raise AssertionError(f"{path} is not made")


def path_value(name, path, known):
    """What stands for a parameter of a path."""
    if name in known:
        return known[name]
    if path == "/papers/{id}":
        return f"{KITE}.md"
    # `/v1/themes/{id}/feed.atom` is about themes; other ids are of papers.
    kinds = [part for part in path.split("/") if part in known]
    return known[kinds[-1]] if kinds and "/notes" not in path else KITE


def query_values(operation):
    """Those that have to be said, and some that are good to try."""
    tried = {"explain": "true", "limit": "3", "facets": ["year"], "category": ["cs.RO"], "q": "kites", "query": "kites"}
    needed = {"token": "wrong", "kind": "like", "paper": KITE, "id": KITE, "date": "2026-08-27"}
    values = {}
    for parameter in operation.get("parameters", []):
        name = parameter["name"]
        if parameter["in"] == "query":
            if name in tried:
                values[name] = tried[name]
            elif parameter.get("required"):
                values[name] = needed[name]
    return values


def arguments(module, values):
    """The same values as the generated function wants them."""
    hints = typing.get_type_hints(module._get_kwargs)
    given = {}
    for name, value in values.items():
        python = name if name in hints else f"{name}_"
        kinds = [kind for kind in (hints[python], *typing.get_args(hints[python])) if isinstance(kind, type)]
        enums = [kind for kind in kinds if issubclass(kind, enum.Enum)]
        if enums:
            value = enums[0](value)
        elif bool in kinds:
            value = value == "true"
        elif int in kinds:
            value = int(value)
        given[python] = value
    return given


def same(one, other):
    """Whether answers say the same: a moment may be written in two ways, and a call takes its time."""
    if isinstance(one, dict) and isinstance(other, dict):
        keys = (one.keys() | other.keys()) - {"took_ms"}
        return all(same(one.get(key), other.get(key)) for key in keys)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, str) and isinstance(other, str) and one != other:
        try:
            return datetime.datetime.fromisoformat(one) == datetime.datetime.fromisoformat(other)
        except ValueError:
            return False
    return one == other


def without_self(text):
    """A feed without the address it was asked by, whose parameters may stand in any order."""
    return re.sub(r'<(id>|link rel="self")[^<]*', "", text)


def plain(parsed):
    """What a generated client read, as JSON."""
    if hasattr(parsed, "to_dict"):
        return parsed.to_dict()
    return [plain(item) for item in parsed] if isinstance(parsed, list) else parsed


def test_every_get_answers_what_the_service_answers(document, calls, client, service, known):
    tried = 0
    for name, method, path, operation in operations(document):
        if method != "get":
            continue
        in_path = [p["name"] for p in operation.get("parameters", []) if p["in"] == "path"]
        of_path = {parameter: path_value(parameter, path, known) for parameter in in_path}
        of_query = query_values(operation)
        if name == "theme_map_papers":
            of_query = {"q": "kites", "limit": "3"}
        address = path
        for parameter, value in of_path.items():
            address = address.replace(f"{{{parameter}}}", urllib.parse.quote(value, safe=""))
        said = calls[name].sync_detailed(client=client, **arguments(calls[name], {**of_path, **of_query}))
        status = int(said.status_code)
        assert status == REFUSED.get(name, 200), f"{name}: {status} {said.content[:300]}"
        if name in LIVELY:
            assert LIVELY[name](said.parsed), name
        else:
            expected = service.http.get(address, params=of_query)
            assert expected.status_code == status, name
            kind = expected.headers.get("content-type", "")
            if "json" in kind:
                assert same(plain(said.parsed), expected.json()), f"{name}: {plain(said.parsed)}\n{expected.text}"
            elif status == 200:
                assert without_self(said.parsed) == without_self(expected.text), name
        tried += 1
    assert tried > 50, tried


#: Bodies for calls that write or take long words, and the fields of the answer that are to be found in it.
BODIES = {
    "put_papers": ({"papers": [{"id": "generated/1", "title": "A kite out of a generator", "shelf": 7}]}, ["accepted"]),
    "add_events": ({"events": [{"paper": KITE, "kind": "save", "at": "2026-01-02T00:00:00Z"}]}, ["accepted"]),
    "add_events_of_many": ({"events": [{"user": USER, "paper": KITE, "kind": "view"}]}, ["accepted"]),
    "embed": ({"inputs": ["kites"], "kind": "query"}, ["vectors", "dimension"]),
    "file_papers": ({"papers": [KITE]}, ["unchanged"]),
    "get_opinions": ({"ids": [KITE]}, ["opinions"]),
    "import_history": ({"text": KITE, "format": "ids", "dry_run": True}, ["matched"]),
    "make_folder": ({"name": "Another"}, ["id"]),
    "make_key": ({"name": "generated", "scopes": ["read"]}, ["key"]),
    "patch_interest": ({"weight": 2.0, "name": None}, ["weight"]),
    "preview_feed": ({"events": [{"paper": KITE, "kind": "like"}], "limit": 3}, ["papers"]),
    "put_note": ({"text": "Again."}, ["text"]),
    "put_user": ({"per_author": 2}, ["settings"]),
    "rank_for_user": ({"candidates": [KITE], "explain": True}, ["papers"]),
    "recommend": ({"like": [KITE, {"id": "arxiv:2401.00002", "weight": 2.0}], "text": ["wind"], "explain": True}, ["papers"]),
    "rename_folder": ({"name": "Ours"}, ["name"]),
    "save_search": ({"query": "harbours"}, ["id"]),
    "search_long": ({"q": "kites over harbours", "facets": ["year"], "explain": True}, ["papers", "meta"]),
    "similar_papers_of_each": ({"ids": [KITE]}, ["results"]),
    "themes_of_selection": ({"q": "kites"}, ["themes"]),
}


@pytest.mark.parametrize("name", sorted(BODIES))
def test_bodies_go_and_answers_come(name, document, calls, client, generated, known):
    (method, path, operation) = next(o[1:] for o in operations(document) if o[0] == name)
    models = importlib.import_module(f"{NAME}.models")
    in_path = [p["name"] for p in operation.get("parameters", []) if p["in"] == "path"]
    of_path = {parameter: path_value(parameter, path, known) for parameter in in_path}
    body, fields = BODIES[name]
    schema = operation["requestBody"]["content"]["application/json"]["schema"]
    choices = [schema, *schema.get("oneOf", [])]
    model = next(c["$ref"].rsplit("/", 1)[1] for c in choices if "$ref" in c)
    model = {"PapersBody": "SeveralPapers"}.get(model, model)
    body = getattr(models, model).from_dict(body)
    said = calls[name].sync_detailed(client=client, body=body, **arguments(calls[name], of_path))
    assert int(said.status_code) in (200, 201), f"{name}: {said.content[:300]}"
    answer = said.parsed.to_dict()
    assert all(field in answer for field in fields), answer
    assert same(answer, json.loads(said.content)), f"{answer}\n{said.content}"
    if name in ("recommend", "search_long", "rank_for_user"):
        parts = said.parsed.papers[0].why.parts
        assert sum(part.value for part in parts) == pytest.approx(said.parsed.papers[0].score, abs=1e-4)


def test_streams_and_files_go_as_bytes(calls, client, generated, service, known):
    types = importlib.import_module(f"{NAME}.types")
    line = json.dumps({"id": "generated/2", "title": "A second kite"}).encode() + b"\n"
    said = calls["put_papers"].sync(client=client, body=types.File(payload=io.BytesIO(line)))
    assert said.accepted == 1
    assert service.get("/v1/papers/generated%2F2")["title"] == "A second kite"
    listed = types.File(payload=io.BytesIO(b"@misc{k, title={Kites that learn the wind above a harbour}}"))
    said = calls["import_history"].sync(USER, client=client, body=listed, dry_run=True)
    assert ["2401.00001" in matched.paper for matched in said.matched] == [True]
    assert calls["delete_paper"].sync_detailed("generated/2", client=client).status_code == 204
    refused = calls["get_paper"].sync("generated/2", client=client)
    assert refused.error.code.value == "not_found"


def test_a_key_opens_the_guarded_one(calls, generated, guarded):
    nobody = generated.Client(base_url=guarded.url)
    assert calls["get_me"].sync(client=nobody).error.code.value == "unauthorized"
    reader = generated.AuthenticatedClient(base_url=guarded.url, token=guarded.read_key)
    assert [scope.value for scope in calls["get_me"].sync(client=reader).scopes] == ["read"]
