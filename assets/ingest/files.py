"""The files behind a source's globs, and what identifies a delivery."""

import hashlib
import json
from dataclasses import dataclass
from glob import escape, glob
from pathlib import Path

from assets.ingest.sources import Business, BusinessInvalid, Source


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceFile:
    """One delivered file; ``name`` is its path below the data or landing folder."""

    source: Source
    path: Path
    name: str


def resolved_files(business: Business, source: Source) -> list[SourceFile]:
    """The files of ``source``, globs in their order, sorted inside each: oldest delivery first.

    Raises:
        BusinessInvalid: when a glob has no file, naming it, the setting to change and the place to get files.
    """
    paths: dict[Path, None] = {}
    for pattern in source.files:
        placed = _placed(business, pattern)
        # Path.glob takes no absolute pattern.
        matches = map(Path, glob(placed, recursive=True))  # noqa: PTH207
        found = sorted(path for path in matches if path.is_file())
        if not found:
            raise BusinessInvalid(_no_files(business, source, pattern=pattern, placed=placed))
        paths.update(dict.fromkeys(found))
    return [SourceFile(source=source, path=path, name=_name(business, path)) for path in paths]


def fingerprint(business: Business, file: SourceFile) -> str:
    """SHA-256 of the file's bytes and of everything else that decides which rows it becomes.

    That includes this package's own code: a mended rule must reach the rows landed before it.
    """
    digest = hashlib.sha256()
    with file.path.open("rb") as stream:
        digest.update(hashlib.file_digest(stream, "sha256").digest())
    order = [source.name for source in business.sources_of(file.source.table)]
    mapping = file.source.model_dump(mode="json", exclude={"files", "remedy"})
    digest.update(
        json.dumps([mapping, order, business.time_zone, business.currency], sort_keys=True).encode()
    )
    for code in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(code.read_bytes())
    return digest.hexdigest()


def _placed(business: Business, pattern: str) -> str:
    folders = {"{data_dir}": business.data_dir, "{landing_dir}": business.landing_dir}
    for placeholder, folder in folders.items():
        pattern = pattern.replace(placeholder, escape(str(folder)))
    return pattern


def _name(business: Business, path: Path) -> str:
    for folder in (business.landing_dir, business.data_dir):
        if path.is_relative_to(folder):
            return str(path.relative_to(folder))
    return str(path)


def _no_files(business: Business, source: Source, *, pattern: str, placed: str) -> str:
    remedy = f" {source.remedy}" if source.remedy else ""
    setting = (
        f" Set DATA_DIR to the folder that holds them (now {business.data_dir})."
        if "{data_dir}" in pattern
        else ""
    )
    return f"{business.name}.yaml: source {source.name}: no file matches {placed!r}.{setting}{remedy}"
