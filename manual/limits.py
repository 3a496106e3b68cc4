"""What happens beyond each limit of the service, for docs/limits.md.

The limits themselves and their defaults stand in `Settings`. name of a setting -> what a client sees
"""

from collections.abc import Iterator

from search_api.settings import Settings

LIMITS_HEAD = ("| Setting | Default | What it limits | Beyond it |", "|---|---|---|---|")

BEYOND = {
    "max_connections": "the one that has waited longest for a request is closed",
    "header_timeout_s": "408, closed; closed without a word where nothing came at all",
    "max_header_bytes": "431, closed",
    "max_body_bytes": "413, counted as it streams, closed",
    "max_ingest_bytes": "413, counted as it streams, closed",
    "request_timeout_s": "408 for a body, 503 for an answer",
    "ingest_timeout_s": "408, closed",
    "stall_timeout_s": "closed",
    "min_bytes_per_s": "closed",
    "keep_alive_s": "closed",
    "max_json_depth": "400",
    "max_json_digits": "400",
    "rate_per_key": "429 with `Retry-After`",
    "rate_per_address": "429 with `Retry-After`",
    "rate_burst_s": "429 with `Retry-After`",
    "max_waiting": "503 with `Retry-After`, at once",
    "max_wait_s": "503 with `Retry-After`, at once",
    "threads": "others wait for their turn",
    "max_question_chars": "422",
    "max_limit": "422",
    "max_offset": "422",
    "max_filter_conditions": "422",
    "max_filter_values": "422",
    "batch_limit": "422",
    "rerank_depth": "the others keep their order",
    "rerank_budget_ms": "`rerank=auto` judges fewer",
    "rerank_timeout_s": "the order without it, and a warning",
    "reader_timeout_s": "the answer without it, and a warning",
    "llm_timeout_s": "the answer without it, and a warning",
    "milvus_timeout_s": "503",
    "llm_retries": "the answer without it, and a warning",
    "llm_passages": "the others are not given to it",
    "llm_max_tokens": "the rest is not written",
    "inbox_bytes": "503 with `Retry-After`",
    "inbox_writes": "503 with `Retry-After`",
    "kept_generations": "410 for a page of one that was let go",
    "kept_for_s": "410 for a page of one that was let go",
    "drain_s": "no connection is taken any more",
    "grace_s": "what is under way is broken off",
}


def limits_table() -> list[str]:
    """A row a limit, in the order in which a request meets them."""
    return [*LIMITS_HEAD, *_rows()]


def _rows() -> Iterator[str]:
    for name, beyond in BEYOND.items():
        setting = Settings.model_fields[name]
        meaning = (setting.description or "").replace("|", "\\|")
        yield f"| `SEARCH_{name.upper()}` | `{setting.default}` | {meaning} | {beyond} |"
