"""Passages: worked examples, and what holds for every article, tokenizer and setting."""

from dataclasses import replace
from functools import partial

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from indexer.chunking import Chunking, count_words, embedded_text, split_article
from indexer.sentences import split_sentences
from passage_index.errors import InputError
from passage_index.types import Article

CHUNKING = Chunking()


def words_as_tokens(texts):
    return [len(text.split()) for text in texts]


def fourths_as_tokens(texts):
    """Less than the sum of its parts: what a text has beyond a multiple of four is dropped."""
    return [len(text) // 4 for text in texts]


def characters_as_tokens(texts):
    """More than the sum of its parts: blanks between sentences count too."""
    return [len(text) for text in texts]


def sentence(number, words):
    """`words` words, the first and last unlike those of any other sentence."""
    return " ".join([f"Then{number}", *["word"] * (words - 2), f"end{number}."])


def article(*lengths, separator=" ", title=""):
    """An article of one sentence for each length, in words."""
    return Article("a1", separator.join(sentence(n, words) for n, words in enumerate(lengths)), title)


def split(subject, chunking=CHUNKING, count=words_as_tokens, **options):
    return split_article(subject, count, chunking, **options)


def lengths(subject, result):
    return [len(subject.text[p.start : p.end].split()) for p in result.passages]


def test_split_article_a_little_over_target_stays_one_passage():
    subject = article(*[13] * 10)
    result = split(subject)
    assert lengths(subject, result) == [130]
    assert result.tokens == [132]
    assert result.cut_sentences == 0
    assert result.passages[0].sentences == tuple(split_sentences(subject.text, "en"))


def test_split_article_twice_target_is_two_equal_passages():
    subject = article(*[22] * 10)
    assert lengths(subject, split(subject)) == [110, 110]


def test_split_article_short_tail_is_not_left_alone():
    subject = article(*[22] * 5, 5)
    assert lengths(subject, split(subject)) == [115]


def test_split_article_repeats_a_short_last_sentence():
    subject = article(*[20] * 11)
    result = split(subject)
    first, second = result.passages
    assert second.sentences[0] == first.sentences[-1]
    assert second.start == first.sentences[-1][0]
    assert [len(p.sentences) for p in result.passages] == [6, 6]


def test_split_article_does_not_repeat_a_long_last_sentence():
    subject = article(*[21] * 11)
    first, second = split(subject).passages
    assert second.start > first.end
    overlapping = split(subject, replace(CHUNKING, overlap_words=21)).passages
    assert overlapping[1].start < overlapping[0].end


@pytest.mark.parametrize("first", [5, 6])
def test_split_article_prefers_paragraph_ends(first):
    paragraphs = [article(*[21] * first).text, article(*[21] * (11 - first)).text]
    passages = split(Article("a1", "\n\n".join(paragraphs))).passages
    assert [len(p.sentences) for p in passages] == [first, 11 - first]


def test_split_article_heading_stays_with_the_text_below_it():
    above, below = article(*[24] * 4).text, article(*[24] * 4).text
    subject = Article("a1", f"{above}\n\nWhat the council of Orm found in the end\n\n{below}")
    first, second = split(subject).passages
    assert first.end == len(above)
    assert subject.text[second.start :].startswith("What the council")


def test_split_article_title_counts_and_is_not_in_the_passage():
    subject = article(*[30] * 8, title="Bridge shut in Orm")
    result = split(subject, replace(CHUNKING, max_tokens=100), special_tokens=3, prefix="passage: ")
    assert result.tokens == [90 + 8, 90 + 8, 60 + 8]  # title 4, prefix 1, special tokens 3
    text, offset = embedded_text(subject, result.passages[0].start, result.passages[0].end, CHUNKING)
    assert text[:offset] == "Bridge shut in Orm. "
    assert text[offset:] == subject.text[: result.passages[0].end]


def test_embedded_text_title_is_cut_at_title_words():
    subject = Article("a1", "It rained.", "one two three four five")
    text, offset = embedded_text(subject, 0, 10, replace(CHUNKING, title_words=3))
    assert (text, offset) == ("one two three. It rained.", 15)


def test_embedded_text_title_is_at_most_about_half_the_limit():
    for title in ("x" * 5000, "мор" * 5000, "水" * 5000, "a-b-" * 5000, "word " * 5000):
        subject = Article("a1", "It rained.", title)
        _, offset = embedded_text(subject, 0, 10, Chunking(max_tokens=64, title_words=1000))
        assert 2 <= offset <= 96


def test_embedded_text_passage_that_begins_with_the_title_has_it_once():
    subject = Article("a1", "Bridge shut. It rained. Bridge shutters fell.", "Bridge shut")
    assert embedded_text(subject, 0, 23, CHUNKING) == ("Bridge shut. It rained.", 0)
    assert embedded_text(subject, 24, 45, CHUNKING) == ("Bridge shut. Bridge shutters fell.", 13)
    assert embedded_text(replace(subject, title=""), 13, 23, CHUNKING) == ("It rained.", 0)


def test_split_article_overlong_sentence_is_cut_between_clauses():
    clauses = [" ".join([f"c{n}", *["word"] * 18, "end"]) for n in range(10)]
    subject = Article("a1", "It rained. " + "; ".join(clauses) + ".")
    result = split(subject, replace(CHUNKING, max_tokens=102))
    pieces = [subject.text[a:b] for p in result.passages for a, b in p.sentences if b - a > 10]
    assert pieces == ["; ".join(clauses[:5]) + ";", "; ".join(clauses[5:]) + "."]
    assert result.cut_sentences == 1


def test_split_article_overlong_sentence_without_clauses_is_cut_between_words():
    subject = Article("a1", " ".join(["word"] * 300))
    result = split(subject, replace(CHUNKING, max_tokens=102))
    assert lengths(subject, result) == [100, 100, 100]
    assert result.cut_sentences == 1


def test_split_article_giant_word_is_cut_between_code_points():
    subject = Article("a1", "It rained. " + "水" * 300 + " then.")
    result = split(subject, replace(CHUNKING, max_tokens=102), count=characters_as_tokens)
    assert max(result.tokens) <= 102
    pieces = [subject.text[a:b] for p in result.passages for a, b in p.sentences]
    assert "".join(dict.fromkeys(pieces)).count("水") <= 300
    assert result.cut_sentences == 1


def test_split_article_word_unknown_to_the_tokenizer_does_not_make_an_endless_passage():
    subject = Article("a1", "x" * 100_000)
    assert max(p.end - p.start for p in split(subject).passages) <= 16 * CHUNKING.max_tokens


def test_split_article_text_without_blanks_makes_passages_of_about_target():
    subject = Article("a1", "市政府星期三晚上表示没有人受伤。" * 60, language="zh")
    result = split(subject, replace(CHUNKING, max_tokens=512), count=characters_as_tokens)
    assert {round(count_words(subject.text[p.start : p.end]) / 110) for p in result.passages} == {1}


def test_split_article_no_text():
    result = split(Article("a1", " \n\n"))
    assert (result.passages, result.tokens, result.cut_sentences) == ([], [], 0)


def test_split_article_no_room_for_a_passage():
    with pytest.raises(InputError, match="leave 0 tokens"):
        split(article(5), replace(CHUNKING, max_tokens=2))


def test_split_article_counts_tokens_twice():
    calls = []

    def counted(texts):
        calls.append(len(texts))
        return words_as_tokens(texts)

    result = split(article(*[20] * 50, title="Bridge shut"), count=counted)
    assert calls == [51, len(result.passages)]


def test_count_words_counts_two_characters_as_a_word_where_there_are_no_blanks():
    assert count_words("It rained on Tuesday.") == 4
    assert count_words("Дощ ішов у середу.") == 4
    assert count_words("市政府星期三晚上") == 1 + 4


LENGTHS = st.integers(1, 60)
SENTENCES = LENGTHS.map(lambda n: f"We go {'on ' * n}so.") | LENGTHS.map(lambda n: f"{'ho' * n} is, so; it.")
GAPS = st.sampled_from([" ", "  ", "\n", "\n\n", "\u00a0", "\n \n\n"])
BODIES = st.lists(SENTENCES | st.sampled_from(["Go on.", "水。", "***"]) | GAPS, max_size=80).map("".join)
CHARACTERS = st.characters(exclude_categories=["Cs"])
ARTICLES = st.builds(partial(Article, "a1"), BODIES | st.text(CHARACTERS), st.just("") | SENTENCES)
SETTINGS = st.builds(
    Chunking,
    target_words=st.integers(5, 120),
    overlap_words=st.integers(0, 30),
    max_tokens=st.integers(40, 300),
    title_words=st.integers(0, 8),
)
COUNTS = st.sampled_from([words_as_tokens, fourths_as_tokens, characters_as_tokens])


@settings(max_examples=300, deadline=None)
@given(ARTICLES, SETTINGS, COUNTS, st.sampled_from(["", "passage: "]))
def test_split_article_holds_for_every_article(subject, chunking, count, prefix):
    around = count([prefix + embedded_text(subject, 0, 0, chunking)[0]])[0] + 2
    assume(around + 8 <= chunking.max_tokens)
    result = split_article(subject, count, chunking, 2, prefix)
    assert result == split_article(subject, count, chunking, 2, prefix)

    # every sentence is there, whole, unless it alone is over the limit
    held = {span for p in result.passages for span in p.sentences}
    whole = split_sentences(subject.text, None)
    lost = [span for span in whole if span not in held]
    assert result.cut_sentences == len(lost)
    for start, end in lost:
        alone = count([subject.text[start:end], prefix + embedded_text(subject, start, end, chunking)[0]])
        assert max(around + alone[0], alone[1] + 2, around + (end - start) // 16) > chunking.max_tokens
    for start, end in whole:
        pieces = sorted((a, b) for a, b in held if start <= a and b <= end)
        joined = "".join(subject.text[a:b] for a, b in pieces)
        assert "".join(joined.split()) == "".join(subject.text[start:end].split())

    # the limit is kept, and the tokens reported are those of what is embedded
    texts = [prefix + embedded_text(subject, p.start, p.end, chunking)[0] for p in result.passages]
    assert result.tokens == [n + 2 for n in count(texts)]
    assert max(result.tokens, default=0) <= chunking.max_tokens

    for p in result.passages:
        assert (p.start, p.end) == (p.sentences[0][0], p.sentences[-1][1])
        assert all(subject.text[a:b].strip() == subject.text[a:b] != "" for a, b in p.sentences)
    for p, q in zip(result.passages, result.passages[1:], strict=False):
        assert p.start < q.start and p.end < q.end
        shared = [span for span in p.sentences if span in q.sentences]
        assert len(shared) <= 1
        assert all(count_words(subject.text[a:b]) <= chunking.overlap_words for a, b in shared)
