"""Sentences for values that a validation refuses: the value, what is expected, and an example."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from pydantic_core import ErrorDetails

# The words of each pattern that a key declares; a test compares them with the models.
PATTERNS: Mapping[str, str] = MappingProxyType(
    {
        r"^[A-Z]{3}$": "three capital letters such as EUR",
        r"^[a-z][a-z0-9_]*$": "lower-case letters, digits and _ after a first letter, such as orders_2023",
        r"^[a-z][a-z0-9_]{0,62}$": "1 to 63 lower-case letters, digits and _, a letter first: win_back",
        r"^[A-Z][A-Z0-9_]*$": "the name of an environment variable in capital letters, such as SHOP_TOKEN",
        r"^[A-Za-z0-9_.-]{8,64}$": "8 to 64 letters, digits, '_', '.' and '-', such as holdout--2026-01",
        r"^[^\s@]+@[^\s@]+$": "an e-mail address such as shop@example.org",
    }
)
_DATE = "a date such as 2024-01-31"
_EXPECTED: Mapping[str, Callable[[Mapping[str, Any]], str]] = MappingProxyType(
    {
        "literal_error": lambda bound: f"one of {str(bound['expected']).replace(' or ', ', ')}",
        "string_pattern_mismatch": lambda bound: PATTERNS[str(bound["pattern"])],
        "string_type": lambda _: "a text: put it in quotes if it is one",
        "string_too_short": lambda bound: f"a text of at least {bound['min_length']} characters",
        "string_too_long": lambda bound: f"a text of at most {bound['max_length']} characters",
        "too_short": lambda bound: f"a list of at least {bound['min_length']} entries",
        "bool_type": lambda _: "yes or no",
        "bool_parsing": lambda _: "yes or no",
        "greater_than": lambda bound: f"a number above {bound['gt']:g}",
        "greater_than_equal": lambda bound: f"a number of at least {bound['ge']:g}",
        "less_than": lambda bound: f"a number below {bound['lt']:g}",
        "less_than_equal": lambda bound: f"a number of at most {bound['le']:g}",
        "finite_number": lambda _: "a finite number",
    }
)
_BY_KIND: Mapping[str, str] = MappingProxyType(
    {
        "date": _DATE,
        "datetime": _DATE,
        "int": "a whole number",
        "float": "a number",
        "bool": "yes or no",
        "tuple": "a list, with '- ' before each entry",
        "mapping": "a list of keys, each with its value",
        "dict": "a list of keys, each with its value",
        "model": "a list of keys, each with its value",
        "path": "a path",
    }
)
# Values of these may be a secret that was typed where the name of its variable belongs.
_MAY_BE_SECRET = frozenset({"database", "rest", "alerts", "smtp"})


def refused_value(error: ErrorDetails, *, shows_value: bool = True) -> str:
    """The sentence about a refused value: the value itself, unless it may be a secret, and what is expected.

    Args:
        error: One error of a validation.
        shows_value: ``False`` for values from the environment, any of which may be a key.

    >>> refused_value({"type": "date_parsing", "loc": ("last_day",), "input": "22.08.2011", "msg": ""})
    "'22.08.2011' is not a date such as 2024-01-31"
    """
    if error["type"] == "value_error":
        return error["msg"].removeprefix("Value error, ")
    given = error["input"]
    is_shown = (
        shows_value
        and isinstance(given, str | int | float)
        and _MAY_BE_SECRET.isdisjoint(map(str, error["loc"]))
    )
    return f"{repr(given) if is_shown else 'its value'} is not {_expected(error)}"


def _expected(error: ErrorDetails) -> str:
    kind = error["type"]
    if kind in _EXPECTED:
        return _EXPECTED[kind](error.get("ctx", {}))
    # The types that remain are named by what they could not read: date_parsing, int_from_float, tuple_type.
    return _BY_KIND.get(kind.split("_")[0], "a value that this key can have: its page of the docs says which")
