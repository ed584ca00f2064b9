"""Personal columns stay outside: they are not read, and not shown when something is wrong."""

from collections.abc import Sequence

from assets.ingest.files import Unreadable
from assets.ingest.sources import Source

WITHHELD = "withheld: the file has personal columns"


def without_personal(source: Source, names: list[str]) -> list[str]:
    """``names`` without the personal ones.

    Raises:
        Unreadable: when one declared personal is not there: under another name it would be kept.
    """
    personal = {name.lower() for name in source.pii}
    absent = personal - {name.lower() for name in names}
    if absent:
        raise Unreadable(
            f"pii names {', '.join(sorted(absent))}, which the file does not have; {has(source, names)}"
        )
    return [name for name in names if name.lower() not in personal]


def has(source: Source, names: Sequence[str]) -> str:
    """What columns a file has, in words.

    The first line of a file without a header is somebody's data, so of a source with personal columns
    it is shown only when at least one of its own columns is in it.
    """
    known = {word.lower() for word in (*source.pii, *source.columns)}
    known |= {sql.strip('"').lower() for sql in source.columns.values()}
    if source.pii and known.isdisjoint(name.lower() for name in names):
        return f"it has {len(names)} other columns, not shown because they may be personal"
    return f"it has {', '.join(names)}" if names else "it has none"
