"""What the tests of ranking share: a Pool made of plain lists, as a snapshot would give it."""

from collections.abc import Sequence

import numpy as np

from passage_index.backend import Pool


def pool_of(
    ids: Sequence[str],
    dense: Sequence[float] | None = None,
    sentence: Sequence[float] | None = None,
    lexical: Sequence[float] | None = None,
    article_lexical: Sequence[float] | None = None,
    article: Sequence[int] | None = None,
    signature: np.ndarray | None = None,
    terms: int = 3,
    rarest_idf: float = 8.0,
) -> Pool:
    """Whatever is left out is 0; articles are all different and no two passages alike."""
    count = len(ids)

    def scores(given: Sequence[float] | None) -> np.ndarray:
        return np.zeros(count) if given is None else np.array(given, dtype=np.float64)

    unlike = np.random.default_rng(5).integers(0, 2**16, (count, 64)).astype(np.uint16)
    return Pool(
        rows=np.arange(count),
        ids=list(ids),
        dense=scores(dense),
        sentence=scores(sentence),
        lexical=scores(lexical),
        article_lexical=scores(article_lexical),
        article=np.array(range(count) if article is None else article, dtype=np.uint64),
        first_day=np.zeros(count, dtype=np.int32),
        last_day=np.zeros(count, dtype=np.int32),
        signature=unlike if signature is None else signature,
        terms=terms,
        rarest_idf=rarest_idf,
    )
