"""Alerts in the forms that people and programs take: JSON lines, a message to be mailed, a feed.

Pure: nothing is written or sent here. Records -> bytes
"""

import json
from collections.abc import Sequence
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, make_msgid
from itertools import groupby
from typing import Any
from xml.etree import ElementTree

Record = dict[str, Any]

SHOWN_NAMES = 3  # in a subject
LONGEST_QUOTE = 600  # characters, in a message and a feed
FEED_TITLE = "Saved searches"


def json_lines(records: Sequence[Record]) -> bytes:
    """One object a line."""
    return "".join(json.dumps(one, ensure_ascii=False) + "\n" for one in records).encode()


def message(records: Sequence[Record], now: datetime, sender: str | None, to: str | None) -> bytes:
    """One message (RFC 5322) with all of them, ready for `sendmail -t`; nothing where there are none."""
    if not records:
        return b""
    mail = EmailMessage(policy=SMTP.clone(cte_type="7bit"))  # any relay passes it on
    names = list(dict.fromkeys(one["search"] for one in records))
    more = f" and {len(names) - SHOWN_NAMES} more" if len(names) > SHOWN_NAMES else ""
    mail["Subject"] = f"{_counted(len(records))}: {', '.join(names[:SHOWN_NAMES])}{more}"
    if sender:
        mail["From"] = sender
    if to:
        mail["To"] = to
    mail["Date"] = format_datetime(now)
    mail["Message-ID"] = make_msgid(domain="article-search.invalid")
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(_text(records))
    return mail.as_bytes()


def _counted(articles: int) -> str:
    return "1 new article" if articles == 1 else f"{articles} new articles"


def _text(records: Sequence[Record]) -> str:
    lines: list[str] = []
    for name, group in groupby(records, key=lambda one: str(one["search"])):
        alerts = list(group)
        lines += [f"{name} ({_counted(len(alerts))})", f"  asked: {alerts[0]['question']}", ""]
        for one in alerts:
            where = " · ".join(part for part in (one["source"], one["published_at"] or "undated") if part)
            lines += [f"* {one['title'] or one['article_id']}", f"  {where}"]
            lines += [f"  “{_quote(one)}”"]
            lines += [f"  {one['url']}"] if one["url"] else []
            lines += [f"  {one['article_id']} [{one['start']}:{one['end']}]  score {one['score']:.2f}"]
            lines += [f"  + {len(one['copies'])} that say nearly the same"] if one["copies"] else []
            lines.append("")
    return "\n".join(lines)


def _quote(record: Record) -> str:
    quote = " ".join(str(record["quote"]).split())
    return quote if len(quote) <= LONGEST_QUOTE else f"{quote[:LONGEST_QUOTE]}…"


def feed(records: Sequence[Record], now: datetime, link: str) -> bytes:
    """An RSS 2.0 feed, the newest first. link: where its own title leads."""
    rss = ElementTree.Element("rss", version="2.0")
    channel = ElementTree.SubElement(rss, "channel")
    for name, text in (
        ("title", FEED_TITLE),
        ("link", _allowed(link)),
        ("description", "New articles that saved searches have found."),
        ("lastBuildDate", format_datetime(now)),
    ):
        ElementTree.SubElement(channel, name).text = text
    for one in records:
        item = ElementTree.SubElement(channel, "item")
        found = [
            ("title", f"{one['search']}: {one['title'] or one['article_id']}"),
            ("description", _quote(one)),
            ("category", one["search"]),
            ("pubDate", format_datetime(datetime.fromisoformat(one["found_at"]))),
        ]
        if one["url"]:
            found.append(("link", one["url"]))
        for name, text in found:
            ElementTree.SubElement(item, name).text = _allowed(text)
        guid = ElementTree.SubElement(item, "guid", isPermaLink="false")
        guid.text = _allowed(f"{one['search']} {one['passage_id']} {one['sha256'][:16]}")
    ElementTree.indent(rss)
    body: bytes = ElementTree.tostring(rss, encoding="utf-8", xml_declaration=True)
    return body + b"\n"


def _allowed(text: str) -> str:
    """Without the characters that XML cannot hold."""
    return "".join(one for one in text if one in "\t\n\r" or (one >= " " and one not in "\ufffe\uffff"))
