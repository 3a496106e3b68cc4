"""Texts that were once decoded wrongly, `CafÃ©` for `Café`, made right. text -> text

ftfy decides, line by line, and leaves a line alone unless it is surely wrong. Knows no bytes.
"""


def mended(text: str) -> str:
    """The text with its wrongly decoded lines as they must have been. About 7 MB/s where all is right."""
    if text.isascii():
        return text
    from ftfy import fix_encoding  # some milliseconds, for those who have nothing but ASCII
    from ftfy.badness import is_bad

    if not is_bad(text):
        return text
    return "\n".join(fix_encoding(line) if is_bad(line) else line for line in text.split("\n"))
