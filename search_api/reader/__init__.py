"""A small model that reads question and passage together: does it answer, and with which words."""
