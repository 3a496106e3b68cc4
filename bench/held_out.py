"""A copy of an index without some of its articles, and these as files: so that they can come as new ones.

The copy has hard links to the index, which stays as it is, and a cache of its own: the models, but no
vector. INDEX -> Base
"""

import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from indexer.backup import backup
from indexer.build import BuildOptions
from indexer.growing import delete, merge
from indexer.living import LivingArticles
from indexer.merging import MAX_SEGMENTS
from indexer.progress import shown
from passage_index import directory
from passage_index.errors import InputError
from passage_index.model_files import default_cache
from passage_index.transformer import load_indexed_encoder
from passage_index.types import Article

QUESTIONS, QUESTION_WORDS = 5000, 8
DELETED = 10


@dataclass(frozen=True, slots=True)
class Base:
    """A copy of an index to be changed, and what is to be added to it."""

    index: Path
    cache: Path
    new: Path  # articles that are not in the copy
    nicely: Path  # a quarter as many more
    batches: list[Path]  # and more, a few each
    doomed: list[str]  # ids of articles that are in it
    questions: list[str]


def held_out(source: Path, scratch: Path, count: int, small: int) -> Base:
    """Copy an index and take articles out of the copy, so that they can come back as new ones."""
    dice = random.Random(1)
    generation = directory.current(source)
    quarter = max(count // 4, 1)
    most = count + quarter + (MAX_SEGMENTS + 1) * small + DELETED
    if generation.manifest.articles < 2 * most:
        raise InputError(
            f"{source} holds {generation.manifest.articles:,} articles; at least {2 * most:,} are needed"
        )
    chosen = dice.sample(range(generation.manifest.articles), most)
    with LivingArticles(generation) as living:
        picked, questions = _drawn((article for article, _ in living.articles()), set(chosen), dice)
    new, nicely, rest = picked[:count], picked[count : count + quarter], picked[count + quarter : -DELETED]
    index, options = scratch / "index", BuildOptions(cache=scratch / "cache", keep=1, merge=False)
    with shown() as progress:
        backup(source, index, progress)
        delete([article.id for article in new + nicely + rest], index, options)
        merge(index, options, progress=progress)
    models = default_cache() / "encoders"
    models.mkdir(parents=True, exist_ok=True)
    (scratch / "cache" / "encoders").symlink_to(models)
    load_indexed_encoder(generation.manifest.encoder)  # converts it, where that was never done
    batches = [rest[at : at + small] for at in range(0, len(rest), small)]
    files = [
        written_articles(scratch / f"{at}.jsonl", part) for at, part in enumerate([new, nicely, *batches])
    ]
    doomed = [article.id for article in picked[-DELETED:]]
    return Base(index, scratch / "cache", files[0], files[1], files[2:], doomed, questions)


def _drawn(
    articles: Iterator[Article], chosen: set[int], dice: random.Random
) -> tuple[list[Article], list[str]]:
    """The chosen ones in an order of chance, and questions: words that follow each other in some article."""
    picked, questions = [], []
    for number, article in enumerate(articles):
        if number in chosen:
            picked.append(article)
        words = article.text.split()
        start = dice.randrange(max(len(words) - QUESTION_WORDS, 1))
        questions.append(" ".join(words[start : start + QUESTION_WORDS]))
    dice.shuffle(picked)
    dice.shuffle(questions)
    asked = [one for one in questions if any(c.isalnum() for c in one)]
    return picked, [one.replace('"', "").replace("+", "").replace(" -", " ") for one in asked[:QUESTIONS]]


def written_articles(file: Path, articles: Sequence[Article]) -> Path:
    """Articles as JSON lines that say all that is stored of them."""
    with file.open("w", encoding="utf-8") as lines:
        for one in articles:
            record = {
                "_id": one.id, "title": one.title, "text": one.text, "lang": one.language, "url": one.url,
                "date": str(one.published) if one.published else None, "source": one.source, **one.metadata,
            }  # fmt: skip
            lines.write(json.dumps(record, ensure_ascii=False) + "\n")
    return file
