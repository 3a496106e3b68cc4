"""What shapes serving: addresses, folders and limits, from the environment or the command line.

What shapes an index stands in its manifest, never here. SEARCH_* -> Settings, built once in `__main__`
"""

import os
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from passage_index.errors import InputError
from search_api.answerability import ANSWERABLE_FROM

MEBIBYTE = 1024 * 1024
LEAST_THREADS, MOST_THREADS = 2, 4  # where their number is not set: more wait for each other


class Settings(BaseSettings):
    """Each can be given as SEARCH_<NAME> in the environment."""

    model_config = SettingsConfigDict(env_prefix="SEARCH_", frozen=True)

    index: Annotated[
        Path,
        Field(
            description="The index folder. The commands have no default: they need it here or as `--index`."
        ),
    ] = Path(".index")
    cache: Annotated[
        Path | None,
        Field(
            description="Converted models and the record of checked files; the user's cache folder if not "
            "given."
        ),
    ] = None
    model: Annotated[
        str | None,
        Field(
            description="Name or path of the encoder; the one the index was built with if not given. "
            "Another one is refused."
        ),
    ] = None
    reranker: Annotated[
        str | None,
        Field(description="Name or path of a cross-encoder; without one the reader judges."),
    ] = None
    rerank_depth: Annotated[
        int, Field(ge=1, le=1000, description="How many of the first passages a reranker judges anew.")
    ] = 20
    rerank_budget_ms: Annotated[
        float, Field(gt=0, description="Milliseconds that `rerank=auto` may take at rest.")
    ] = 120.0
    rerank_timeout_s: Annotated[
        float,
        Field(
            gt=0,
            description="Seconds that a reranker may take, waiting included; then the order is the one "
            "without it.",
        ),
    ] = 2.0
    answerable_from: Annotated[
        float, Field(ge=0, le=1, description="Chance of an answer from which a reply is `answerable`.")
    ] = ANSWERABLE_FROM
    reader: Annotated[
        str,
        Field(
            description="What reads passages for answers: `shipped`, `none`, or the name or path of an "
            "extractive question-answering model (docs/reader.md)."
        ),
    ] = "shipped"
    reader_timeout_s: Annotated[
        float,
        Field(
            gt=0,
            description="Seconds that reading may take, waiting included; then the answer is chosen "
            "without it.",
        ),
    ] = 2.0
    ask_from: Annotated[
        float, Field(ge=0, le=1, description="Confidence from which an answer is given to a question.")
    ] = 0.2
    ask_error: Annotated[
        float | None,
        Field(
            ge=0,
            le=1,
            description="Share of the answers given that may be wrong, 0 to 1; sets the confidence of "
            "`SEARCH_ASK_FROM` by a curve that was measured.",
        ),
    ] = None
    llm_url: Annotated[
        str | None,
        Field(
            description="Base URL of an OpenAI-compatible endpoint, such as `http://127.0.0.1:11434/v1`; "
            "without "
            "one nothing is written."
        ),
    ] = None
    llm_model: Annotated[
        str | None, Field(description="The language model's name there; needed with `SEARCH_LLM_URL`.")
    ] = None
    llm_key: Annotated[
        SecretStr | None,
        Field(description="The endpoint's key, if it asks for one; sent as a Bearer token, shown nowhere."),
    ] = None
    llm_key_file: Annotated[
        Path | None,
        Field(
            description="A file that holds the key, instead of `SEARCH_LLM_KEY`; blanks around it are "
            "dropped."
        ),
    ] = None
    llm_timeout_s: Annotated[
        float,
        Field(
            gt=0, description="Seconds that writing an answer may take, waiting and further tries included."
        ),
    ] = 60.0
    llm_retries: Annotated[
        int,
        Field(
            ge=0,
            le=10,
            description="Further tries where the endpoint cannot be reached, or answers with 429 or 5xx.",
        ),
    ] = 2
    llm_passages: Annotated[
        int, Field(ge=1, le=20, description="Passages that the language model is given, at most 20.")
    ] = 8
    llm_max_tokens: Annotated[int, Field(ge=1, description="Most tokens that it may write.")] = 600
    backend: Annotated[
        Literal["embedded", "milvus"],
        Field(description="What answers: the index folder, or Milvus, where an index was published."),
    ] = "embedded"
    milvus_uri: Annotated[
        str | None, Field(description="URI of Milvus, such as `http://host:19530`; needed for it.")
    ] = None
    milvus_name: Annotated[str, Field(description="The alias that is served.")] = "passages"
    milvus_token: Annotated[
        SecretStr | None, Field(description="The token that Milvus asks for, `user:password`, if it does.")
    ] = None
    milvus_token_file: Annotated[
        Path | None, Field(description="A file that holds the token, instead of `milvus_token`.")
    ] = None
    milvus_timeout_s: Annotated[
        float, Field(gt=0, description="Seconds that one call to Milvus may take, tries again included.")
    ] = 10.0
    host: Annotated[str, Field(description="Address to bind.")] = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535, description="Port to bind; 0 takes a free one.")] = 8000
    open: Annotated[
        bool, Field(description="Let anyone who reaches the server read, whatever address it has.")
    ] = False
    keys_file: Annotated[
        Path | None, Field(description="Keys made by `search-api keys`; with it, reading needs one.")
    ] = None
    hosts: Annotated[
        str,
        Field(
            description="Host names that requests may be for, separated by commas, `*` for any; if not "
            "given, those of this machine where the address is a loopback one, else any."
        ),
    ] = ""
    trusted_proxies: Annotated[
        str,
        Field(description="Addresses and networks, separated by commas, whose X-Forwarded-For is believed."),
    ] = ""
    rate_per_key: Annotated[
        float, Field(ge=0, description="Requests a second that a key may make; 0 for no limit.")
    ] = 50.0
    rate_per_address: Annotated[
        float,
        Field(
            ge=0,
            description="Requests a second from an address without a good key; 0 for no limit. This "
            "machine's own have none.",
        ),
    ] = 20.0
    rate_burst_s: Annotated[
        float, Field(gt=0, description="Seconds of its rate that a client may use at once after a rest.")
    ] = 5.0
    docs: Annotated[bool, Field(description="Whether there are `/docs` and `/openapi.json`.")] = True
    open_metrics: Annotated[
        bool, Field(description="Whether `/metrics` needs no key where reading does.")
    ] = False
    threads: Annotated[
        int,
        Field(
            ge=0, description="Searches that run at the same time; 0 for one a processor, from two to four."
        ),
    ] = 0
    processes: Annotated[
        int, Field(ge=1, le=64, description="Processes that serve side by side; they share the mapped files.")
    ] = 1
    max_waiting: Annotated[
        int,
        Field(
            ge=0, description="Requests that may wait for one of the threads; more are sent away with 503."
        ),
    ] = 64
    max_wait_s: Annotated[
        float,
        Field(gt=0, description="Seconds that one may wait; who would wait longer is sent away at once."),
    ] = 1.0
    request_timeout_s: Annotated[
        float, Field(gt=0, description="Seconds a body may take to arrive, and seconds an answer may take.")
    ] = 30.0
    poll_s: Annotated[
        float, Field(gt=0, description="Seconds between looks for a new generation of the index.")
    ] = 1.0
    kept_generations: Annotated[
        int, Field(ge=0, description="Replaced generations kept open, for pages that were begun on them.")
    ] = 3
    kept_for_s: Annotated[
        float, Field(ge=0, description="Seconds after its last use until a replaced generation is closed.")
    ] = 600.0
    retry_s: Annotated[
        float,
        Field(
            gt=0,
            description="Seconds until a generation that did not open is first tried again; doubles up to "
            "a minute.",
        ),
    ] = 2.0
    max_body_bytes: Annotated[int, Field(ge=1, description="Longest request body.")] = MEBIBYTE
    max_header_bytes: Annotated[
        int, Field(ge=1024, description="Longest address and headers of a request, together.")
    ] = 65_536
    max_connections: Annotated[
        int,
        Field(
            ge=1, description="Open connections; one more closes that which has waited longest for a request."
        ),
    ] = 1000
    header_timeout_s: Annotated[
        float, Field(gt=0, description="Seconds that a request's headers may take to arrive.")
    ] = 8.0
    stall_timeout_s: Annotated[
        float,
        Field(gt=0, description="Seconds in which a body must come, or a reply be taken, at the least rate."),
    ] = 8.0
    min_bytes_per_s: Annotated[
        int, Field(ge=0, description="The least rate at which bodies come and replies are taken.")
    ] = 1024
    keep_alive_s: Annotated[
        int, Field(ge=1, description="Seconds that a connection may idle between two requests.")
    ] = 5
    drain_s: Annotated[
        float,
        Field(ge=0, description="Seconds that the server answers on after SIGTERM, not ready any more."),
    ] = 1.0
    grace_s: Annotated[
        int, Field(ge=1, description="Seconds after that for what is under way; then it is broken off.")
    ] = 30
    max_json_depth: Annotated[int, Field(ge=1, description="Deepest nesting of a body of JSON.")] = 64
    max_json_digits: Annotated[int, Field(ge=1, description="Longest run of digits in a number.")] = 400
    tracing: Annotated[
        bool, Field(description="Whether to send OpenTelemetry spans, as the OTEL_ variables say.")
    ] = False
    log_format: Annotated[
        Literal["text", "json"], Field(description="`text`, or `json` for an object a line.")
    ] = "text"
    log_clients: Annotated[
        bool, Field(description="Whether a request's log line holds the client's address.")
    ] = False
    log_questions: Annotated[bool, Field(description="Whether a request's line holds what was asked.")] = (
        False
    )
    admin_key: Annotated[
        SecretStr | None, Field(description="The key that writes must carry; without one nothing is written.")
    ] = None
    admin_key_file: Annotated[
        Path | None,
        Field(
            description="A file that holds the key, instead of `SEARCH_ADMIN_KEY`; blanks around it are "
            "dropped."
        ),
    ] = None
    max_ingest_bytes: Annotated[int, Field(ge=1, description="Longest body of articles.")] = 64 * MEBIBYTE
    ingest_timeout_s: Annotated[
        float, Field(gt=0, description="Seconds that a body of articles may take to arrive.")
    ] = 300.0
    inbox_bytes: Annotated[
        int, Field(ge=1, description="Bytes of writes that may wait; more are sent away with 503.")
    ] = 1024 * MEBIBYTE
    inbox_writes: Annotated[
        int, Field(ge=1, description="Writes that may wait; more are sent away with 503.")
    ] = 10_000
    worker: Annotated[
        bool, Field(description="Whether to run `indexer work` beside the server where writes are taken.")
    ] = True
    max_limit: Annotated[int, Field(ge=1, description="Most hits on one page of a reply.")] = 100
    max_offset: Annotated[int, Field(ge=0, description="Most hits that can be paged past.")] = 10_000
    max_filter_conditions: Annotated[
        int, Field(ge=0, le=100, description="Most conditions in one filter.")
    ] = 100
    max_filter_values: Annotated[
        int, Field(ge=0, le=1000, description="Most values in the conditions of one filter, together.")
    ] = 1000
    max_question_chars: Annotated[int, Field(ge=1, description="Longest question, in code points.")] = 4_000
    batch_limit: Annotated[int, Field(ge=1, description="Most searches in one batch.")] = 64

    @property
    def search_threads(self) -> int:
        """`threads`, or as many as this machine's processors have use for."""
        if self.threads:
            return self.threads
        return min(max((os.cpu_count() or 1) // self.processes, LEAST_THREADS), MOST_THREADS)


def admin_key(settings: Settings) -> str | None:
    """The key that writes must carry, or None where there are to be none. Raises InputError."""
    return _key(settings.admin_key, settings.admin_key_file, "SEARCH_ADMIN_KEY", "admin key")


def llm_key(settings: Settings) -> str | None:
    """The key that the endpoint of the language model wants, or None. Raises InputError."""
    return _key(settings.llm_key, settings.llm_key_file, "SEARCH_LLM_KEY", "language model's key")


def milvus_token(settings: Settings) -> str:
    """The token that Milvus asks for, '' for none. Raises InputError."""
    return _key(settings.milvus_token, settings.milvus_token_file, "SEARCH_MILVUS_TOKEN", "token") or ""


def _key(secret: SecretStr | None, file: Path | None, name: str, what: str) -> str | None:
    given = secret.get_secret_value().strip() if secret else ""
    if file is None:
        return given or None
    if given:
        raise InputError(f"both {name} and {name}_FILE are set; set one of them")
    try:
        key = file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"the {what} in {file} cannot be read: {error}") from error
    if not key:
        raise InputError(f"{file} is empty; write the {what} into it")
    return key
