"""Every error this project raises on purpose.

    SearchEngineError
    ├── InputError              what was asked for cannot be done: wrong path, option, id (exit 2)
    │   ├── DuplicateArticle    one article id stands in two files
    │   └── NoSpace             the disk has too little room for what was asked
    ├── RecordsRejected         --strict, and at least one record was rejected (exit 1)
    ├── IndexLocked             another writer holds the index (exit 4)
    ├── EncoderMismatch         the index was built with another encoder (exit 5)
    ├── FormatMismatch          the index has a format this version does not read (exit 5)
    ├── EncoderUnavailable      the model cannot be found, loaded or trusted (exit 5)
    ├── CorruptIndex            a file of the index is not what its manifest says (exit 6)
    ├── WriteFailed             the disk refused a write; nothing was committed (exit 1)
    ├── ClusterUnavailable      Milvus does not answer, or not wholly (exit 1)
    ├── InboxFull               so many writes wait that no more are taken for now (exit 1)
    ├── Abandoned               nobody waits for the result any more (exit 1)
    └── NotFound                no such article, passage or index

A message says what was found, what was expected and the command that mends it.
"""


class SearchEngineError(Exception):
    """Root of the tree. `exit_code` is what the commands end with."""

    exit_code = 1


class InputError(SearchEngineError):
    """What was asked for cannot be done."""

    exit_code = 2


class DuplicateArticle(InputError):
    """One article id stands in two files."""


class NoSpace(InputError):
    """The disk has too little room for what was asked."""


class RecordsRejected(SearchEngineError):
    """A strict run met a record that cannot be indexed."""


class IndexLocked(SearchEngineError):
    """Another writer holds the index."""

    exit_code = 4


class EncoderMismatch(SearchEngineError):
    """Vectors of two encoders cannot be compared."""

    exit_code = 5


class FormatMismatch(SearchEngineError):
    """The index has a format this version does not read."""

    exit_code = 5


class EncoderUnavailable(SearchEngineError):
    """The model cannot be found, loaded or trusted."""

    exit_code = 5


class CorruptIndex(SearchEngineError):
    """A file of the index is not what its manifest says."""

    exit_code = 6


class WriteFailed(SearchEngineError):
    """The disk refused a write."""


class ClusterUnavailable(SearchEngineError):
    """Milvus does not answer, or not wholly."""


class InboxFull(SearchEngineError):
    """So many writes wait that no more are taken for now."""


class Abandoned(SearchEngineError):
    """Nobody waits for the result any more: the client hung up, or its time was up."""


class NotFound(SearchEngineError):
    """No such article, passage or index."""


MEND = (
    "`indexer verify` tells more, `indexer rollback` goes back to an older generation, a new build mends it"
)
