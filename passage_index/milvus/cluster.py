"""A connection to Milvus: which version answers, and every call tried again until its time is up.

A node that is slow or lost is a matter of seconds where there are replicas; what the cluster will never
answer differently is raised at once. Knows no schema. pymilvus is an extra and imported here only.
(call, time) -> result | ClusterUnavailable
"""

import logging
import re
import time
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from passage_index.errors import ClusterUnavailable, InputError

logger = logging.getLogger(__name__)

T = TypeVar("T")

HYBRID_SINCE = (2, 5)  # BM25 by the server
TIMEOUT_S = 10.0
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.05, 1.0
TRIES = 3  # that fit into the time of one call, however long each of them hangs
LASTING = frozenset({100, 1100})  # no such collection, a request that cannot be


class _NotWhole(Exception):
    """An answer that a part of the cluster did not contribute to."""


class Cluster:
    """One client of a Milvus deployment, or of a Milvus Lite file. Safe to share between threads."""

    def __init__(self, uri: str, token: str = "", timeout_s: float = TIMEOUT_S) -> None:
        """Raises InputError without pymilvus, ClusterUnavailable where nothing answers in time."""
        self.uri, self.timeout_s = uri, timeout_s
        self._pymilvus = _library()
        self._client: Any = self._until(
            lambda left_s: self._pymilvus.MilvusClient(uri, token=token, timeout=left_s), timeout_s
        )

    def ask(
        self,
        name: str,
        *arguments: Any,
        within_s: float | None = None,
        lacks: Callable[[Any], str] = lambda _: "",
        **named: Any,
    ) -> Any:
        """What a method of the client returns. Raises ClusterUnavailable when time is up, or at once.

        within_s: for calls that take long by themselves; they are given all of it each time.
        lacks: what is missing in an answer; such a one is asked for again, as if there had been none.
        """
        call = getattr(self._client, name)
        patient_s = within_s or self.timeout_s / TRIES

        def whole(left_s: float) -> Any:
            answer = call(*arguments, timeout=min(left_s, patient_s), **named)
            if missing := lacks(answer):
                raise _NotWhole(missing)
            return answer

        return self._until(whole, within_s or self.timeout_s)

    @property
    def library(self) -> Any:
        """The module pymilvus."""
        return self._pymilvus

    @cached_property
    def version_text(self) -> str:
        """As the server tells it."""
        return str(self.ask("get_server_version"))

    @property
    def is_lite(self) -> bool:
        """Whether it is the library in this process, and no server."""
        return "milvus_lite" in self.version_text

    @property
    def has_words(self) -> bool:
        """Whether the server counts words itself, which the lexical leg needs."""
        return self.is_lite or version_of(self.version_text) >= HYBRID_SINCE

    def close(self) -> None:
        """Let go of the connection."""
        self._client.close()

    def _until(self, call: Callable[[float], T], within_s: float) -> T:
        until_s, pause_s = time.monotonic() + within_s, FIRST_PAUSE_S
        while True:
            try:
                return call(max(until_s - time.monotonic(), 0.1))
            except self._faults as error:
                told = _told(error)
                if self._is_lasting(error):
                    raise ClusterUnavailable(f"Milvus at {self.uri} refused a request: {told}") from error
                if time.monotonic() + pause_s > until_s:
                    raise ClusterUnavailable(
                        f"Milvus at {self.uri} did not answer within {within_s:g} s: {told}; "
                        "look at its nodes, or ask again"
                    ) from error
                logger.info("asking Milvus again: %s", told)
            time.sleep(pause_s)
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)

    @cached_property
    def _faults(self) -> tuple[type[Exception], ...]:
        """All that a call can end with; what hung until its time was up is gRPC's own."""
        import grpc

        return (self._pymilvus.MilvusException, grpc.RpcError, _NotWhole)

    def _is_lasting(self, error: Any) -> bool:
        """Whether the same call can only end in the same way."""
        known = self._pymilvus.exceptions
        if isinstance(
            error, known.ParamError | known.DataNotMatchException | known.ConnectionConfigException
        ):
            return True
        is_told = isinstance(error, self._pymilvus.MilvusException)
        return is_told and (error.code in LASTING or error.is_input_error)


def _told(error: Any) -> str:
    """What an error of pymilvus or gRPC says, without the trace that may be in it."""
    return str(getattr(error, "message", "") or getattr(error, "details", lambda: error)())[:300]


def read_token(file: Path | None) -> str:
    """What a file holds that Milvus wants to be shown; '' of none. Raises InputError."""
    if file is None:
        return ""
    try:
        return file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"the token in {file} cannot be read: {error}") from error


def version_of(text: str) -> tuple[int, int]:
    """`v2.3.5-lite` -> (2, 3). Raises InputError where there is no version in it."""
    found = re.search(r"(\d+)\.(\d+)", text)
    if found is None:
        raise InputError(f"the server's version {text[:40]!r} cannot be read; expected one such as v2.5.4")
    return int(found[1]), int(found[2])


def _library() -> Any:
    try:
        import pymilvus
    except ImportError as error:
        raise InputError(
            "pymilvus is not installed; `pip install 'article-search[milvus]'` brings what Milvus needs"
        ) from error
    logging.getLogger("pymilvus").setLevel(logging.CRITICAL)  # it logs a traceback for every try
    return pymilvus
