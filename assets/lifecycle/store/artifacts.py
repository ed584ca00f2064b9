"""Model files on disk, loaded only when their hash and types are as registered."""

import hashlib
import io
import json
import re
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import skops.io

MODEL_FILE = "model.skops"
FACTS_FILE = "facts.json"
SCHEMA_FILE = "schema.json"
# Where skops' schema has a memory address: the identity of an object, and the name of an array's file.
ADDRESS = re.compile(r'("__id__": |"file": ")([0-9]+)(\b)')


class ModelIntegrityError(Exception):
    """A model file is not the one that was registered, or holds a type that its capability does not list."""


def save_model(folder: Path, model: object, *, facts: Mapping[str, Any], trusted: Sequence[str]) -> str:
    """Write ``model.skops`` and ``facts.json`` into ``folder``; equal models give equal bytes.

    Args:
        folder: Folder of the version; it exists.
        model: Anything that skops can write.
        facts: Facts of the model, as JSON.
        trusted: Types that the file may hold besides those that skops trusts.

    Returns:
        Sha-256 hex of both files one after the other: ``cat model.skops facts.json | sha256sum``.

    Raises:
        ModelIntegrityError: The model holds a type that loading would refuse.
    """
    model_file = folder / MODEL_FILE
    model_file.write_bytes(_canonical(skops.io.dumps(model)))
    _refuse_untrusted(model_file, trusted)
    (folder / FACTS_FILE).write_text(json.dumps(dict(facts), indent=1, sort_keys=True))
    return _sha256(folder)


def load_model(folder: Path, *, sha256: str, trusted: Sequence[str]) -> tuple[Any, dict[str, Any]]:
    """Read what :func:`save_model` wrote, if it is byte for byte what was registered.

    The list of trusted types is the capability's and not read from the file: a file that names its own
    trusted types is no safer than a pickle. Raw node arrays of trees could crash the process when forged,
    which is why the hash is compared before anything is loaded.

    Args:
        folder: Folder of the version.
        sha256: The registered hash.
        trusted: Types that the file may hold besides those that skops trusts.

    Returns:
        The model and its facts.

    Raises:
        ModelIntegrityError: A file is missing, the bytes differ, or a type is not trusted.
    """
    if lost := missing_file(folder):
        raise ModelIntegrityError(
            f"{lost} is not there: put it back from a copy, or train again (job retrain)"
        )
    found = _sha256(folder)
    if found != sha256:
        raise ModelIntegrityError(
            f"{folder / MODEL_FILE}: sha-256 is {found[:12]}…, registered was {sha256[:12]}…"
        )
    _refuse_untrusted(folder / MODEL_FILE, trusted)
    facts = json.loads((folder / FACTS_FILE).read_text())
    return skops.io.load(folder / MODEL_FILE, trusted=list(trusted)), facts


def missing_file(folder: Path) -> Path | None:
    """A file of the model in ``folder`` that is not there; ``None`` if all are."""
    return next((folder / name for name in (MODEL_FILE, FACTS_FILE) if not (folder / name).is_file()), None)


def _canonical(archive: bytes) -> bytes:
    """A skops archive without what changes from one dump of a model to the next.

    skops names objects and the files of their arrays after memory addresses, and a zip file has the time of
    writing: objects are numbered in their order instead, and every file gets the earliest date of the format.
    """
    numbers: dict[str, str] = {}

    def numbered(found: re.Match[str]) -> str:
        return found[1] + numbers.setdefault(found[2], str(len(numbers))) + found[3]

    canonical = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(archive)) as source, zipfile.ZipFile(canonical, "w") as target:
        schema = ADDRESS.sub(numbered, source.read(SCHEMA_FILE).decode())
        target.writestr(zipfile.ZipInfo(SCHEMA_FILE), schema)
        for name in source.namelist():
            if name != SCHEMA_FILE:
                renamed = f"{numbers[Path(name).stem]}{Path(name).suffix}"
                target.writestr(zipfile.ZipInfo(renamed), source.read(name))
    return canonical.getvalue()


def _refuse_untrusted(file: Path, trusted: Sequence[str]) -> None:
    try:
        untrusted = sorted(set(skops.io.get_untrusted_types(file=file)) - set(trusted))
    except (zipfile.BadZipFile, KeyError, ValueError) as broken:
        raise ModelIntegrityError(f"{file} is not a skops file: {broken}") from broken
    if untrusted:
        raise ModelIntegrityError(f"{file} holds types that Spec.model_types does not list: {untrusted}")


def _sha256(folder: Path) -> str:
    digest = hashlib.sha256()
    for name in (MODEL_FILE, FACTS_FILE):
        digest.update((folder / name).read_bytes())
    return digest.hexdigest()
