"""The retriever for LlamaIndex. The framework ships no standard tests for retrievers; these take its own parts.

A retriever must work alone, awaited, fused with another and behind a response synthesizer.
"""

import asyncio
import hashlib

from llama_index.core.llms import MockLLM
from llama_index.core.query_engine import RetrieverQueryEngine
from llama_index.core.response_synthesizers import get_response_synthesizer
from llama_index.core.retrievers import QueryFusionRetriever

from search_client.integrations.llama_index import ArticleSearchRetriever

EVACUATION = "How many residents may be evacuated?"


def test_nodes_are_citable_and_scored(server: str) -> None:
    nodes = ArticleSearchRetriever(server, similarity_top_k=4).retrieve(EVACUATION)
    assert len(nodes) == 4 and [one.score for one in nodes] == sorted(
        (one.score for one in nodes), reverse=True
    )
    first = nodes[0].node
    assert first.metadata["article_id"] == "corpus/kharkiv-evacuation-plan.md"
    assert first.metadata["sha256"] == hashlib.sha256(first.get_content().encode()).hexdigest()
    assert first.end_char_idx - first.start_char_idx == len(first.get_content())


def test_awaited_it_finds_the_same(server: str) -> None:
    retriever = ArticleSearchRetriever(server, similarity_top_k=3, options={"mode": "keyword"})
    later = asyncio.run(retriever.aretrieve(EVACUATION))
    assert [one.node_id for one in later] == [one.node_id for one in retriever.retrieve(EVACUATION)]


def test_it_can_be_fused_with_another(server: str) -> None:
    legs = [
        ArticleSearchRetriever(server, similarity_top_k=5, options={"mode": m})
        for m in ("semantic", "keyword")
    ]
    fused = QueryFusionRetriever(
        legs, num_queries=1, similarity_top_k=5, mode="reciprocal_rerank", llm=MockLLM(), use_async=False
    )
    assert fused.retrieve(EVACUATION)[0].metadata["article_id"] == "corpus/kharkiv-evacuation-plan.md"


def test_a_query_engine_reads_it(server: str) -> None:
    engine = RetrieverQueryEngine(
        retriever=ArticleSearchRetriever(server, similarity_top_k=2),
        response_synthesizer=get_response_synthesizer(llm=MockLLM(), response_mode="compact"),
    )
    reply = engine.query(EVACUATION)
    assert "11,000 residents" in str(reply)  # the model that is none repeats its prompt
    assert len(reply.source_nodes) == 2
