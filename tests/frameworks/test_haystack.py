"""The retriever for Haystack. The framework ships standard tests for document stores only, not for retrievers.

These run it as the framework does: in a pipeline, saved and loaded, asynchronously.
"""

import asyncio
import hashlib

import pytest
from haystack import Pipeline
from haystack.components.joiners import DocumentJoiner
from haystack.utils import Secret

from search_client.integrations.haystack import ArticleSearchRetriever

EVACUATION = "How many residents may be evacuated?"


def test_documents_are_citable_and_scored(server: str) -> None:
    found = ArticleSearchRetriever(server, top_k=4).run(query=EVACUATION)["documents"]
    assert len(found) == 4 and [one.score for one in found] == sorted(
        (one.score for one in found), reverse=True
    )
    assert found[0].meta["article_id"] == "corpus/kharkiv-evacuation-plan.md"
    assert found[0].meta["sha256"] == hashlib.sha256(found[0].content.encode()).hexdigest()


def test_a_pipeline_runs_it_saved_and_loaded(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("READER_KEY", "not-to-be-written-down")
    key = Secret.from_env_var("READER_KEY")
    pipeline = Pipeline()
    pipeline.add_component(
        "meaning", ArticleSearchRetriever(server, api_key=key, top_k=3, options={"mode": "semantic"})
    )
    pipeline.add_component("words", ArticleSearchRetriever(server, top_k=3, options={"mode": "keyword"}))
    pipeline.add_component("joined", DocumentJoiner(join_mode="reciprocal_rank_fusion"))
    pipeline.connect("meaning", "joined")
    pipeline.connect("words", "joined")
    saved = pipeline.dumps()
    assert "not-to-be-written-down" not in saved
    asked = {"meaning": {"query": EVACUATION}, "words": {"query": EVACUATION, "top_k": 1}}
    found = Pipeline.loads(saved, allowed_modules=[ArticleSearchRetriever.__module__]).run(asked)["joined"][
        "documents"
    ]
    assert found[0].meta["article_id"] == "corpus/kharkiv-evacuation-plan.md"
    assert [one.id for one in found] == [one.id for one in pipeline.run(asked)["joined"]["documents"]]


def test_awaited_it_finds_the_same(server: str) -> None:
    retriever = ArticleSearchRetriever(server, top_k=3)
    later = asyncio.run(retriever.run_async(query=EVACUATION, options={"date_to": "2022"}))["documents"]
    now = retriever.run(query=EVACUATION, options={"date_to": "2022"})["documents"]
    assert [one.id for one in later] == [one.id for one in now] and len(now) == 3
    assert all(one.meta["published_at"] < "2023" for one in now)
    pipeline = Pipeline()
    pipeline.add_component("found", retriever)
    assert len(asyncio.run(pipeline.run_async({"found": {"query": EVACUATION}}))["found"]["documents"]) == 3
