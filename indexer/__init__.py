"""The writer: articles in, generations out."""
