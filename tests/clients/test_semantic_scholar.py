"""The client `semanticscholar`, unchanged: what it reads is what our own API answers."""

import asyncio
import datetime

import httpx
import numpy as np
import pytest
from semanticscholar import AsyncSemanticScholar, SemanticScholar
from semanticscholar.SemanticScholarException import BadQueryParametersException, ObjectNotFoundException

KITE = "arxiv:2401.00002"


@pytest.fixture(scope="module")
def scholar(service):
    return SemanticScholar(api_url=service.url, retry=False)


def ids(papers):
    return [paper.paperId for paper in papers]


def test_papers_for_a_paper_are_those_that_are_like_it(service, scholar):
    found = scholar.get_recommended_papers("ARXIV:2401.00002", limit=20)
    assert ids(found) == service.ids(service.get("/v1/similar", id=KITE, limit=20))
    assert len(found) == 20 and KITE not in ids(found)
    # The client asks for recent papers unless it is told otherwise: an old corpus is recommended from all the same.
    assert ids(scholar.get_recommended_papers(KITE, limit=20, pool_from="all-cs")) == ids(found)
    # It asks for a hundred where nobody says how many.
    assert len(scholar.get_recommended_papers("DOI:10.5555/KITE.2")) == 100


def test_a_paper_is_never_recommended_with_itself_nor_with_another_version_of_it(scholar):
    for name in ("ARXIV:2401.00001", "ARXIV:2401.00001v2", "DOI:10.5555/kite.1", "arxiv:2401.00001"):
        found = ids(scholar.get_recommended_papers(name, limit=500))
        assert found and not {"arxiv:2401.00001", "2401.00001v2"} & set(found), name
    found = ids(scholar.get_recommended_papers_from_lists(["ARXIV:2401.00001"], limit=500))
    assert found and not {"arxiv:2401.00001", "2401.00001v2"} & set(found)


def test_old_papers_are_recommended(scholar):
    found = scholar.get_recommended_papers(KITE, limit=20)
    old = next(paper for paper in found if paper.paperId == "pmid:1234567")
    assert old.year == 1974 and old.publicationDate is None


def test_papers_for_lists_are_those_for_likes_and_dislikes(service, scholar):
    like, dislike = ["ARXIV:2401.00001", "invented:qu-001"], ["invented:vis-001", "DOI:10.5555/kite.3"]
    found = scholar.get_recommended_papers_from_lists(like, dislike, limit=30)
    own = service.post("/v1/recommend", {"like": like, "dislike": dislike, "limit": 30})
    assert ids(found) == service.ids(own) and len(found) == 30
    assert not {"invented:qu-001", "invented:vis-001", "arxiv:2401.00003"} & set(ids(found))
    # Negatives may be missing.
    found = scholar.get_recommended_papers_from_lists(like, limit=30)
    assert ids(found) == service.ids(service.post("/v1/recommend", {"like": like, "limit": 30}))


def test_a_paper_is_read_with_every_field_that_the_client_asks_for(service, scholar):
    own = service.get("/v1/papers/arxiv:2401.00002")
    paper = scholar.get_paper("arXiv:2401.00002")
    assert (paper.paperId, paper.title, paper.abstract) == (own["id"], own["title"], own["abstract"])
    assert [author.name for author in paper.authors] == own["authors"]
    assert paper.publicationDate == datetime.datetime.fromisoformat(own["date"]) and paper.year == 2024
    assert paper.externalIds == {"ArXiv": "2401.00002", "DOI": "10.5555/kite.2"}
    assert paper.fieldsOfStudy == ["Computer Science"] and paper.venue == own["venue"] == paper.journal.name
    assert paper.isOpenAccess and paper.openAccessPdf["url"] == "https://arxiv.org/pdf/2401.00002"
    assert paper.citationStyles["bibtex"] == service.http.get("/v1/papers/arxiv:2401.00002/citation").text
    # What is not known says so.
    assert paper.citationCount is None and paper.tldr is None and paper.embedding is None and not paper.citations


@pytest.mark.parametrize(
    ("name", "id"),
    [
        ("ARXIV:2401.00002", KITE),
        ("arXiv:2401.00002v1", KITE),
        ("URL:https://arxiv.org/abs/2401.00002v1", KITE),
        ("DOI:10.5555/kite.2", KITE),
        ("doi:10.5555/KITE.2", KITE),
        ("https://doi.org/10.5555/kite.2", KITE),
        ("PMID:1234567", "pmid:1234567"),
        ("CorpusId:987654", "CorpusId:987654"),
        ("CorpusID:987654", "CorpusId:987654"),
        ("URL:https://kites.example/notes/7", "https://kites.example/notes/7"),
        ("https://kites.example/notes/7", "https://kites.example/notes/7"),
        ("invented:qu-001", "invented:qu-001"),
    ],
)
def test_a_paper_is_named_in_every_form(scholar, name, id):
    assert scholar.get_paper(name, fields=["title"]).paperId == id
    assert scholar.get_papers([name], fields=["title"])[0].paperId == id
    assert id not in ids(scholar.get_recommended_papers(name, limit=5, fields=["title"]))


@pytest.mark.parametrize(
    "name", ["649def34f8be52c8b66281af98ae884c09aef38b", "MAG:112218234", "ACL:W12-3903", "PMCID:2323736", "ARXIV:1706.03762"]
)
def test_a_paper_that_is_not_there_is_said_not_to_be(scholar, name):
    with pytest.raises(ObjectNotFoundException, match=f"Paper with id {name} not found"):
        scholar.get_paper(name)
    with pytest.raises(ObjectNotFoundException, match=name):
        scholar.get_recommended_papers(name)
    with pytest.raises(ObjectNotFoundException, match=name):
        scholar.get_recommended_papers_from_lists([KITE, name])


def test_many_papers_come_in_their_order_and_the_missing_are_told(scholar):
    wanted = ["invented:vis-001", "ARXIV:1706.03762", "DOI:10.5555/kite.1", "ARXIV:2401.00003", "PMID:1234567"]
    papers, missing = scholar.get_papers(wanted, return_not_found=True)
    assert ids(papers) == ["invented:vis-001", "arxiv:2401.00001", "arxiv:2401.00003", "pmid:1234567"]
    assert missing == ["ARXIV:1706.03762"]
    with pytest.raises(BadQueryParametersException, match="No valid paper ids"):
        scholar.get_papers(["ARXIV:1706.03762"])


def test_a_search_finds_what_ours_finds_page_by_page(service, scholar):
    found = scholar.search_paper("kites in the wind", limit=3)
    own = service.get("/v1/search", q="kites in the wind", limit=500, matching="true")
    assert found.total == own["meta"]["total"] and found.total > 5
    assert len(found.items) == 3 and found.offset == 0 and found.next == 3
    assert ids(found) == service.ids(own)
    nothing = scholar.search_paper("zzyzxqq vlkjwq", limit=10)
    assert nothing.total == 0 and len(nothing.items) == 0


def test_a_search_is_bounded_by_dates_and_fields(service, scholar):
    for asked, own in [
        ({"year": "2024"}, {"from": "2024", "to": "2024"}),
        ({"year": "-1980"}, {"to": "1980"}),
        ({"publication_date_or_year": "2024-01-03:2024-01-31"}, {"from": "2024-01-03", "to": "2024-01-31"}),
        ({"publication_date_or_year": "2024-02:"}, {"from": "2024-02"}),
        ({"fields_of_study": ["Computer Science"]}, {"category": ["cs"]}),
        ({"fields_of_study": ["cs.RO"]}, {"category": "cs.RO"}),
    ]:
        found = scholar.search_paper("kites", limit=100, **asked)
        assert ids(found) == service.ids(service.get("/v1/search", q="kites", limit=500, matching="true", **own)), asked
        assert len(found.items) > 0, asked
    for not_held in ({"venue": ["Nature"]}, {"min_citation_count": 3}, {"open_access_pdf": True}):
        with pytest.raises(BadQueryParametersException, match="cannot be filtered"):
            scholar.search_paper("kites", **not_held)


def test_a_title_is_matched(scholar):
    paper = scholar.search_paper("Wind maps from a hundred kites", match_title=True)
    assert paper.paperId == "arxiv:2402.00005"
    with pytest.raises(ObjectNotFoundException, match="Title match not found"):
        scholar.search_paper("zzyzxqq vlkjwq", match_title=True)


def test_a_title_is_completed_while_it_is_typed(scholar):
    found = scholar.get_autocomplete("wind maps fr")
    assert [(s.id, s.title, s.authors_year) for s in found] == [
        ("arxiv:2402.00005", "Wind maps from a hundred kites", "Ada Testwell et al., 2024")
    ]


def test_the_authors_of_a_paper_come_by_page(scholar):
    found = scholar.get_paper_authors("DOI:10.5555/kite.2", limit=1)
    assert [author.name for author in found] == ["Ada Testwell", "Nobody Fiction-1"]


def test_fields_that_there_are_not_are_named(scholar):
    with pytest.raises(BadQueryParametersException, match=r"Unrecognized or unsupported fields: \[colour\]"):
        scholar.get_paper(KITE, fields=["title", "colour"])


def test_what_goes_beyond_is_there_for_those_who_ask(service, scholar):
    found = scholar.get_recommended_papers(KITE, limit=5, fields=["title", "_score", "_why"])
    own = service.get("/v1/similar", id=KITE, limit=5, explain="true")["papers"]
    # The same number of 32 bits, written out further.
    assert np.array_equal(
        np.float32([paper.raw_data["_score"] for paper in found]), np.float32([hit["score"] for hit in own])
    )
    for paper, hit in zip(found, own, strict=True):
        why = paper.raw_data["_why"]
        assert [part["kind"] for part in why["parts"]] == [part["kind"] for part in hit["why"]["parts"]] and why["sentence"]
        assert abs(sum(part["value"] for part in why["parts"]) - paper.raw_data["_score"]) < 1e-4
    assert "steer a kite" in found[0].raw_data["_why"]["sentence"]


def test_weights_and_dates_go_beyond_in_the_body(service):
    like = ["ARXIV:2401.00001", "invented:qu-001"]
    asked = {"positivePaperIds": like, "_weights": {"ARXIV:2401.00001": 5}, "_from": "2024", "_to": "2024-12"}
    answer = service.http.post("/recommendations/v1/papers?fields=_score&limit=4", json=asked)
    own = service.post(
        "/v1/recommend",
        {"like": [{"id": like[0], "weight": 5.0}, like[1]], "from": "2024", "to": "2024-12", "limit": 4},
    )
    found = answer.json()["recommendedPapers"]
    assert [paper["paperId"] for paper in found] == service.ids(own)
    assert np.array_equal(
        np.float32([paper["_score"] for paper in found]), np.float32([hit["score"] for hit in own["papers"]])
    )
    assert 0 < len(found) <= 4


def test_limits_are_those_of_semantic_scholar(service):
    for path in (
        f"/recommendations/v1/papers/forpaper/{KITE}?limit=501",
        f"/recommendations/v1/papers/forpaper/{KITE}?limit=0",
        f"/recommendations/v1/papers/forpaper/{KITE}?from=tomorrow",
        "/graph/v1/paper/search?query=kites&limit=101",
        "/graph/v1/paper/search?query=kites&offset=950&limit=100",
        "/graph/v1/paper/search",
        f"/graph/v1/paper/{KITE}?colour=red",
    ):
        answer = service.http.get(path)
        assert answer.status_code == 400 and list(answer.json()) == ["error"], path
    for path, body in (
        ("/graph/v1/paper/batch", {"ids": [KITE] * 501}),
        ("/graph/v1/paper/batch", {"ids": []}),
        ("/recommendations/v1/papers/", {"positivePaperIds": []}),
        ("/recommendations/v1/papers/", {"positivePaperIds": [KITE], "_weights": {"other": 2}}),
        ("/recommendations/v1/papers/", [KITE]),
    ):
        answer = service.http.post(path, json=body)
        assert answer.status_code == 400 and list(answer.json()) == ["error"], (path, answer.text)


def test_a_key_opens_and_no_key_does_not(guarded):
    own = SemanticScholar(api_url=guarded.url, api_key=guarded.key, retry=False)
    assert ids(own.get_recommended_papers(KITE, limit=5)) == guarded.ids(guarded.get("/v1/similar", id=KITE, limit=5))
    for key in (None, "pk_0a1b2c3d4e5f_0011223344556677"):
        with pytest.raises(PermissionError):
            SemanticScholar(api_url=guarded.url, api_key=key, retry=False).get_paper(KITE)
    refused = httpx.get(f"{guarded.url}/graph/v1/paper/{KITE}")
    assert refused.status_code == 403 and list(refused.json()) == ["message"]


def test_the_asynchronous_client_reads_the_same(service):
    async def ask():
        scholar = AsyncSemanticScholar(api_url=service.url, retry=False)
        return await asyncio.gather(
            scholar.get_paper(KITE, fields=["title"]), scholar.get_recommended_papers(KITE, limit=5, fields=["title"])
        )

    paper, found = asyncio.run(ask())
    assert paper.paperId == KITE and ids(found) == service.ids(service.get("/v1/similar", id=KITE, limit=5))
