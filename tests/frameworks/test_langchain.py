"""The retriever for LangChain, by LangChain's own standard tests and by what it must say of a passage."""

import asyncio
import hashlib

import pytest
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import RunnableLambda
from langchain_tests.integration_tests import RetrieversIntegrationTests

from search_client import InvalidRequest
from search_client.integrations.langchain import ArticleSearchRetriever

EVACUATION = "How many residents may be evacuated?"


class TestStandard(RetrieversIntegrationTests):
    """As langchain-tests has them."""

    @pytest.fixture(autouse=True)
    def _served(self, server: str) -> None:
        self.server = server

    @property
    def retriever_constructor(self) -> type[BaseRetriever]:
        return ArticleSearchRetriever

    @property
    def retriever_constructor_params(self) -> dict[str, object]:
        return {"base_url": self.server}

    @property
    def retriever_query_example(self) -> str:
        return EVACUATION


def test_documents_are_citable(server: str) -> None:
    first = ArticleSearchRetriever(base_url=server, k=3).invoke(EVACUATION)[0]
    assert first.metadata["article_id"] == "corpus/kharkiv-evacuation-plan.md"
    assert first.metadata["sha256"] == hashlib.sha256(first.page_content.encode()).hexdigest()
    assert first.metadata["end"] - first.metadata["start"] == len(first.page_content)


def test_options_narrow_the_search_in_a_chain(server: str) -> None:
    retriever = ArticleSearchRetriever(base_url=server, k=50, options={"date_to": "2022"})
    chain = retriever | RunnableLambda(lambda found: [one.metadata["published_at"] for one in found])
    dates = chain.invoke("shelling of the city")
    assert dates and max(dates) < "2023"
    assert asyncio.run(chain.ainvoke("shelling of the city")) == dates


def test_a_mistake_is_the_clients_error(server: str) -> None:
    retriever = ArticleSearchRetriever(base_url=server)
    with pytest.raises(InvalidRequest, match="colour: not known here"):
        retriever.invoke(EVACUATION, None, colour="red")
    assert all(isinstance(one, Document) for one in retriever.invoke(EVACUATION, None, mode="keyword"))
