"""What a noun in a question asks for: `which city` a place, `what was the price` money. Singular, lower case.

Knows no grammar; `expectation.py` finds the noun. Each list once.
"""

from search_api.reading.known_names import ORGANISATION_WORDS, PLACE_WORDS, TITLES
from search_api.reading.units import UNITS, QuantityKind


def _words(listed: str) -> frozenset[str]:
    return frozenset(listed.split())


PERSON_NOUNS = TITLES | _words(
    """
    person man woman boy girl child baby people someone somebody individual character hero villain winner
    loser player champion star celebrity politician candidate nominee voter citizen civilian resident
    villager tourist visitor customer employee worker boss employer owner partner spouse wife husband
    friend colleague rival opponent enemy victim suspect killer murderer thief attacker gunman witness
    survivor refugee migrant immigrant soldier troop fighter warrior pilot sailor hunter fisherman miner
    engineer builder inventor designer artist sculptor photographer filmmaker producer dancer novelist
    playwright critic editor publisher scholar researcher biologist physicist chemist mathematician
    astronomer psychologist sociologist anthropologist archaeologist theologian priest monk nun missionary
    prophet god goddess saint ruler monarch heir successor predecessor ancestor descendant parent
    grandfather grandmother grandson cousin sibling twin lover student pupil graduate member official
    politician senator lawmaker diplomat spokesperson commander negotiator protester demonstrator rebel
    insurgent terrorist hostage prisoner patient surgeon physician expert specialist consultant adviser
    advisor broker trader banker investor entrepreneur businessman athlete runner swimmer boxer golfer
    cyclist racer footballer cricketer goalscorer referee umpire captain crew author vocalist frontman
    bassist performer comedian host presenter guest speaker narrator translator
    """
)
PLACE_NOUNS = PLACE_WORDS | _words(
    """
    place location site area zone spot country nation continent capital hometown birthplace city town
    village neighbourhood neighborhood suburb metropolis settlement colony kingdom empire republic land
    homeland territory room building hotel restaurant house home venue arena theatre theater prison camp
    cemetery market mall shop store planet galaxy destination origin headquarters border side coast shore
    address port base field court farm factory mine quarry peak summit glacier waterfall pond marsh jungle
    rainforest planet
    """
)
ORGANISATION_NOUNS = ORGANISATION_WORDS | _words(
    """
    organisation organization company firm business corporation manufacturer maker brand developer
    retailer airline carrier broadcaster channel station network magazine newspaper paper publication
    website label agency body institution charity nonprofit ngo foundation union federation league team
    club side squad band orchestra party faction coalition alliance movement government ministry
    department administration military army navy regiment unit militia gang cartel tribe church
    denomination sect order religion university college school laboratory hospital museum bank fund court
    parliament legislature congress senate
    """
) - _words("station side unit court house statement report study")
DATE_NOUNS = {
    "year": "year", "date": "day", "day": "day", "month": "month", "decade": "year", "century": "year",
    "time": "time", "hour": "time", "season": "month", "weekday": "day", "era": "year", "period": "year",
    "birthday": "day", "deadline": "day", "anniversary": "day",
}  # fmt: skip
REASON_NOUNS = _words(
    "reason cause motive purpose motivation rationale explanation excuse basis factor aim goal"
)
MANNER_NOUNS = _words("way method means manner technique process procedure mechanism approach strategy")
NAME_OF = _words("name title surname nickname pseudonym identity type kind sort list")
# Whoever asks for people is served by residents, soldiers and workers.
PEOPLE = _words("person people individual victim casualty human man woman dead death")

MEASURES: dict[str, tuple[QuantityKind, ...]] = {
    "number": ("count",), "amount": ("money", "mass", "volume", "count"), "total": ("count", "money"),
    "count": ("count",), "quantity": ("count", "mass", "volume"), "population": ("count",),
    "size": ("area", "count", "length"), "percentage": ("percent", "share"),
    "percent": ("percent", "share"), "proportion": ("share", "percent"), "fraction": ("share", "percent"),
    "share": ("percent", "share"), "rate": ("percent", "count"), "ratio": ("share",),
    "majority": ("percent", "share"), "score": ("count",), "age": ("age", "duration"),
    "height": ("length",), "length": ("length", "duration"), "width": ("length",), "depth": ("length",),
    "distance": ("length",), "altitude": ("length",), "elevation": ("length",), "radius": ("length",),
    "diameter": ("length",), "range": ("length", "temperature"), "weight": ("mass",), "mass": ("mass",),
    "speed": ("speed",), "velocity": ("speed",), "temperature": ("temperature",), "area": ("area",),
    "volume": ("volume",), "capacity": ("count", "volume", "power"), "duration": ("duration",),
    "lifespan": ("duration",), "cost": ("money",), "price": ("money",), "budget": ("money",),
    "salary": ("money",), "income": ("money",), "revenue": ("money",), "profit": ("money",),
    "loss": ("money", "count"), "fine": ("money",), "wage": ("money",), "value": ("money", "count"),
    "debt": ("money",), "gdp": ("money",), "toll": ("count",), "attendance": ("count",),
    "turnout": ("percent", "count"), "density": ("count",), "magnitude": ("count",),
    "dimension": ("length",),
}  # fmt: skip
HOW: dict[str, tuple[QuantityKind, ...]] = {
    "many": ("count", "share", "percent"),
    "much": ("money", "mass", "volume", "percent", "share", "power", "area"),
    "long": ("duration", "length"), "far": ("length",), "old": ("age", "duration"), "tall": ("length",),
    "high": ("length",), "deep": ("length",), "wide": ("length",), "thick": ("length",), "fast": ("speed",),
    "quickly": ("duration", "speed"), "slow": ("speed",), "hot": ("temperature",), "cold": ("temperature",),
    "warm": ("temperature",), "big": ("area", "length", "count"),
    "large": ("area", "count", "length", "volume"), "small": ("area", "count", "length"),
    "heavy": ("mass",), "often": ("duration", "count"), "soon": ("duration",), "late": ("duration",),
    "expensive": ("money",), "close": ("length",), "frequently": ("duration", "count"),
}  # fmt: skip


def measure_of(noun: str) -> tuple[QuantityKind, ...]:
    """`mile` -> ("length",); a noun that is no unit -> ()."""
    unit = UNITS.get(noun) or UNITS.get(noun + "s")
    return (unit.kind,) if unit else ()
