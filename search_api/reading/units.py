"""Units of measure: how they are written, what they measure, and how much of the base unit each is.

Base units: m, m², L, kg, s, °C, m/s, W, %, and the currency itself. Knows no numbers.
"""

from dataclasses import dataclass
from typing import Literal

QuantityKind = Literal[
    "count", "share", "money", "percent", "length", "area", "volume", "mass", "duration", "temperature",
    "speed", "power", "age",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Unit:
    """value × factor + shift is in the base unit `base`."""

    kind: QuantityKind
    base: str
    factor: float = 1.0
    shift: float = 0.0


def _units(kind: QuantityKind, base: str, listed: dict[str, float]) -> dict[str, Unit]:
    return {word: Unit(kind, base, factor) for words, factor in listed.items() for word in words.split("|")}


_DAY_S = 86_400.0
_YEAR_S = 365.25 * _DAY_S

_LENGTH = _units("length", "m", {
    "m|metre|metres|meter|meters|м|метр|метра|метрів|метров": 1,
    "km|kms|kilometre|kilometres|kilometer|kilometers": 1000,
    "км|кілометр|кілометри|кілометрів|километров|километра": 1000,
    "cm|centimetre|centimetres|centimeter|centimeters": 0.01,
    "mm|millimetre|millimetres|millimeter|millimeters": 0.001,
    "mile|miles": 1609.344, "ft|foot|feet": 0.3048, "inch|inches": 0.0254, "yard|yards|yd": 0.9144,
    "nautical mile|nautical miles": 1852, "light year|light years": 9.4607e15,
})  # fmt: skip
_AREA = _units("area", "m²", {"hectare|hectares|ha|гектарів|гектаров": 10_000, "acre|acres": 4046.856})
_AREA |= {
    f"{word} {name}": Unit("area", "m²", unit.factor**2)
    for name, unit in _LENGTH.items() for word in ("square", "sq")
}  # fmt: skip
_VOLUME = _units("volume", "L", {
    "litre|litres|liter|liters|l": 1, "ml|millilitre|millilitres|milliliter|milliliters": 0.001,
    "gallon|gallons": 3.785412, "barrel|barrels": 158.987, "pint|pints": 0.473176,
})  # fmt: skip
_VOLUME |= {f"cubic {name}": Unit("volume", "L", 1000 * unit.factor**3) for name, unit in _LENGTH.items()}
_MASS = _units("mass", "kg", {
    "kg|kgs|kilogram|kilograms|kilogramme|kilogrammes|kilo|kilos|кг": 1, "g|gram|grams|gramme|grammes": 0.001,
    "mg|milligram|milligrams": 1e-6, "tonne|tonnes|ton|tons|t|т|тонн|тонни": 1000,
    "lb|lbs|pound|pounds": 0.453592,
    "ounce|ounces|oz": 0.0283495, "stone": 6.35029,
})  # fmt: skip
_DURATION = _units("duration", "s", {
    "second|seconds|sec|secs|секунд": 1, "minute|minutes|min|mins|хвилин|минут": 60,
    "hour|hours|годин|часов": 3600,
    "day|days|дні|днів|дней": _DAY_S, "week|weeks|тижнів|недель": 7 * _DAY_S, "fortnight": 14 * _DAY_S,
    "month|months|місяців|месяцев": _YEAR_S / 12, "year|years|років|лет|роки|года": _YEAR_S,
    "decade|decades": 10 * _YEAR_S, "century|centuries": 100 * _YEAR_S,
})  # fmt: skip
_SPEED = _units("speed", "m/s", {
    "mph|miles per hour|miles an hour": 0.44704,
    "kph|kmh|kilometres per hour|kilometers per hour|kilometres an hour": 1 / 3.6,
    "metres per second|meters per second": 1, "knot|knots": 0.514444,
    "km / h": 1 / 3.6, "m / s": 1, "км / год": 1 / 3.6, "км / ч": 1 / 3.6,
})  # fmt: skip
_POWER = _units("power", "W", {
    "watt|watts": 1, "kw|kilowatt|kilowatts": 1e3, "mw|megawatt|megawatts": 1e6, "gw|gigawatt|gigawatts": 1e9,
})  # fmt: skip
_FAHRENHEIT = Unit("temperature", "°C", 5 / 9, -160 / 9)
_TEMPERATURE = _units("temperature", "°C", {
    "° c|degrees celsius|degree celsius|degrees c|degrees centigrade|celsius|градусів|градусов": 1,
})  # fmt: skip
_TEMPERATURE |= {
    name: Unit("temperature", "°C", 5 / 9, -160 / 9)
    for name in ("° f", "degrees fahrenheit", "degree fahrenheit", "degrees f", "fahrenheit")
}
_DEGREES = _units("temperature", "degrees", {"degree|degrees|°": 1})
_PERCENT = _units(
    "percent", "%", {"%|percent|per cent|pct|відсотків|відсотка|відсотки|процентов|процента": 1}
)
_POINTS = _units(
    "percent", "points", {"percentage point|percentage points": 1, "basis point|basis points": 0.01}
)

CURRENCY_SIGNS = {"$": "USD", "€": "EUR", "£": "GBP", "¥": "JPY", "₴": "UAH", "₽": "RUB", "₹": "INR"}
# Letters before a dollar sign: US$, A$.
DOLLARS = {
    "us": "USD",
    "a": "AUD",
    "au": "AUD",
    "c": "CAD",
    "ca": "CAD",
    "nz": "NZD",
    "hk": "HKD",
    "s": "SGD",
}
_CODES = "usd eur gbp uah rub jpy cny inr chf aud cad pln".split()
_MONEY_WORDS = {
    "USD": "dollar dollars доларів долларов", "EUR": "euro euros євро евро", "GBP": "sterling",
    "UAH": "hryvnia hryvnias гривень гривні грн", "RUB": "rouble roubles ruble rubles рублів рублей",
    "JPY": "yen", "CNY": "yuan renminbi", "INR": "rupee rupees", "PLN": "zloty zlotys",
    "crown": "crown crowns", "franc": "franc francs", "peso": "peso pesos", "lira": "lira",
}  # fmt: skip
_MONEY = {code: Unit("money", code.upper()) for code in _CODES}
_MONEY |= {name: Unit("money", base) for base, listed in _MONEY_WORDS.items() for name in listed.split()}
_MONEY |= {"cents": Unit("money", "USD", 0.01), "us dollars": Unit("money", "USD")}

UNITS: dict[str, Unit] = {
    **_LENGTH, **_AREA, **_VOLUME, **_MASS, **_DURATION, **_SPEED, **_POWER, **_DEGREES, **_TEMPERATURE,
    **_PERCENT, **_POINTS, **_MONEY,
}  # fmt: skip
LONGEST_UNIT = max(len(name.split()) for name in UNITS)
POUNDS_ARE_MONEY_FROM = 100_000
