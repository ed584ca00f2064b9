"""Validation errors of a YAML in one line each, with the remedy."""

import difflib
from collections.abc import Collection, Mapping

from pydantic_core import ErrorDetails

from assets.ingest.config.contract import Contract
from assets.ingest.config.pull import Declaration


def one_line(error: ErrorDetails, parts: Mapping[str, type[Declaration]], *, whole: type[Declaration]) -> str:
    """Format a validation error: its place and, for an unknown key, the known keys.

    Args:
        error: The error, from pydantic.
        parts: Declarations nested in ``whole``, by their YAML key.
        whole: The declaration of the whole YAML.
    """
    keys = [str(part) for part in error["loc"]]
    where = ".".join(keys)
    match error["type"]:
        case "extra_forbidden":
            part = next((parts[key] for key in reversed(keys[:-1]) if key in parts), whole)
            return f"unknown key {where!r}; it is not {one_of(keys[-1], part.written_keys())}"
        case "missing":
            return f"key {where!r} is missing; add it"
        case _:
            return f"{where or 'business'}: {error['msg'].removeprefix('Value error, ')}"


def refuse_unknown(columns: Mapping[str, str], contract: Contract) -> None:
    """Refuse mapped columns that are not in ``contract``.

    Raises:
        ValueError: naming the first unknown column and the known ones.
    """
    names = [column.name for column in contract.columns]
    for name in columns:
        if name not in names:
            raise ValueError(f"unknown key 'columns.{name}'; it is not {one_of(name, names)}")


def one_of(word: str, known: Collection[str]) -> str:
    """List the words in ``known``, and suggest the one closest to ``word``."""
    near = difflib.get_close_matches(word, list(known), n=1)
    listed = f"one of {', '.join(known)}"
    return f"{listed}: did you mean {near[0]!r}?" if near else listed
