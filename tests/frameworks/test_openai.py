"""The search of a vector store, asked by OpenAI's own client."""

import hashlib
from collections.abc import Iterator

import openai
import pytest

EVACUATION = "How many residents may be evacuated?"


@pytest.fixture
def client(server: str) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{server}/v1", api_key="any", max_retries=0) as opened:
        yield opened


def test_a_page_is_read_by_the_official_client(client: openai.OpenAI) -> None:
    page = client.vector_stores.search("articles", query=EVACUATION, max_num_results=3, rewrite_query=True)
    assert page.object == "vector_store.search_results.page"
    first = page.data[0]
    assert len(page.data) == 3 and first.file_id == "corpus/kharkiv-evacuation-plan.md"
    text = first.content[0].text
    assert first.content[0].type == "text" and "11,000 residents" in text
    assert first.attributes["sha256"] == hashlib.sha256(text.encode()).hexdigest()
    assert "rewrite_query" in page.model_extra["warnings"][0]


def test_filters_thresholds_and_lists_of_questions(client: openai.OpenAI) -> None:
    page = client.vector_stores.search(
        "articles",
        query=[EVACUATION, "Which ferry ran aground?"],
        filters={"type": "or", "filters": [
            {"type": "eq", "key": "source", "value": "Northern Lines Dispatch"},
            {"type": "in", "key": "file_id", "value": ["corpus/ferry-aground-island-times.txt"]}]},
        max_num_results=50,
        ranking_options={"ranker": "auto", "score_threshold": 0.05},
    )  # fmt: skip
    assert {"corpus/kharkiv-evacuation-plan.md", "corpus/ferry-aground-island-times.txt"} <= {
        one.file_id for one in page
    }
    for one in page.data:
        assert one.score >= 0.05
        assert one.attributes["source"] == "Northern Lines Dispatch" or "ferry" in one.file_id


def test_pages_follow_by_an_extra_name(client: openai.OpenAI) -> None:
    first = client.vector_stores.search("articles", query=EVACUATION, max_num_results=2)
    second = client.vector_stores.search(
        "articles", query=EVACUATION, max_num_results=2, extra_body={"page": first.model_extra["next_page"]}
    )
    both = client.vector_stores.search("articles", query=EVACUATION, max_num_results=4)
    assert [one.attributes["passage_id"] for one in (*first.data, *second.data)] == [
        one.attributes["passage_id"] for one in both.data
    ]


def test_mistakes_are_that_clients_errors(client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError):
        client.vector_stores.search("vs_123", query=EVACUATION)
    with pytest.raises(openai.UnprocessableEntityError) as caught:
        client.vector_stores.search("articles", query=EVACUATION, max_num_results=500)
    assert "max_num_results" in caught.value.response.json()["detail"]  # that client reads its own form only
