"""The file of saved searches, and the forms that alerts are told in: pure, without an index."""

import email
import email.policy
from datetime import UTC, datetime
from pathlib import Path

import pytest

from passage_index.errors import InputError
from search_api.alerts import telling
from search_api.alerts.saved import read_saved
from search_api.settings import Settings


def test_json_lines_are_a_form_of_saved_searches(tmp_path: Path) -> None:
    file = tmp_path / "searches.jsonl"
    file.write_text(
        '{"name": "a", "question": "goats", "source": ["Courier"], "date_from": "2023"}\n\n{"name": "b", "q": "b", "mode": "keyword"}\n'
    )
    first, second = read_saved(file, Settings())
    assert (
        first.request.sources == ("Courier",) and first.request.min_score == 0.3 and first.request.date_from
    )
    assert second.request.mode == "keyword" and second.request.group_by_article


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("s.toml", "", "holds no search"),
        ("s.toml", "[search]\nname = 'a'", r"only \[\[search\]\] tables"),
        ("s.toml", "x = 1", "not x"),
        ("s.toml", "[[search]", "is not TOML"),
        ("s.toml", "[[search]]\nquestion = 'a'", "search 1 needs a `name`"),
        ("s.toml", "[[search]]\nname = 'a'", "needs a `question`"),
        ("s.toml", "[[search]]\nname = 'a'\nquestion = '?'", "no word in it"),
        ("s.toml", "[[search]]\nname = 'a'\nquestion = 'b'\nmin_scor = 1", "not known here: min_scor"),
        (
            "s.toml",
            "[[search]]\nname = 'a'\nquestion = 'b'\nmin_score = 7",
            "min_score: Input should be less",
        ),
        (
            "s.toml",
            "[[search]]\nname = 'a'\nquestion = 'b'\nfilter = {source = {'$like' = 'x'}}",
            r"\$like is not known",
        ),
        (
            "s.toml",
            "[[search]]\nname = 'a'\nquestion = 'b'\n[[search]]\nname = 'a'\nquestion = 'c'",
            "names must differ",
        ),
        ("s.jsonl", '{"name": "a", "question": "b"}\n{', "s.jsonl:2 is not a JSON object"),
        ("s.jsonl", "[]", "s.jsonl:1 is no object"),
        ("s.jsonl", '{"name": "a\\nb", "question": "b"}', "needs a `name`, on one line"),
    ],
    ids=lambda one: "",
)
def test_a_file_that_is_wrong_is_told_with_its_place(
    tmp_path: Path, name: str, text: str, words: str
) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(InputError, match=words):
        read_saved(tmp_path / name, Settings())


def test_the_message_of_many_searches_has_a_short_subject() -> None:
    one = {
        "question": "q",
        "title": "",
        "article_id": "x",
        "source": None,
        "published_at": None,
        "url": None,
        "quote": "a" * 700,
        "start": 0,
        "end": 700,
        "score": 0.5,
        "copies": ["y"],
    }
    records = [one | {"search": f"s{n}"} for n in range(5)]
    mail = email.message_from_bytes(
        telling.message(records, datetime(2026, 1, 1, tzinfo=UTC), None, None), policy=email.policy.default
    )
    assert mail["Subject"] == "5 new articles: s0, s1, s2 and 2 more"
    assert (
        "a" * 600 + "…”" in mail.get_content().replace("\n", "")
        and "+ 1 that say nearly the same" in mail.get_content()
    )
