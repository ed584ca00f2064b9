"""Scan of every file, compressed contents included, for the bytes of known personal values."""

import os
import stat
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from assets.ingest.loading.pseudonyms import DELIVERED_IDS
from assets.ports import Vault
from assets.privacy.unpacking import NotUnpacked, raw_pieces, unpacked_pieces
from assets.privacy.written_forms import ENCODINGS, bytes_of, respelled, with_declared

ANCHOR_BYTES = 4
# Upper bound on searched values; a sample of this size detects a leak as surely as all values would.
MOST_VALUES = 10_000
# Shorter values, such as first names, are ordinary words.
SHORTEST = 8


class SearchTerms:
    """Values to search for in every form that ``bytes_of`` knows, all in one pass over the bytes.

    Each form is found by an anchor, four of its bytes that many forms share ("@exa"). There are few
    anchors, so that a search for ten thousand values costs about as much as for one.
    """

    def __init__(
        self, values: Iterable[str], *, inside: Iterable[str] = (), encodings: Collection[str] = ENCODINGS
    ) -> None:
        """Choose an anchor for each form of ``values``.

        Args:
            values: Values of at least four bytes each.
            inside: Longer ids that hold one of the values: where such an id stands, the value does not count.
            encodings: Encodings in which a file may hold a value.

        Raises:
            ValueError: when a value is shorter than an anchor, because bytes contain it by chance.
        """
        given = {*values}
        short = [value for value in given if len(value.encode()) < ANCHOR_BYTES]
        if short:
            raise ValueError(f"{len(short)} of the values are shorter than {ANCHOR_BYTES} bytes")
        self._count, self._encodings = len(given), encodings
        self._values = {form: value for value in given for form in self._forms(value)}
        shared = Counter(part for form in self._values for part in _parts(form))
        self._shapes: dict[bytes, set[tuple[int, int]]] = defaultdict(set)
        for form in self._values:
            anchor = max(_parts(form), key=lambda part: (shared[part], part))
            self._shapes[anchor].add((form.find(anchor), len(form)))
        self._longer, self._margins = self._find_longer({*inside} - given)
        self._longest = max(map(len, (*self._values, *self._longer)), default=0)

    def _forms(self, value: str) -> Iterator[bytes]:
        return (form for form in bytes_of(value, encodings=self._encodings) if len(form) >= ANCHOR_BYTES)

    def _find_longer(
        self, inside: Collection[str]
    ) -> tuple[set[bytes], Mapping[bytes, set[tuple[int, int]]]]:
        """Forms of longer ids; and where each form of a value begins in one, with the length of that one."""
        longer: set[bytes] = set()
        margins: dict[bytes, set[tuple[int, int]]] = defaultdict(set)
        for outer in (form for each in inside for form in self._forms(each)):
            for form, start in self._occurrences(outer):
                longer.add(outer)
                margins[form].add((start, len(outer)))
        return longer, margins

    def __len__(self) -> int:
        return self._count

    @property
    def overlap(self) -> int:
        """Bytes that a piece of a file must share with the one before it."""
        return 2 * self._longest

    def found_in(self, data: bytes) -> set[str]:
        """Return the values that ``data`` contains outside longer ids."""
        return {
            self._values[form]
            for form, start in self._occurrences(data)
            if not self._is_inside(data, form, start)
        }

    def _is_inside(self, data: bytes, form: bytes, start: int) -> bool:
        """Whether a longer id stands around a form, or may do so: beyond the ends another piece decides."""
        for before, length in self._margins.get(form, ()):
            first, end = start - before, start - before + length
            if first < 0 or end > len(data) or data[first:end] in self._longer:
                return True
        return False

    def _occurrences(self, data: bytes) -> Iterator[tuple[bytes, int]]:
        for anchor, shapes in self._shapes.items():
            for place in _places(data, anchor):
                for before, length in shapes:
                    form = data[max(place - before, 0) : place - before + length]
                    if form in self._values and place >= before:
                        yield form, place - before


def _parts(value: bytes) -> Iterator[bytes]:
    return (value[start : start + ANCHOR_BYTES] for start in range(len(value) - ANCHOR_BYTES + 1))


def _places(data: bytes, part: bytes) -> Iterator[int]:
    place = data.find(part)
    while place >= 0:
        yield place
        place = data.find(part, place + 1)


def searchable_values(vault: Vault) -> set[str]:
    """Up to ``MOST_VALUES`` values of ``vault``, without those that files contain by chance."""
    return {
        each.value
        for each in vault.values(at_most=MOST_VALUES)
        if len(each.value) >= SHORTEST and not (each.source == DELIVERED_IDS and each.value.isdecimal())
    }


def distinctive_values(vault: Vault) -> set[str]:
    """Searchable values with an @ or a digit, such as addresses and telephone numbers, but no plain words."""
    return {value for value in searchable_values(vault) if "@" in value or any(map(str.isdigit, value))}


@dataclass(frozen=True, slots=True, kw_only=True)
class Scanned:
    """Files, bytes (unpacked ones included) and values searched; ``hits``: values found per file.

    ``damaged`` files were searched as they lie, and as far as they can be unpacked; ``unread`` files and
    folders could not be opened and were not searched. Both have the reason.
    """

    files: int
    bytes_read: int
    values: int
    hits: Mapping[Path, int]
    damaged: Mapping[Path, str] = field(default_factory=dict)
    unread: Mapping[Path, str] = field(default_factory=dict)

    @property
    def remarks(self) -> str:
        """Name the damaged and the unread files in a clause, which is empty without any."""
        return _named("; searched as they lie, because they cannot be unpacked: ", self.damaged) + _named(
            "; NOT searched, because they cannot be opened: ", self.unread
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """Folder of the delivered files, and the encodings that their sources declare, by Python's names."""

    folder: Path
    encodings: tuple[str, ...]


def _named(words: str, files: Mapping[Path, str]) -> str:
    return words + ", ".join(f"{file} ({files[file]})" for file in sorted(files)) if files else ""


def scan(
    folders: Iterable[Path],
    values: Collection[str],
    *,
    beside: Collection[Path] = (),
    inside: Collection[str] = (),
    delivered: Delivered | None = None,
) -> Scanned:
    """Search every file below ``folders`` for ``values``, except those in ``beside``.

    Each file is read as raw bytes, and again unpacked by its format. Deleted rows that a database has not
    overwritten are found in the raw bytes only. A delivered file may spell an id in another way than the
    tables do, with another blank for example, so it is also searched as loading spells ids.

    Args:
        folders: Folders to search, write-ahead logs and temporary files included.
        values: Values of at least four bytes each.
        beside: Files and folders to leave out.
        inside: Longer ids in which a value does not count.
        delivered: Where the delivered files are; their encodings are searched for everywhere.
    """
    encodings = with_declared(delivered.encodings if delivered else ())
    terms, files, bytes_read = SearchTerms(values, inside=inside, encodings=encodings), 0, 0
    hits: dict[Path, int] = {}
    damaged: dict[Path, str] = {}
    unread: dict[Path, str] = {}
    for file in files_below(folders, unread=unread, beside=beside):
        found: set[str] = set()
        others = encodings if delivered and file.is_relative_to(delivered.folder) else ()
        try:
            for piece in raw_pieces(file, overlap=terms.overlap):
                bytes_read += len(piece)
                found |= _found(piece, terms, others)
            files += 1
            for piece in unpacked_pieces(file, overlap=terms.overlap):
                bytes_read += len(piece)
                found |= _found(piece, terms, others)
        except NotUnpacked as damage:
            damaged[file] = str(damage)
        except OSError as refused:
            _note(refused, unread, file)
        if found:
            hits[file] = len(found)
    return Scanned(
        files=files, bytes_read=bytes_read, values=len(terms), hits=hits, damaged=damaged, unread=unread
    )


def _found(piece: bytes, terms: SearchTerms, encodings: Collection[str]) -> set[str]:
    """Values in ``piece`` as it is and, read by each of ``encodings``, as loading spells it."""
    pieces = (piece, *respelled(piece, encodings=encodings))
    return {value for each in pieces for value in terms.found_in(each)}


def files_below(
    folders: Iterable[Path], *, unread: dict[Path, str], beside: Collection[Path] = ()
) -> list[Path]:
    """List the regular files below ``folders``, in order.

    Args:
        folders: Folders.
        unread: Gets the folders and files that cannot be opened, with the reason.
        beside: Files and folders to leave out.
    """

    def refused(error: OSError) -> None:
        _note(error, unread, Path(error.filename))

    found: set[Path] = set()
    for folder in folders:
        for root, _, names in os.walk(folder, onerror=refused):
            found |= {Path(root, name) for name in names}
    kept = (each for each in found if not any(each.is_relative_to(left_out) for left_out in beside))
    return sorted(each for each in kept if _is_regular(each, refused))


def _note(refused: OSError, unread: dict[Path, str], file: Path) -> None:
    # SQLite may delete its rollback file between listing and reading.
    if not isinstance(refused, FileNotFoundError):
        unread[file] = refused.strerror or str(refused)


def _is_regular(file: Path, refused: Callable[[OSError], None]) -> bool:
    # Opening a pipe would wait for a writer.
    try:
        return stat.S_ISREG(file.stat().st_mode)
    except OSError as error:
        refused(error)
        return False
