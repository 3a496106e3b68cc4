"""Where generations come from: a folder of this machine, or an alias in Milvus.

A source says by a few bytes which generation is to be served, so that looking is cheap, and opens it.
Serves nothing and keeps nothing open. Settings -> Source; Source -> Backend
"""

import logging
from pathlib import Path
from typing import Any, Protocol

from passage_index import directory
from passage_index.backend import Backend
from passage_index.commits import pointer_to
from passage_index.errors import ClusterUnavailable, CorruptIndex, FormatMismatch, InputError, NotFound
from passage_index.integrity import require_whole, stamps_file
from passage_index.snapshot import Snapshot, open_snapshot
from search_api.settings import Settings, milvus_token

logger = logging.getLogger(__name__)


class Source(Protocol):
    """Where generations come from."""

    def pointer(self) -> bytes | None:
        """What names the generation to be served; None where nothing does. Raises ClusterUnavailable."""
        ...

    def pointer_of(self, backend: Any) -> bytes:
        """What `pointer` says where this one is to be served."""
        ...

    def open(self, before: Backend | None) -> Backend:
        """The generation to be served. before: the one that is served, of which it may share parts."""
        ...

    def reopen(self, number: int, before: Backend | None) -> Backend:
        """An older one by its number. Raises NotFound where it is not there any more, or not whole."""
        ...

    def is_there(self, backend: Any) -> bool:
        """Whether an open one still stands where it was opened."""
        ...

    def check(self, backend: Any) -> None:
        """Raises ClusterUnavailable where an open one gives no answers at this moment."""
        ...

    def close(self) -> None:
        """Let go of connections."""
        ...


class Folder:
    """An index folder of this machine."""

    def __init__(self, index: Path, cache: Path) -> None:
        self._index, self._stamps = index, stamps_file(cache, index)

    def pointer(self) -> bytes | None:
        """The bytes of CURRENT."""
        return directory.pointer(self._index)

    def pointer_of(self, backend: Any) -> bytes:
        """See Source."""
        folder = backend.index / directory.generation_name(backend.generation)
        return pointer_to(directory.Generation(folder, backend.manifest))

    def open(self, before: Backend | None) -> Backend:
        """See Source."""
        return open_snapshot(self._index, self._stamps, before if isinstance(before, Snapshot) else None)

    def reopen(self, number: int, before: Backend | None) -> Backend:
        """See Source."""
        try:
            generation = directory.generation(self._index, number)
            require_whole(generation, self._index, self._stamps)
            return Snapshot(self._index, generation, before if isinstance(before, Snapshot) else None)
        except (CorruptIndex, FormatMismatch) as error:
            raise NotFound(f"generation {number} is not whole: {error}") from error

    def is_there(self, backend: Any) -> bool:
        """A purge removes older generations although they are open here: nobody may read on in them."""
        folder = self._index / directory.generation_name(backend.generation)
        return (folder / directory.MANIFEST).exists()

    def check(self, backend: Any) -> None:
        """Files that are open give answers."""

    def close(self) -> None:
        """Nothing is held."""


class Published:
    """An alias in Milvus. The connection is made when it is first needed, and kept."""

    def __init__(self, settings: Settings, cache: Path) -> None:
        self._settings, self._cache = settings, cache
        self._cluster: Any = None

    def pointer(self) -> bytes | None:
        """The collection that the alias names."""
        from passage_index.milvus.publication import served

        names = served(self._connected(), self._settings.milvus_name)
        return names.passages.encode() if names else None

    def pointer_of(self, backend: Any) -> bytes:
        """See Source."""
        collection: str = backend.published.passages
        return collection.encode()

    def open(self, before: Backend | None) -> Backend:
        """See Source."""
        from passage_index.milvus.publication import served

        names = served(self._connected(), self._settings.milvus_name)
        if names is None:
            raise NotFound(
                f"nothing is published as {self._settings.milvus_name} in Milvus at "
                f"{self._settings.milvus_uri}; `indexer publish --index DIR --to "
                f"{self._settings.milvus_uri}` does it"
            )
        return self._opened(names)

    def reopen(self, number: int, before: Backend | None) -> Backend:
        """See Source."""
        from passage_index.milvus.schema import names_of

        for collection in self._connected().ask("list_collections"):
            names = names_of(collection)
            if names and (names.alias, names.generation) == (self._settings.milvus_name, number):
                return self._opened(names)
        raise NotFound(f"generation {number} is not in Milvus any more")

    def is_there(self, backend: Any) -> bool:
        """See Source; while the cluster does not answer it is taken to be."""
        try:
            return bool(self._connected().ask("has_collection", backend.published.passages))
        except ClusterUnavailable:
            return True

    def check(self, backend: Any) -> None:
        """See Source."""
        backend.check()

    def close(self) -> None:
        """Let go of the connection."""
        if self._cluster is not None:
            self._cluster.close()

    def _opened(self, names: Any) -> Backend:
        from passage_index.milvus.snapshot import MilvusSnapshot

        return MilvusSnapshot(self._connected(), names, self._cache)

    def _connected(self) -> Any:
        if self._cluster is None:
            from passage_index.milvus.cluster import Cluster

            uri = self._settings.milvus_uri
            if not uri:
                raise InputError("the backend milvus needs an address: `--uri` or SEARCH_MILVUS_URI")
            cluster = Cluster(uri, milvus_token(self._settings), self._settings.milvus_timeout_s)
            words = "vectors and words" if cluster.has_words else "vectors only: mode=semantic"
            logger.info("Milvus %s at %s: %s", cluster.version_text, uri, words)
            self._cluster = cluster
        return self._cluster


def source_of(settings: Settings, cache: Path) -> Source:
    """The source that the settings name."""
    return Published(settings, cache) if settings.backend == "milvus" else Folder(settings.index, cache)
