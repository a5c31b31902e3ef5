"""The client `huggingface_hub`, unchanged: its papers, and `InferenceClient` with its embeddings."""

import datetime

import httpx
import numpy as np
import pytest
from huggingface_hub import HfApi, InferenceClient
from huggingface_hub.errors import BadRequestError, HfHubHTTPError

TEXTS = ["kites over a harbour", "how sleep strengthens memory", "снова 风筝 <b>&</b>"]


@pytest.fixture(scope="module")
def hub(service):
    return HfApi(endpoint=service.url, token=False)


def bare(ids):
    """Our ids as Hugging Face has them."""
    return [id.removeprefix("arxiv:") for id in ids]


def listed(papers):
    return [paper.id for paper in papers]


def own_list(service, **asked):
    return bare(service.ids(service.get("/v1/papers", **asked)))


def test_the_daily_list_is_ours(service, hub):
    assert listed(hub.list_daily_papers()) == own_list(service)
    assert listed(hub.list_daily_papers(limit=100, sort="trending")) == own_list(service, limit=100, sort="trending")
    for date in ("2024-01-02", "2024-01-05"):
        found = listed(hub.list_daily_papers(date=date))
        assert found == own_list(service, date=date) and found, date
    assert listed(hub.list_daily_papers(month="2024-01")) == own_list(service, date="2024-01")
    # From Monday, the first of January, to Sunday.
    week = listed(hub.list_daily_papers(week="2024-W01"))
    assert week == [id for id in own_list(service, date="2024-01") if id not in ("2401.00004", "2401.00001v2")] and week


def test_pages_follow_each_other_and_end(service, hub):
    pages = [listed(hub.list_daily_papers(p=p, limit=40)) for p in range(9)]
    everything = own_list(service, limit=500)
    assert sum(pages, []) == everything[: 9 * 40] and pages[-1] == []
    assert listed(hub.list_daily_papers(p=100_000)) == []


def test_who_submitted_is_a_filter(hub):
    assert set(listed(hub.list_daily_papers(submitter="bo"))) == {"2401.00001", "2401.00003", "2402.00005"}
    assert listed(hub.list_daily_papers(submitter="bo", p=1, limit=2)) == listed(hub.list_daily_papers(submitter="bo"))[2:]
    assert listed(hub.list_daily_papers(submitter="nobody at all")) == []


def test_a_paper_of_the_list_is_read_with_all_that_the_client_shows(service, hub):
    own = service.get("/v1/papers/arxiv:2401.00002")
    paper = next(paper for paper in hub.list_daily_papers(date="2024-01-02") if paper.id == "2401.00002")
    assert (paper.title, paper.summary, paper.upvotes, paper.comments) == (own["title"], own["abstract"], 40, 1)
    assert [author.name for author in paper.authors] == own["authors"]
    assert paper.published_at == datetime.datetime(2024, 1, 2, tzinfo=datetime.timezone.utc)
    assert (paper.submitted_by.username, paper.organization.name) == ("ada", "Wind Lab")
    assert paper.ai_keywords == own["keywords"]


@pytest.mark.parametrize(
    ("name", "id"),
    [
        ("2401.00002", "2401.00002"),
        ("2401.00001v2", "2401.00001v2"),
        ("arxiv:2401.00002", "2401.00002"),
        ("10.5555/kite.2", "2401.00002"),
        ("invented:qu-001", "invented:qu-001"),
        ("https://kites.example/notes/7", "https://kites.example/notes/7"),
    ],
)
def test_one_paper_is_named_in_any_form(hub, name, id):
    paper = hub.paper_info(name)
    assert paper.id == id and paper.title
    assert paper.title in hub.read_paper(name) or "harbour" in hub.read_paper(name)


def test_a_paper_says_when_it_was_put_on_the_list(hub):
    paper = hub.paper_info("2401.00004")
    assert paper.submitted_at == datetime.datetime(2024, 1, 9, tzinfo=datetime.timezone.utc)
    assert (paper.title, paper.upvotes, paper.submitted_by.username) == ("A controller for kites in turbulent wind", 8, "ada")


def test_a_search_finds_what_ours_finds(service, hub):
    found = listed(hub.list_papers(query="kites in the wind", limit=12))
    assert found == bare(service.ids(service.get("/v1/search", q="kites in the wind", limit=12))) and len(found) == 12
    scores = [paper["_score"] for paper in service.http.get("/api/papers/search?q=kites&limit=5").json()]
    assert scores == [hit["score"] for hit in service.get("/v1/search", q="kites", limit=5)["papers"]]


def test_all_papers_by_date(service):
    found = [paper["id"] for paper in service.http.get("/api/papers?limit=30").json()]
    assert found == own_list(service, limit=30)


def test_what_is_wrong_is_said_where_the_client_looks(service, hub):
    for asked in ({"date": "soon"}, {"week": "2024-01"}, {"month": "2024-01-02"}, {"limit": 101}, {"limit": 0}, {"sort": "best"}):
        with pytest.raises(BadRequestError) as refused:
            list(hub.list_daily_papers(**asked))
        assert next(iter(asked)) in str(refused.value), str(refused.value)
    with pytest.raises(HfHubHTTPError, match="no paper has the id") as refused:
        hub.paper_info("1706.03762")
    assert refused.value.response.status_code == 404
    with pytest.raises(HfHubHTTPError, match="no paper has the id"):
        hub.read_paper("1706.03762")
    for path in ("/api/papers/1706.03762", "/api/daily_papers?colour=red", "/api/whatever"):
        answer = service.http.get(path)
        assert list(answer.json()) == ["error"] and isinstance(answer.json()["error"], str), path
        assert answer.headers["x-error-message"] == answer.json()["error"], path


def test_the_page_of_a_paper_is_found_from_its_address_there(service):
    to_page = service.http.get("/papers/arxiv:2401.00002")
    assert to_page.status_code == 307
    page = service.http.get("/papers/arxiv:2401.00002", follow_redirects=True)
    assert page.status_code == 200 and page.headers["content-type"].startswith("text/html")


def test_a_key_opens_and_no_key_does_not(guarded):
    hub = HfApi(endpoint=guarded.url, token=guarded.key)
    assert listed(hub.list_daily_papers(limit=5)) == own_list(guarded, limit=5)
    with pytest.raises(HfHubHTTPError) as refused:
        list(HfApi(endpoint=guarded.url, token=False).list_daily_papers())
    assert refused.value.response.status_code == 401
    client = InferenceClient(model=f"{guarded.url}/embed", token=guarded.key)
    assert client.feature_extraction("kites").shape == (1, 384)
    with pytest.raises(HfHubHTTPError) as refused:
        InferenceClient(model=f"{guarded.url}/embed", token="hf_of_somebody_else").feature_extraction("kites")
    assert refused.value.response.status_code == 401 and refused.value.response.json()["error_type"] == "Validation"


def own_vectors(service, texts, kind="document"):
    return np.array(service.post("/v1/embed", {"inputs": texts, "kind": kind})["vectors"], dtype=np.float32)


@pytest.mark.parametrize("path", ["/embed", "", "/"])
def test_vectors_are_ours(service, path):
    client = InferenceClient(model=service.url + path)
    one = client.feature_extraction(TEXTS[0])
    assert one.shape == (1, 384) and np.array_equal(one, own_vectors(service, TEXTS[:1]))
    several = client.feature_extraction(TEXTS, normalize=True)
    assert np.allclose(several, own_vectors(service, TEXTS), atol=2e-3)
    assert np.allclose(np.linalg.norm(several, axis=1), 1, atol=1e-5)


def test_a_prompt_says_what_a_text_is(service):
    client = InferenceClient(model=f"{service.url}/embed")
    query = client.feature_extraction("kites", prompt_name="query")
    assert np.array_equal(query, own_vectors(service, ["kites"], "query"))
    assert client.feature_extraction("kites", dimensions=384).shape == (1, 384)


def test_similarities_are_those_of_the_vectors(service):
    client = InferenceClient(model=f"{service.url}/similarity")
    said = client.sentence_similarity("a kite in the wind", other_sentences=TEXTS)
    source, others = own_vectors(service, ["a kite in the wind"])[0], own_vectors(service, TEXTS)
    assert np.allclose(said, others @ source, atol=2e-3) and np.argmax(said) != 1


def test_long_texts_are_refused_unless_they_may_be_cut(service):
    long = "kites " * 2_000
    client = InferenceClient(model=f"{service.url}/embed")
    with pytest.raises(HfHubHTTPError, match="256 tokens") as refused:
        client.feature_extraction(long)
    assert refused.value.response.status_code == 422
    assert refused.value.response.json()["error_type"] == "Validation"
    assert np.array_equal(client.feature_extraction(long, truncate=True), own_vectors(service, [long]))


def test_what_cannot_be_embedded_is_said_in_the_shape_of_its_clients(service):
    for path, body, status, kind in (
        ("/embed", {"inputs": []}, 400, "Empty"),
        ("/embed", {"inputs": [[101, 102]]}, 422, "Validation"),
        ("/embed", {"inputs": ["a"] * 1_025}, 413, "Validation"),
        ("/", {"inputs": "kites", "dimensions": 100}, 422, "Validation"),
        ("/embed", {"inputs": "kites", "normalize": False}, 422, "Validation"),
        ("/embed", {"inputs": "kites", "prompt_name": "poem"}, 422, "Validation"),
        ("/similarity", {"inputs": {"source_sentence": "a", "sentences": []}}, 400, "Empty"),
        ("/similarity", {"inputs": "a"}, 422, "Validation"),
    ):
        answer = service.http.post(path, json=body)
        assert (answer.status_code, answer.json().get("error_type")) == (status, kind), (path, str(body)[:80], answer.text)
    broken = service.http.post("/embed", content=b"{", headers={"content-type": "application/json"})
    assert broken.status_code == 422 and set(broken.json()) == {"error", "error_type"}


def test_what_runs_is_told(service):
    told = httpx.get(f"{service.url}/info").json()
    assert (told["model_id"], told["max_input_length"], told["dimension"]) == ("all-MiniLM-L6-v2", 256, 384)
