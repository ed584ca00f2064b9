"""Hashes of code and data, and the version names made of them."""

import hashlib
from collections.abc import Sequence
from datetime import date
from importlib.metadata import version
from pathlib import Path

import pandas as pd

from assets.features.matrix import Matrix

LIBRARIES = ("duckdb", "numpy", "pandas", "scikit-learn", "scipy", "skops", "statsmodels")
HASH_LENGTH = 8


def version_name(as_of: date, *hashes: str) -> str:
    """``<as_of>-<hash>``: the same date, data, code and declaration give the same version."""
    digest = hashlib.sha256("".join(hashes).encode()).hexdigest()[:HASH_LENGTH]
    return f"{as_of.isoformat()}-{digest}"


def library_versions() -> dict[str, str]:
    """Versions of the libraries that decide the numbers."""
    return {name: version(name) for name in LIBRARIES}


def code_hash(root: Path, packages: Sequence[str]) -> str:
    """Sha-256 hex of the Python sources in ``packages`` of ``root``, sub-packages included."""
    digest = hashlib.sha256()
    for file in sorted(file for package in packages for file in (root / package).rglob("*.py")):
        digest.update(file.relative_to(root).as_posix().encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()


def data_hash(rows: Matrix) -> str:
    """Sha-256 hex of the content of ``rows`` (n, k), in their order; see :func:`rows_hash`."""
    keyed = rows.features.assign(entity=rows.entities, as_of=rows.as_of.astype("datetime64[s]"))
    if rows.outcome.size:
        keyed = keyed.assign(outcome=rows.outcome)
    return rows_hash(keyed)


def rows_hash(rows: pd.DataFrame) -> str:
    """Sha-256 hex of ``rows`` (n, k), in their order."""
    hashes = pd.util.hash_pandas_object(rows, index=False, categorize=False)
    return hashlib.sha256(hashes.to_numpy().tobytes()).hexdigest()
