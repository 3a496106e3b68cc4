"""The reader: questions in, ranked passages out."""
