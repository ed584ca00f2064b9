"""What is wrong with a declaration, in one line with its remedy."""

import difflib
from collections.abc import Collection, Mapping

from pydantic_core import ErrorDetails

from assets.ingest.config.contract import Contract
from assets.ingest.config.pull import Declaration


def one_line(error: ErrorDetails, parts: Mapping[str, type[Declaration]], *, whole: type[Declaration]) -> str:
    """``error`` with its place and, for a key that is not known, the keys that are.

    ``parts`` are the declarations inside ``whole``, by the key under which they are written.
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
    """Let only columns of ``contract`` be mapped.

    Raises:
        ValueError: naming the first unknown column and the known ones.
    """
    names = [column.name for column in contract.columns]
    for name in columns:
        if name not in names:
            raise ValueError(f"unknown key 'columns.{name}'; it is not {one_of(name, names)}")


def one_of(word: str, known: Collection[str]) -> str:
    """``known`` as words, with the one most like ``word`` proposed first."""
    near = difflib.get_close_matches(word, list(known), n=1)
    listed = f"one of {', '.join(known)}"
    return f"{listed}: did you mean {near[0]!r}?" if near else listed
