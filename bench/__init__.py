"""Measurements anyone can run: quality.py and speed.py."""
