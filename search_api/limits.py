"""How much one search may ask for. (what was asked, Settings) -> nothing, or InputError"""

from passage_index.errors import InputError
from passage_index.filters import Filter, count_conditions, count_values
from search_api.settings import Settings


def require_within_limits(
    limit: int, offset: int, question: str, filter_: Filter | None, settings: Settings
) -> None:
    """Raises InputError beyond the settings' limits."""
    for name, found, most in (
        ("limit", limit, settings.max_limit),
        ("offset", offset, settings.max_offset),
        ("the length of q", len(question), settings.max_question_chars),
        ("the conditions of filter", count_conditions(filter_), settings.max_filter_conditions),
        ("the values of filter", count_values(filter_), settings.max_filter_values),
    ):
        if found > most:
            raise InputError(f"{name} can be at most {most} here")
