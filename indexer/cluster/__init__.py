"""The writer on many machines: a build shared out by Ray. See indexer/cluster/building.py."""
