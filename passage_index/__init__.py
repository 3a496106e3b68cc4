"""The contract: what an index is, on disk and in memory. Imported by indexer and by search_api."""
