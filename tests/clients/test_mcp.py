"""Our MCP server through the real client: both transports, both eras of the protocol, every tool beside our own API."""

import contextlib

import httpx2
import pytest
from mcp import Client, MCPError, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client

from conftest import copy_of

MODES = ["auto", "legacy", "2026-07-28"]
TOOLS = ["search_papers", "similar_papers", "recommend_papers", "daily_feed", "get_paper", "themes"]
KITE = "arxiv:2401.00001"

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend():
    return "asyncio"


@pytest.fixture(scope="session")
def unserved(corpus, tmp_path_factory):
    """A folder that nobody serves."""
    return copy_of(corpus, tmp_path_factory, "unserved")


def process(binary, data, *args):
    return StdioServerParameters(command=binary, args=["--data", str(data), "mcp", *args])


@pytest.fixture(params=["http", "stdio-served", "stdio"])
def server(request, binary, service, unserved):
    """What a client is given: an address, or a command on a folder that is served, or that is not."""
    match request.param:
        case "http":
            return f"{service.url}/mcp"
        case "stdio-served":
            return process(binary, service.data)
        case _:
            return process(binary, unserved)


def text(result):
    (content,) = result.content
    return content.text


async def call(client, name, **arguments):
    """What a tool gives, which is no error."""
    result = await client.call_tool(name, arguments)
    assert not result.is_error, text(result)
    assert text(result)
    return result.structured_content


def ids(answer):
    return [paper["id"] for paper in answer["papers"]]


@pytest.mark.parametrize("mode", MODES)
async def test_it_says_what_it_is_in_either_era(server, mode):
    async with Client(server, mode=mode) as client:
        # A client that is told the version does not ask who answers.
        if mode != "2026-07-28":
            assert client.server_info.name == "paperkin"
            assert "papers; its newest day is" in client.instructions and "search_papers" in client.instructions
        assert client.protocol_version == ("2025-11-25" if mode == "legacy" else "2026-07-28")
        tools = (await client.list_tools()).tools
        assert [tool.name for tool in tools] == TOOLS
        for tool in tools:
            assert tool.annotations.read_only_hint and tool.description and tool.output_schema
            assert all(field["description"] for field in tool.input_schema["properties"].values())
        assert (await client.list_resources()).resources[0].uri == "feed://today"
        templates = (await client.list_resource_templates()).resource_templates
        assert {template.uri_template for template in templates} == {"paper://{id}", "feed://reader/{user}"}


@pytest.mark.parametrize("mode", MODES)
async def test_every_tool_gives_what_our_api_gives(server, service, mode):
    async with Client(server, mode=mode) as client:
        found = await call(client, "search_papers", query="kites over a harbour", limit=5)
        own = service.get("/v1/search", q="kites over a harbour", limit=5)
        assert ids(found) == service.ids(own)
        assert [p["score"] for p in found["papers"]] == pytest.approx([p["score"] for p in own["papers"]], abs=1e-5)
        filters = {"from": "2024-01-03", "to": "2024-12", "category": ["cs.RO"], "author": ["Ada Testwell"]}
        found = await call(client, "search_papers", query="kites", sort="newest", **filters)
        assert ids(found) == service.ids(service.get("/v1/search", q="kites", sort="newest", **filters))
        assert all("2024-01-03" <= paper["date"] for paper in found["papers"])

        near = await call(client, "similar_papers", id=KITE, limit=4)
        assert ids(near) == service.ids(service.get("/v1/similar", id=KITE, limit=4))
        for form in ["2401.00001", "https://arxiv.org/abs/2401.00001", "doi:10.5555/KITE.1"]:
            assert ids(await call(client, "similar_papers", id=form, limit=4)) == ids(near)

        wanted = {"like": [KITE, "10.5555/kite.2"], "dislike": ["pmid:1234567"], "limit": 6, "per_author": 2}
        found = await call(client, "recommend_papers", **wanted)
        assert ids(found) == service.ids(service.post("/v1/recommend", wanted))
        found = await call(client, "recommend_papers", text=["robots that fold laundry"], limit=3)
        own = service.post("/v1/recommend", {"text": ["robots that fold laundry"], "limit": 3})
        assert ids(found) == service.ids(own)

        day = await call(client, "daily_feed", date="2024-01-02")
        assert ids(day) == service.ids(service.get("/v1/papers", date="2024-01-02", sort="upvotes"))
        assert (await call(client, "daily_feed"))["papers"]

        paper = await call(client, "get_paper", id="2401.00001")
        own = service.get(f"/v1/papers/{KITE}")
        assert {name: paper[name] for name in own} == own

        themes = await call(client, "themes", level=0)
        assert themes["themes"]
        one = await call(client, "themes", id=themes["themes"][0]["id"], limit=3)
        assert len(one["papers"]) == 3 and one["name"] == themes["themes"][0]["name"]


async def test_themes_of_the_service_are_those_of_our_api(service):
    async with Client(f"{service.url}/mcp") as client:
        themes = await call(client, "themes", level=1)
        assert themes["themes"] == service.get("/v1/themes", level=1)["themes"]
        theme = themes["themes"][0]["id"]
        one = await call(client, "themes", id=theme, sort="newest", limit=3)
        assert ids(one) == service.ids(service.get(f"/v1/themes/{theme}", sort="newest", limit=3))


async def test_a_text_is_enough_for_a_model(server):
    async with Client(server) as client:
        told = text(await client.call_tool("search_papers", {"query": "quoted kites and gusts", "limit": 2}))
        assert "1. Kites & gusts" in told and "Ünï Çode" in told and "CorpusId:987654" in told and "<b>" not in told
        told = text(await client.call_tool("get_paper", {"id": KITE}))
        assert told.startswith("# Kites that learn the wind")
        assert "## Abstract" in told and "Journal of Invented Flight" in told
        with_abstracts = await call(client, "search_papers", query="kites", limit=2, abstracts=True, explain=True)
        assert all(paper["abstract"] and paper["why"]["parts"] for paper in with_abstracts["papers"])


@pytest.mark.parametrize("mode", MODES)
async def test_resources_are_markdown(server, mode):
    async with Client(server, mode=mode) as client:
        for uri in [f"paper://{KITE}", "paper://arxiv%3A2401.00001", "paper://10.5555/kite.1"]:
            (paper,) = (await client.read_resource(uri)).contents
            assert paper.mime_type == "text/markdown" and paper.text.startswith("# Kites that learn the wind")
        (today,) = (await client.read_resource("feed://today")).contents
        assert "1. " in today.text
        with pytest.raises(MCPError) as refused:
            await client.read_resource("paper://nobody")
        assert 'no paper has the id "nobody"' in refused.value.message


@pytest.mark.parametrize("mode", MODES)
async def test_errors_are_told_to_the_model(server, mode):
    async with Client(server, mode=mode) as client:
        for name, arguments, words in [
            ("get_paper", {"id": "nobody"}, 'no paper has the id "nobody"'),
            ("get_paper", {}, "give one id"),
            ("search_papers", {"query": "x", "limit": 0}, "limit is 0; it goes from 1 to 100"),
            ("search_papers", {"query": "x", "from": "soon"}, "from: "),
            ("search_papers", {"q": "x"}, "there is no parameter or field `q` here"),
            ("recommend_papers", {}, "example"),
            ("daily_feed", {"user": "nobody"}, "nobody"),
        ]:
            result = await client.call_tool(name, arguments)
            assert result.is_error and words in text(result), text(result)
        with pytest.raises(MCPError):
            await client.call_tool("delete_papers", {})


@contextlib.asynccontextmanager
async def with_key(service, key, mode):
    headers = {"authorization": f"Bearer {key}"} if key else {}
    async with httpx2.AsyncClient(headers=headers, timeout=60) as http:
        async with Client(streamable_http_client(f"{service.url}/mcp", http_client=http), mode=mode) as client:
            yield client


@pytest.mark.parametrize("mode", MODES)
async def test_a_key_opens_it(guarded, mode):
    async with with_key(guarded, guarded.read_key, mode) as client:
        found = await call(client, "search_papers", query="kites", limit=3)
        assert ids(found) == guarded.ids(guarded.get("/v1/search", q="kites", limit=3))
        result = await client.call_tool("daily_feed", {"user": "ada"})
        assert result.is_error and "yours may not do that" in text(result)
    for key in [None, "pk_wrong"]:
        with pytest.raises(Exception):
            async with with_key(guarded, key, mode) as client:
                await client.list_tools()


async def test_a_key_of_a_reader_is_their_feed(guarded, binary):
    import subprocess

    from conftest import environment

    made = subprocess.run(
        [binary, "--data", str(guarded.data), "keys", "add", "hers", "--user", "ada"],
        env=environment(), capture_output=True, text=True, timeout=60,
    )
    key = next(word for word in made.stdout.split() if word.startswith("pk_"))
    http = {"authorization": f"Bearer {key}"}
    events = {"events": [{"paper": KITE, "kind": "like"}, {"paper": "arxiv:2401.00002", "kind": "save"}]}
    assert guarded.http.post("/v1/users/ada/events", json=events, headers=http).status_code == 200
    own = guarded.http.get("/v1/users/ada/feed", params={"date": "2024", "limit": 5}, headers=http).json()
    async with with_key(guarded, key, "auto") as client:
        feed = await call(client, "daily_feed", date="2024", limit=5)
        assert ids(feed) == guarded.ids(own) and feed["meta"]["user"] == "ada"
        assert any("Close to" in paper.get("reason", "") for paper in feed["papers"]), feed
        resources = (await client.list_resources()).resources
        assert [resource.uri for resource in resources] == ["feed://today", "feed://reader/ada"]
    async with Client(process(binary, guarded.data, "--user", "ada")) as client:
        assert ids(await call(client, "daily_feed", date="2024", limit=5)) == ids(feed)


async def test_many_clients_at_once(service, binary):
    import asyncio

    async def one(k):
        async with Client(f"{service.url}/mcp" if k % 2 else process(binary, service.data)) as client:
            answers = await asyncio.gather(*[call(client, "search_papers", query=f"kites {k} {n}") for n in range(4)])
            return [ids(answer) for answer in answers]

    for k, found in enumerate(await asyncio.gather(*[one(k) for k in range(6)])):
        assert found == [service.ids(service.get("/v1/search", q=f"kites {k} {n}")) for n in range(4)]
