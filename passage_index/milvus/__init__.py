"""A generation published to a Milvus cluster: written by `indexer publish`, read as one on disk is."""
