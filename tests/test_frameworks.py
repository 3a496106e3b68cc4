"""Says why the frameworks' tests are not in the default suite; `make test-frameworks` runs them."""

import os

import pytest


def test_the_frameworks_are_tested_apart() -> None:
    if "SEARCH_PYTHON" not in os.environ:
        pytest.skip(
            "LangChain, LlamaIndex, Haystack and openai: in an environment of their own, make test-frameworks"
        )
