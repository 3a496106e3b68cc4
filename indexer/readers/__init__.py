"""One small module a format: a file -> rows, each a mapping of keys as the file has them.

A reader knows its format and nothing of ids, dates, languages or normal forms; `assembly.py` turns
a row into an Article, the same for every format.
"""
