"""PDF files made by hand: pages of lines in Helvetica, and what the document says of itself."""

from collections.abc import Mapping, Sequence


def pdf(pages: Sequence[str | Sequence[str]], info: Mapping[str, str] | None = None) -> bytes:
    """A PDF whose pages show these lines, in cp1252. A page without lines shows a grey square."""
    objects: list[bytes] = [b"<< /Type /Catalog /Pages 2 0 R >>", b"", b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>"]  # fmt: skip
    kids = []
    for page in pages:
        lines = [page] if isinstance(page, str) else page
        content = b".5 g 100 100 200 200 re f"
        if any(lines):
            shown = b"".join(b"(%s) Tj T*\n" % _escaped(line) for line in lines)
            content = b"BT /F1 11 Tf 14 TL 60 740 Td\n%sET" % shown
        objects.append(b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content))
        kids.append(len(objects) + 1)
        objects.append(
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents %d 0 R"
            b" /Resources << /Font << /F1 3 0 R >> >> >>" % len(objects)
        )
    refs = b" ".join(b"%d 0 R" % kid for kid in kids)
    objects[1] = b"<< /Type /Pages /Count %d /Kids [%s] >>" % (len(kids), refs)
    objects.append(
        b"<< %s >>" % b" ".join(b"/%s (%s)" % (k.encode(), _escaped(v)) for k, v in (info or {}).items())
    )
    out, offsets = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    return out + b"xref\n0 %d\n0000000000 65535 f \n%strailer\n<< /Size %d /Root 1 0 R /Info %d 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (
        len(objects) + 1, table, len(objects) + 1, len(objects), len(out),
    )  # fmt: skip


def _escaped(line: str) -> bytes:
    return line.encode("cp1252").replace(b"\\", b"\\\\").replace(b"(", b"\\(").replace(b")", b"\\)")
