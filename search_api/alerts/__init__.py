"""Saved searches, asked again: what is new since the last run."""
