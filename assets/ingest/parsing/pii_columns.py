"""Personal (PII) columns: excluded from reading, and from messages about faulty files."""

from collections.abc import Sequence

from assets.ingest.parsing.files import SourceFile, Unreadable
from assets.keys import PREFIX

WITHHELD = "withheld: the file has personal columns"
# In a pseudonymised file: no id at all, and an id that cannot be read.
NOBODY, UNCLEAR = f"{PREFIX}nobody", f"{PREFIX}unclear"


def without_personal(file: SourceFile, names: list[str]) -> list[str]:
    """Remove the personal columns from ``names``; a column whose ids tokens replace stays.

    Raises:
        Unreadable: when a declared personal column is absent: under another name it would be kept.
    """
    personal = {name.lower() for name in file.source.pii}
    absent = personal - {name.lower() for name in names}
    if absent:
        raise Unreadable(
            f"pii names {', '.join(sorted(absent))}, which the file does not have; "
            f"{describe_columns(file, names)}"
        )
    unread = personal - {(file.id_column or "").lower()}
    return [name for name in names if name.lower() not in unread]


def describe_columns(file: SourceFile, names: Sequence[str]) -> str:
    """Describe the columns of a file in words.

    In a file without a header the first line is a customer's data. For a source with personal columns the
    names are therefore shown only when at least one of the mapped columns is among them.
    """
    source = file.source
    known = {word.lower() for word in (*source.pii, *source.columns)}
    known |= {sql.strip('"').lower() for sql in source.columns.values()}
    if not file.shows_text and known.isdisjoint(name.lower() for name in names):
        return f"it has {len(names)} other columns, not shown because they may be personal"
    return f"it has {', '.join(names)}" if names else "it has none"
