"""Retrievers for LangChain, LlamaIndex and Haystack: each needs its framework, and none of the others."""
