"""A retriever for Haystack, over a server's `/v1/search`.

    retriever = ArticleSearchRetriever("http://127.0.0.1:8000", top_k=5)
    retriever.run(query="How many residents may be evacuated?")

str -> {"documents": list[Document]}
"""

from typing import Any

from haystack import Document, component, default_from_dict, default_to_dict
from haystack.utils import Secret, deserialize_secrets_inplace

from search_client.client import DEFAULT_URL
from search_client.integrations.retrieving import found, found_later, metadata
from search_client.models import Hit


@component
class ArticleSearchRetriever:
    """Passages as documents, with their scores. Can be saved with a pipeline; the key stays outside."""

    def __init__(
        self,
        base_url: str = DEFAULT_URL,
        api_key: Secret | None = None,
        top_k: int = 10,
        options: dict[str, Any] | None = None,
    ) -> None:
        """options: of a search, such as `mode`, `filter`, `date_from`, `min_score`."""
        self.base_url = base_url
        self.api_key = api_key
        self.top_k = top_k
        self.options = options or {}

    @component.output_types(documents=list[Document])
    def run(
        self, query: str, top_k: int | None = None, options: dict[str, Any] | None = None
    ) -> dict[str, list[Document]]:
        """The best passages; what is given here counts for this run only."""
        return {"documents": _documents(found(*self._asked(query, top_k, options)))}

    @component.output_types(documents=list[Document])
    async def run_async(
        self, query: str, top_k: int | None = None, options: dict[str, Any] | None = None
    ) -> dict[str, list[Document]]:
        """The same, awaited."""
        return {"documents": _documents(await found_later(*self._asked(query, top_k, options)))}

    def to_dict(self) -> dict[str, Any]:
        """For a saved pipeline."""
        return default_to_dict(
            self,
            base_url=self.base_url,
            api_key=self.api_key.to_dict() if self.api_key else None,
            top_k=self.top_k,
            options=self.options,
        )

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> "ArticleSearchRetriever":
        """From a saved pipeline."""
        deserialize_secrets_inplace(data["init_parameters"], keys=["api_key"])
        return default_from_dict(cls, data)

    def _asked(
        self, query: str, top_k: int | None, options: dict[str, Any] | None
    ) -> tuple[str, str | None, str, int, dict[str, Any]]:
        key = self.api_key.resolve_value() if self.api_key else None
        return self.base_url, key, query, top_k or self.top_k, {**self.options, **(options or {})}


def _documents(hits: list[Hit]) -> list[Document]:
    return [Document(id=hit.id, content=hit.text, meta=metadata(hit), score=hit.score) for hit in hits]
