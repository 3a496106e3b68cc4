"""Reads plain text: when, who says it, what a question asks for, and how much. No index, no HTTP."""
