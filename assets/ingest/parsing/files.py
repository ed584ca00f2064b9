"""Files that match a source's globs, their fingerprints, and their personal (PII) columns."""

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from glob import escape, glob, has_magic
from itertools import takewhile
from pathlib import Path, PurePath
from typing import NamedTuple

from assets import ASSETS
from assets.ingest.config.business import BusinessConfig, BusinessInvalid, SourceConfig
from assets.keys import PREFIX

# The whole package from its root, wherever this module stands in it.
PACKAGE = ASSETS / "ingest"
WITHHELD = "withheld: the file has personal columns"
# In a pseudonymised file: no id at all, and an id that cannot be read.
NOBODY, UNCLEAR = f"{PREFIX}nobody", f"{PREFIX}unclear"


class Unreadable(ValueError):
    """A file cannot be read or does not fit its mapping; other files of its source are not affected."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceFile:
    """One delivered file; ``name`` is its path below the data or landing folder.

    ``folder`` limits its glob: the file must lie below it, links followed. ``id_column`` is the column whose
    ids tokens replace: it is read, and its delivered values are never shown.
    """

    source: SourceConfig
    path: Path
    name: str
    folder: Path
    id_column: str | None = None

    @property
    def shows_text(self) -> bool:
        """Whether a malformed line may be shown: the file has no personal column."""
        return not (self.source.pii or self.id_column)


class OrderedFile(NamedTuple):
    """A file and its place in the order of delivery."""

    number: int
    file: SourceFile


def resolved_files(business: BusinessConfig, source: SourceConfig) -> list[SourceFile]:
    """List the files of ``source`` in delivery order: globs as declared, sorted by name inside each.

    A folder that a glob cannot look into is listed like a file that cannot be read, so that it is named.

    Raises:
        BusinessInvalid: when a glob matches no file, naming the glob, the setting to change and the remedy;
            or when it leaves its folder.
    """
    folders: dict[Path, Path] = {}
    for pattern in source.files:
        folder, absolute_pattern = _resolve_pattern(business, source, pattern=pattern)
        # Path.glob takes no absolute pattern.
        matches = map(Path, glob(absolute_pattern, recursive=True))  # noqa: PTH207
        found = sorted([*(path for path in matches if path.is_file()), *_closed_folders(absolute_pattern)])
        # A source that is pulled has no file before its first pull; that is no error.
        if not found and source.pull is None:
            raise BusinessInvalid(
                _no_files_text(business, source, pattern=pattern, absolute_pattern=absolute_pattern)
            )
        for path in found:
            folders.setdefault(path, folder)
    named: dict[str, Path] = {}
    for path in folders:
        short = _name(business, path)
        named[str(path) if short in named else short] = path
    return [
        SourceFile(source=source, path=path, name=name, folder=folders[path]) for name, path in named.items()
    ]


def fingerprint(business: BusinessConfig, file: SourceFile) -> str:
    """SHA-256 of the file's bytes and of everything else that decides which rows it yields.

    That includes the code of ``assets/ingest``: a corrected rule must reach rows that were loaded earlier.
    """
    return fingerprints(business, [file])[0]


def fingerprints(business: BusinessConfig, files: Sequence[SourceFile]) -> list[str]:
    """Fingerprint of each of ``files``; what a source's files have in common is hashed once."""
    sources = {file.source.name: file.source for file in files}
    settings = {name: _settings_hash(business, source) for name, source in sources.items()}
    prints = []
    for file in files:
        digest = hashlib.sha256(_content_hash(file.path))
        digest.update(settings[file.source.name])
        prints.append(digest.hexdigest())
    return prints


def _settings_hash(business: BusinessConfig, source: SourceConfig) -> bytes:
    order = [each.name for each in business.sources_of(source.table)]
    mapping = source.model_dump(mode="json", exclude={"files", "remedy"})
    joined = resolved_files(business, source.joined) if source.joined else []
    contents = [[file.name, _content_hash(file.path).hex()] for file in joined]
    text = json.dumps([mapping, order, business.row_settings, contents], sort_keys=True)
    return hashlib.sha256(text.encode() + _package_hash(PACKAGE)).digest()


def _content_hash(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").digest()
    except OSError as refused:
        # Loading puts it in quarantine, and reads it as soon as it can be opened.
        return f"cannot be opened: {refused.errno}".encode()


@cache
def _package_hash(package: Path) -> bytes:
    # Cached per process, because the running code is the code that was there when the process started.
    digest = hashlib.sha256()
    for code in sorted(package.rglob("*.py")):
        digest.update(code.relative_to(package).as_posix().encode() + b"\0" + code.read_bytes() + b"\0")
    return digest.digest()


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


def _resolve_pattern(business: BusinessConfig, source: SourceConfig, *, pattern: str) -> tuple[Path, str]:
    """Resolve ``pattern`` to the folder it must stay in and an absolute pattern.

    Absolute patterns are allowed: the author of the YAML may read all files that the process may read.
    ``..`` is always refused, because it hides which folder is read, and no export needs it.
    """
    where = f"{business.name}.yaml: source {source.name}: files {pattern!r}"
    if ".." in PurePath(pattern).parts:
        raise BusinessInvalid(
            f"{where} leaves its folder by '..': name the folder itself, as an absolute path"
        )
    for placeholder, folder in (("{data_dir}", business.data_dir), ("{landing_dir}", business.landing_dir)):
        if pattern.startswith(f"{placeholder}/"):
            return folder, escape(str(folder)) + pattern.removeprefix(placeholder)
    if not PurePath(pattern).is_absolute():
        raise BusinessInvalid(
            f"{where} has no folder: begin it with {{landing_dir}}/, {{data_dir}}/ or an absolute folder"
        )
    return Path(*takewhile(lambda part: not has_magic(part), PurePath(pattern).parts)), pattern


def _closed_folders(pattern: str) -> list[Path]:
    """Folders in which ``pattern`` would look for names and may not: glob passes over them silently."""
    parts = Path(pattern).parts
    searched = {
        Path(folder)
        for end in range(1, len(parts))
        if has_magic(parts[end])
        for folder in glob(f"{Path(*parts[:end])}/", recursive=True)  # noqa: PTH207 - absolute
    }
    return [folder for folder in sorted(searched) if not _is_listed(folder)]


def _is_listed(folder: Path) -> bool:
    try:
        with os.scandir(folder):
            return True
    except PermissionError:
        return False


def _name(business: BusinessConfig, path: Path) -> str:
    for folder in (business.landing_dir, business.data_dir):
        if path.is_relative_to(folder):
            return str(path.relative_to(folder))
    return str(path)


def _no_files_text(
    business: BusinessConfig, source: SourceConfig, *, pattern: str, absolute_pattern: str
) -> str:
    remedy = f" {source.remedy}" if source.remedy else ""
    setting = (
        f" Set DATA_DIR to the folder that holds them (now {business.data_dir})."
        if "{data_dir}" in pattern
        else ""
    )
    return (
        f"{business.name}.yaml: source {source.name}: no file matches {absolute_pattern!r}.{setting}{remedy}"
    )
