"""Trains the reader that the search API ships with (`make reader`): data, network, training, export."""
