"""A retriever for LangChain, over a server's `/v1/search`.

    retriever = ArticleSearchRetriever(base_url="http://127.0.0.1:8000", k=5)
    retriever.invoke("How many residents may be evacuated?")

str -> list[Document]
"""

from typing import Any

from langchain_core.callbacks import (
    AsyncCallbackManagerForRetrieverRun,
    CallbackManagerForRetrieverRun,
)
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever
from pydantic import Field, SecretStr

from search_client.client import DEFAULT_URL
from search_client.integrations.retrieving import found, found_later, metadata
from search_client.models import Hit


class ArticleSearchRetriever(BaseRetriever):
    """Passages as documents; `k` and any option of a search can also be given to `invoke`."""

    base_url: str = DEFAULT_URL
    api_key: SecretStr | None = None
    k: int = 10
    options: dict[str, Any] = Field(default_factory=dict)
    """Options of a search: `mode`, `filter`, `date_from`, `source`, `min_score` and the others."""

    def _get_relevant_documents(
        self, query: str, *, run_manager: CallbackManagerForRetrieverRun, **asked: Any
    ) -> list[Document]:
        return _documents(found(self.base_url, self._key, query, *self._limits(asked)))

    async def _aget_relevant_documents(
        self, query: str, *, run_manager: AsyncCallbackManagerForRetrieverRun, **asked: Any
    ) -> list[Document]:
        return _documents(await found_later(self.base_url, self._key, query, *self._limits(asked)))

    @property
    def _key(self) -> str | None:
        return self.api_key.get_secret_value() if self.api_key else None

    def _limits(self, asked: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        options = {**self.options, **asked}
        return int(options.pop("k", self.k)), options


def _documents(hits: list[Hit]) -> list[Document]:
    return [Document(id=hit.id, page_content=hit.text, metadata=metadata(hit)) for hit in hits]
