"""What the API replies and takes, made from its OpenAPI document; not written by hand.

After a change there: `WRITE_CLIENT=1 pytest tests/test_client_contract.py`. Replies are frozen dataclasses,
the names that a request may hold are typed dictionaries. All offsets are code points, half open.
"""

from dataclasses import dataclass
from typing import Any, Literal, TypedDict


@dataclass(frozen=True, slots=True, kw_only=True)
class Alive:
    """The process runs."""

    status: Literal["ok"] = "ok"


@dataclass(frozen=True, slots=True, kw_only=True)
class Article:
    """One article as it is stored; every offset of this API counts code points of `text`."""

    id: str
    title: str
    text: str
    url: str | None
    source: str | None
    # As exact as known: `2023-11-09`, `2023-11` or `2023`.
    published_at: str | None
    language: str | None
    metadata: dict[str, Any]


class AskOptions(TypedDict, total=False):
    """A question to be answered, as POST takes it."""

    # Hits on a page.
    limit: int
    # Published on or after this day, month or year: `2023-11-09`, `2023-11`, `2023`.
    date_from: str | None
    # Published on or before this day, month or year.
    date_to: str | None
    # Only these sources; can be repeated.
    source: list[str]
    # Only articles of which this holds: conditions on their properties, as JSON.
    filter: dict[str, Any] | None
    # As if it were then: without what can only have been published later.
    as_of: str | None
    # Answer from this state of the index, as the reply to page 1 named it, so that pages fit together; 410
    # when it is not kept any more.
    generation: int | None
    # Confidence from which an answer is given.
    threshold: float | None
    # Also have the server's language model write an answer, and check it.
    write: bool


class AskStreamOptions(TypedDict, total=False):
    """A question to be answered, in writing too; as POST takes it."""

    # Hits on a page.
    limit: int
    # Published on or after this day, month or year: `2023-11-09`, `2023-11`, `2023`.
    date_from: str | None
    # Published on or before this day, month or year.
    date_to: str | None
    # Only these sources; can be repeated.
    source: list[str]
    # Only articles of which this holds: conditions on their properties, as JSON.
    filter: dict[str, Any] | None
    # As if it were then: without what can only have been published later.
    as_of: str | None
    # Answer from this state of the index, as the reply to page 1 named it, so that pages fit together; 410
    # when it is not kept any more.
    generation: int | None
    # Confidence from which an answer is given.
    threshold: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedWord:
    """A word of the question beside a passage."""

    word: str
    # Its idf: high for a rare word.
    worth: float
    found_in: Literal["passage", "title"] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CitedPassage:
    """A passage with what a citation says of its article."""

    id: str
    article_id: str
    title: str
    url: str | None
    source: str | None
    # As exact as known: `2023-11-09`, `2023-11` or `2023`.
    published_at: str | None
    language: str | None
    text: str
    start: int
    end: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """A passage's text."""

    type: Literal["text"] = "text"
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """How many passages have a value; an empty name: they have none."""

    name: str
    passages: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """What became of a write's records; each is counted once."""

    # Articles that stand in the index as they were sent.
    indexed: int
    deleted: int
    # Articles to be deleted that were not there.
    unknown: int
    # Followed by another write of the same id.
    superseded: int
    rejected: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Dates:
    """The days that the dated articles lie between."""

    first: str | None
    last: str | None
    undated_passages: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Dropped:
    """A sentence that did not pass, as an event: why, and how many so far."""

    reason: str
    dropped: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoder:
    """The model that the index was built with."""

    name: str
    dim: int
    max_tokens: int
    weights_sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EventDate:
    """An expression of time in the quote and the days it means."""

    text: str
    start: int
    end: int
    # The first day; null where it cannot be told.
    first: str | None
    # The last day, included.
    last: str | None
    precision: str
    rule: str
    explanation: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FacetValue:
    """Hits of one name; an empty name counts those that have none."""

    name: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Facet:
    """How the hits of all pages are spread: adds up to `total`."""

    values: list[FacetValue]
    # Hits of names that are not listed.
    others: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Highlight:
    """Part of a passage worth marking."""

    start: int
    end: int
    kind: Literal["sentence", "word"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Interpretation:
    """A word of the question that was looked for in other ways too."""

    word: str
    # As the corpus writes them.
    also: list[str]
    # `spelling`: another spelling of a name; `slip`: what a misspelt word may mean.
    reason: Literal["spelling", "slip"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """A passage: `text` is `article.text[start:end]`, `sha256` is of its UTF-8."""

    id: str
    text: str
    start: int
    end: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Passages:
    """All passages of an article, in the order of its text."""

    passages: list[Passage]


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far the commit is that a write is part of."""

    stage: str
    done: int
    total: int | None


class RankingOptions(TypedDict, total=False):
    """How to rank, as that API has it."""

    # Makes no difference here.
    ranker: Literal["none", "auto", "default-2024-11-15"]
    # Leave out results that score less.
    score_threshold: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """Searches are answered."""

    status: Literal["ready"] = "ready"
    generation: int
    passages: int
    encoder: str
    # What an operator should look at although searches are answered.
    warnings: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejection:
    """A record that cannot be indexed."""

    # 1-based, of the body; null where that is one article.
    line: int | None
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """The parts of a score."""

    # Cosine of question and passage.
    dense: float
    # Cosine of question and the passage's nearest sentence.
    sentence: float
    # BM25 of the passage.
    lexical: float
    # What the order is made by; only for this question.
    fused: float
    # Of a reranker, if one ran.
    rerank: float | None


class SearchOptions(TypedDict, total=False):
    """A search, as POST takes it."""

    # `semantic` compares meaning, `keyword` words, `hybrid` both.
    mode: Literal["hybrid", "semantic", "keyword"]
    # Have the server's reader or cross-encoder judge the first passages; `auto`: as many as time allows.
    rerank: bool | Literal["auto"]
    # Hits on a page.
    limit: int
    # Published on or after this day, month or year: `2023-11-09`, `2023-11`, `2023`.
    date_from: str | None
    # Published on or before this day, month or year.
    date_to: str | None
    # Only these sources; can be repeated.
    source: list[str]
    # Only articles of which this holds: conditions on their properties, as JSON.
    filter: dict[str, Any] | None
    # As if it were then: without what can only have been published later.
    as_of: str | None
    # Answer from this state of the index, as the reply to page 1 named it, so that pages fit together; 410
    # when it is not kept any more.
    generation: int | None
    # Hits to pass over before the first.
    offset: int
    # Count the hits of all pages by these, separated by commas.
    facets: list[Literal["source", "month", "year", "language"]]
    # `article`: only the best passage of each article.
    group_by: Literal["article"] | None
    # `newest`, `oldest`: by date, of what scores at least a fifth of the best.
    sort: Literal["relevance", "newest", "oldest"]
    # Fold passages of nearly the same text into the best of them.
    collapse: bool
    # Leave out hits that score less.
    min_score: float
    # Spread out hits that say the same; 0: do not.
    diversity: float
    # Say of each hit why it stands where it stands.
    explain: bool
    # With each near-duplicate, its sentences that the hit's article lacks.
    differences: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchStep:
    """How the vectors of one segment are searched."""

    step: str
    passages: int
    # Share of the truly best k found, by k, measured at the build; none: all.
    recall: dict[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentence:
    """A sentence of an article: `text` is `article.text[start:end]`."""

    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Duplicate:
    """A passage folded into a hit because its text is nearly the same."""

    id: str
    article_id: str
    # Its sentences whose words stand nowhere in the hit's article; null: not asked for.
    differences: list[Sentence] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Why a hit stands where it stands: one kind of evidence."""

    part: str
    text: str
    # To `scores.fused`; null for what moved the hit afterwards.
    contribution: float | None
    # The evidence itself: a cosine, BM25, a raw score.
    value: float | None
    sentence: Sentence | None
    words: list[AskedWord]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """A ranked passage."""

    rank: int
    id: str
    article_id: str
    title: str
    url: str | None
    source: str | None
    # As exact as known: `2023-11-09`, `2023-11` or `2023`.
    published_at: str | None
    language: str | None
    text: str
    start: int
    end: int
    sha256: str
    # 0..1, comparable between questions.
    score: float
    scores: Scores
    highlights: list[Highlight]
    duplicates: list[Duplicate]
    # How many near-duplicates are folded behind the hit.
    duplicate_count: int
    # null: not asked for.
    explanation: list[Reason] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchReply:
    """The answer to a search."""

    query: str
    hits: list[Hit]
    # Hits on all pages, among the candidates looked at.
    total: int
    # `gte`: there may be more.
    total_relation: Literal["eq", "gte"]
    offset: int
    limit: int
    took_ms: float
    # The state of the index that answered.
    generation: int
    # If the corpus seems to answer; null: no question was asked.
    answerable: bool | None
    # The chance that it does, 0 to 1; null as `answerable`.
    answer_probability: float | None
    # The question with its misspelt words mended; null: none was seen.
    did_you_mean: str | None
    # What was looked for beside the words asked.
    interpretations: list[Interpretation]
    warnings: list[str]
    # Left out unless asked for.
    facets: dict[str, Facet] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchReply:
    """The answers to a batch, in the order of its requests."""

    replies: list[SearchReply]


class SimilarOptions(TypedDict, total=False):
    """What the hits are to be like: exactly one of passage_id, article_id and text."""

    # Hits on a page.
    limit: int
    # Published on or after this day, month or year: `2023-11-09`, `2023-11`, `2023`.
    date_from: str | None
    # Published on or before this day, month or year.
    date_to: str | None
    # Only these sources; can be repeated.
    source: list[str]
    # Only articles of which this holds: conditions on their properties, as JSON.
    filter: dict[str, Any] | None
    # As if it were then: without what can only have been published later.
    as_of: str | None
    # Answer from this state of the index, as the reply to page 1 named it, so that pages fit together; 410
    # when it is not kept any more.
    generation: int | None
    # Hits to pass over before the first.
    offset: int
    # Count the hits of all pages by these, separated by commas.
    facets: list[Literal["source", "month", "year", "language"]]
    # `article`: only the best passage of each article.
    group_by: Literal["article"] | None
    # `newest`, `oldest`: by date, of what scores at least a fifth of the best.
    sort: Literal["relevance", "newest", "oldest"]
    # Fold passages of nearly the same text into the best of them.
    collapse: bool
    # Leave out hits that score less.
    min_score: float
    # Spread out hits that say the same; 0: do not.
    diversity: float
    # Say of each hit why it stands where it stands.
    explain: bool
    # With each near-duplicate, its sentences that the hit's article lacks.
    differences: bool
    # The `id` of a hit.
    passage_id: str | None
    # All passages of an article.
    article_id: str | None
    # Any text, as long as a question.
    text: str | None
    # Leave out the article that was named, or whose passage was.
    exclude_same_article: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """The part of the answer that says it shortest."""

    text: str
    start: int
    end: int
    # What it is: a person, a place, a number, a date, a reason.
    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The sentence that answers."""

    text: str
    article_id: str
    start: int
    end: int
    sha256: str
    verified: bool
    # As exact as known: `2023-11-09`, `2023-11` or `2023`.
    published_at: str | None
    span: Span | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Speaker:
    """Who says it, as the article names them."""

    name: str
    start: int
    end: int
    # The word that tells it: `said`, `according to`.
    cue: str
    # `pronoun` or `continued`: named before; null where name and cue stand together.
    resolved: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Citation:
    """A sentence of an article: `quote` is `article.text[start:end]`, `sha256` is of its UTF-8."""

    article_id: str
    passage_id: str
    title: str
    url: str | None
    source: str | None
    # As exact as known: `2023-11-09`, `2023-11` or `2023`.
    published_at: str | None
    start: int
    end: int
    quote: str
    sha256: str
    # The quote was read anew from the store and compared.
    verified: bool
    speaker: Speaker | None
    event_dates: list[EventDate]


@dataclass(frozen=True, slots=True, kw_only=True)
class Disagreement:
    """Another figure for the same thing."""

    answer_says: str
    other_says: str
    citation: Citation


@dataclass(frozen=True, slots=True, kw_only=True)
class Stats:
    """What the index holds."""

    generation: int
    created_at: str
    articles: int
    passages: int
    sentences: int
    segments: int
    search_steps: list[SearchStep]
    index_bytes: int
    encoder: Encoder
    dates: Dates
    sources: list[Count]
    languages: list[Count]
    years: list[Count]


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """How a beginning may go on."""

    text: str
    # What the completed part is.
    kind: Literal["name", "word", "title"]
    # That hold the completed part, so written.
    articles: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestions:
    """Completions, in most articles first."""

    query: str
    suggestions: list[Suggestion]


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A write, and how far it is."""

    id: str
    # `done`: searches see it. `failed`: nothing of it was done, see `note`.
    state: Literal["waiting", "running", "done", "failed"]
    kind: Literal["article", "articles", "deletion"]
    accepted_at: str
    finished_at: str | None
    records: int
    # Null until it is done.
    counts: Counts | None
    # The first thousand.
    rejections: list[Rejection]
    # The first state of the index that holds it.
    generation: int | None
    progress: Progress | None
    # Why it failed, or what it waits for.
    note: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class VectorStoreResult:
    """A passage, as a part of a file."""

    # The article's id.
    file_id: str
    # The article's title; its id where it has none.
    filename: str
    score: float
    # What a citation needs, and of the metadata what has room: at most 16 keys.
    attributes: dict[str, str | int | float | bool]
    content: list[Content]


@dataclass(frozen=True, slots=True, kw_only=True)
class VectorStorePage:
    """A page of results."""

    object: Literal["vector_store.search_results.page"] = "vector_store.search_results.page"
    search_query: list[str]
    data: list[VectorStoreResult]
    has_more: bool
    # Give it as `page` for what follows.
    next_page: str | None
    # Not in that API.
    warnings: list[str]


class VectorStoreOptions(TypedDict, total=False):
    """A search of a vector store."""

    # Only articles of which this holds: a comparison, or several joined.
    filters: dict[str, Any] | None
    # Results on a page.
    max_num_results: int
    ranking_options: RankingOptions | None
    # Nothing is rewritten here; a warning says so.
    rewrite_query: bool
    # `next_page` of the reply before. Not in that API.
    page: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """Whether a citation is what the article says."""

    verified: bool
    reason: Literal["matches", "moved", "differs", "out of range", "no such article"]
    # What stands there; null unless the place exists.
    quote: str | None
    # Where the quote stands: elsewhere if it has moved.
    start: int | None
    end: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class WritingWarning:
    """Why nothing was written, or not all, as an event."""

    warning: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WritingDone:
    """The last event."""

    sentences: int
    dropped: int
    model: str | None
    took_ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenSentence:
    """A sentence in the language model's words. Every citation was checked."""

    text: str
    citations: list[Citation]


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What the language model wrote, as far as it passed the check."""

    text: str
    sentences: list[WrittenSentence]
    # Sentences that did not pass and are not shown.
    dropped: int
    model: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AskReply:
    """The answer to a question, or that the articles do not say."""

    question: str
    # null: the articles do not say.
    answer: Answer | None
    answerable: bool
    # The chance that the answer is right, 0 to 1.
    confidence: float
    # Sources that say it; copies of one text count once.
    independent_sources: int
    # The answer's own first, then who agrees.
    citations: list[Citation]
    disagreements: list[Disagreement]
    # Of a later day, with another figure or a word of correction.
    newer: list[Citation]
    # The nearest passages, as a search ranks them, and as the reader judged them.
    hits: list[Hit]
    generation: int
    took_ms: float
    did_you_mean: str | None
    warnings: list[str]
    # null unless asked for with `write`; then a warning says why there is none.
    written: Written | None
