"""A retriever for LlamaIndex, over a server's `/v1/search`.

    retriever = ArticleSearchRetriever("http://127.0.0.1:8000", similarity_top_k=5)
    retriever.retrieve("How many residents may be evacuated?")

str or QueryBundle -> list[NodeWithScore]
"""

from typing import Any

from llama_index.core.base.base_retriever import BaseRetriever
from llama_index.core.callbacks import CallbackManager
from llama_index.core.schema import NodeWithScore, QueryBundle, TextNode

from search_client.client import DEFAULT_URL
from search_client.integrations.retrieving import found, found_later, metadata
from search_client.models import Hit

# What a model that is asked about a node need not read.
NOT_READ = ["sha256", "start", "end", "score"]


class ArticleSearchRetriever(BaseRetriever):
    """Passages as text nodes, with their scores."""

    def __init__(
        self,
        base_url: str = DEFAULT_URL,
        *,
        api_key: str | None = None,
        similarity_top_k: int = 10,
        options: dict[str, Any] | None = None,
        callback_manager: CallbackManager | None = None,
    ) -> None:
        """options: of a search, such as `mode`, `filter`, `date_from`, `min_score`."""
        self._where = (base_url, api_key)
        self._k = similarity_top_k
        self._options = options or {}
        super().__init__(callback_manager=callback_manager)

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        return _nodes(found(*self._where, query_bundle.query_str, self._k, self._options))

    async def _aretrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        return _nodes(await found_later(*self._where, query_bundle.query_str, self._k, self._options))


def _nodes(hits: list[Hit]) -> list[NodeWithScore]:
    return [
        NodeWithScore(
            node=TextNode(
                id_=hit.id,
                text=hit.text,
                metadata=metadata(hit),
                excluded_llm_metadata_keys=NOT_READ,
                excluded_embed_metadata_keys=NOT_READ,
                start_char_idx=hit.start,
                end_char_idx=hit.end,
            ),
            score=hit.score,
        )
        for hit in hits
    ]
