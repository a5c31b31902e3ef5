"""The client `openai`, unchanged: embeddings as numbers and as bytes, models, errors."""

import asyncio

import numpy as np
import openai
import pytest

TEXTS = ["kites over a harbour", "how sleep strengthens memory", "снова 风筝 <b>&</b>"]
MODEL = "all-MiniLM-L6-v2"


@pytest.fixture(scope="module")
def client(service):
    return openai.OpenAI(base_url=f"{service.url}/v1", api_key="nobody asks", max_retries=0)


def vectors(answer):
    return np.array([item.embedding for item in answer.data], dtype=np.float32)


def own(service, texts, kind="document"):
    return np.array(service.post("/v1/embed", {"inputs": texts, "kind": kind})["vectors"], dtype=np.float32)


def test_vectors_are_ours_as_bytes_and_as_numbers(service, client):
    # The client asks for bytes where nobody says anything.
    for form in (openai.NOT_GIVEN, "float"):
        one = client.embeddings.create(model=MODEL, input=TEXTS[0], encoding_format=form)
        assert np.array_equal(vectors(one), own(service, TEXTS[:1]))
        several = client.embeddings.create(model=MODEL, input=TEXTS, encoding_format=form)
        assert np.allclose(vectors(several), own(service, TEXTS), atol=2e-3)
        assert [item.index for item in several.data] == [0, 1, 2] and several.model == MODEL
    as_bytes = client.embeddings.create(model=MODEL, input=TEXTS[0], encoding_format="base64")
    numbers = np.frombuffer(__import__("base64").b64decode(as_bytes.data[0].embedding), dtype="<f4")
    assert np.array_equal(numbers, own(service, TEXTS[:1])[0])


def test_a_name_with_its_maker_is_the_same_model(client):
    assert client.embeddings.create(model=f"sentence-transformers/{MODEL}", input="kites").model == MODEL


def test_a_query_is_embedded_as_one(service, client):
    answer = client.embeddings.create(model=MODEL, input="kites", extra_body={"kind": "query"})
    assert np.array_equal(vectors(answer), own(service, ["kites"], "query"))


def test_usage_counts_the_tokens_that_were_read(client):
    def tokens(texts):
        usage = client.embeddings.create(model=MODEL, input=texts).usage
        assert usage.prompt_tokens == usage.total_tokens
        return usage.total_tokens

    # A word is a token, and the two that stand around each text count.
    assert tokens("one two three") == 5
    assert tokens(["one two three", "four"]) == 8
    assert tokens("kites " * 5_000) == 256


def test_dimensions_are_what_the_model_allows(client):
    assert vectors(client.embeddings.create(model=MODEL, input="kites", dimensions=384)).shape == (1, 384)
    with pytest.raises(openai.BadRequestError, match="384"):
        client.embeddings.create(model=MODEL, input="kites", dimensions=256)


def test_two_thousand_texts_go_in_one_call(service, client):
    texts = [f"kite {k}" for k in range(1_100)]
    answer = vectors(client.embeddings.create(model=MODEL, input=texts))
    assert answer.shape == (1_100, 384)
    assert np.allclose(answer[[0, 1_050]], own(service, [texts[0], texts[1_050]]), atol=2e-3)
    with pytest.raises(openai.BadRequestError, match="2049 texts"):
        client.embeddings.create(model=MODEL, input=["a"] * 2_049)


@pytest.mark.parametrize(
    ("asked", "param", "why"),
    [
        ({"input": [1, 2, 3]}, "input", "token ids"),
        ({"input": [[1, 2], [3]]}, "input", "token ids"),
        ({"input": []}, "input", "empty"),
        ({"input": ""}, None, "empty"),
        ({"input": "a", "encoding_format": "hex"}, "encoding_format", "float, base64"),
        ({"input": "a", "extra_body": {"colour": "red"}}, None, "Unrecognized request argument"),
    ],
)
def test_what_is_wrong_is_said_in_openais_words(client, asked, param, why):
    with pytest.raises(openai.BadRequestError, match=why) as refused:
        client.embeddings.create(model=MODEL, **asked)
    assert refused.value.param == param and refused.value.type == "invalid_request_error"
    assert set(refused.value.body) == {"message", "type", "param", "code"}


def test_another_model_is_not_given_in_place_of_the_one_that_was_asked_for(client):
    with pytest.raises(openai.NotFoundError, match=MODEL) as refused:
        client.embeddings.create(model="text-embedding-3-small", input="kites")
    assert refused.value.code == "model_not_found"


def test_the_models_are_listed(client):
    assert [model.id for model in client.models.list()] == [MODEL]
    assert client.models.retrieve(MODEL).owned_by == "paperkin"
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("text-embedding-3-small")


def test_errors_of_every_layer_have_the_shape(service):
    json = {"content-type": "application/json"}
    for answer, status in (
        (service.http.get("/v1/embeddings"), 405),
        (service.http.post("/v1/embeddings", content=b"{", headers=json), 400),
        (service.http.post("/v1/embeddings", content=b"text", headers={"content-type": "text/plain"}), 415),
        (service.http.post("/v1/embeddings", content=b" " * (40 << 20), headers=json), 413),
        (service.http.get("/v1/models/a/b/c"), 404),
        (service.http.get("/v1/embeddings/more"), 404),
    ):
        assert answer.status_code == status, answer.text
        assert set(answer.json()["error"]) == {"message", "type", "param", "code"}, answer.text
        assert answer.headers["x-request-id"]


def test_a_key_opens_and_no_key_does_not(guarded):
    def client(key):
        return openai.OpenAI(base_url=f"{guarded.url}/v1", api_key=key, max_retries=0)

    answer = client(guarded.key).embeddings.create(model=MODEL, input="kites")
    assert np.array_equal(vectors(answer), own(guarded, ["kites"]))
    with pytest.raises(openai.AuthenticationError) as refused:
        client("sk-of-somebody-else").embeddings.create(model=MODEL, input="kites")
    assert refused.value.code == "invalid_api_key"
    with pytest.raises(openai.AuthenticationError):
        client("pk_0a1b2c3d4e5f_0011223344556677").models.list()


def test_the_asynchronous_client_reads_the_same(service):
    async def ask():
        async with openai.AsyncOpenAI(base_url=f"{service.url}/v1", api_key="x", max_retries=0) as client:
            return await asyncio.gather(
                client.embeddings.create(model=MODEL, input="kites"),
                client.embeddings.create(model=MODEL, input="kites", encoding_format="float"),
            )

    for answer in asyncio.run(ask()):
        assert np.array_equal(vectors(answer), own(service, ["kites"]))
