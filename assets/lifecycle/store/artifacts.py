"""Versions on disk and in the registry; a model file is never read on trust."""

import hashlib
import json
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

import pandas as pd
import skops.io

from assets.features.matrix import Matrix
from assets.lifecycle.store.schemas import REGISTRY_TYPES, typed
from assets.metrics.calibration import CalibrationBin
from assets.supervised.data.split import Fold, Split
from assets.supervised.fitting.train import Fitted
from assets.supervised.problem import PredictionProblem

MODEL_FILE = "model.skops"
FACTS_FILE = "facts.json"
LIBRARIES = ("duckdb", "numpy", "pandas", "scikit-learn", "scipy", "skops", "statsmodels")

# The only types beyond skops' own list that a model of ours is made of. The list is ours and not read
# from the file: a file that names its own trusted types is no safer than a pickle. The trees hold raw
# node arrays, which a forged file could use to crash the process: that is why the hash is checked
# before anything is loaded. A partial runs nothing by itself, and what it wraps must be on the list too.
TRUSTED = (
    "assets.supervised.fitting.baseline.RecencyBands",
    "assets.supervised.fitting.quantile_binning.QuantileBinner",
    "assets.lifetime_value.models.bg_nbd.BgNbd",
    "assets.lifetime_value.models.candidates.CustomerValue",
    "assets.lifetime_value.models.gamma_gamma.GammaGamma",
    "assets.lifetime_value.models.baseline.SpendRate",
    "assets.lifetime_value.models.two_part.TwoPartAmounts",
    "assets.lifetime_value.models.clv.LifetimeValue",
    "functools.partial",
    "sklearn.calibration._CalibratedClassifier",
    "sklearn.calibration._SigmoidCalibration",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.utils.validation.check_array",
)

# Packages whose code decides what a supervised model computes.
SUPERVISED_CODE = ("lifecycle", "supervised", "prior_shift", "features", "metrics")

Stage = Literal["champion", "challenger", "retired", "refused"]


class ModelIntegrityError(Exception):
    """A model file is not the one that was registered, or holds what no model of ours is made of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingRecord:
    """What a version was made of: folds (``None`` for a fallback without any), features, rows and hashes.

    ``model_sha256`` is ``None`` for a refused version: no model of it was made to serve.
    """

    trained_at: datetime
    split: Split | None
    features: tuple[str, ...]
    n_rows: int
    n_positive: int
    code_hash: str
    data_hash: str
    model_sha256: str | None
    calibration_method: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionStatus:
    """What became of a version."""

    model_version: str
    stage: Stage
    quality_grade: str
    promoted_by: str | None = None
    supersedes: str | None = None
    card_uri: str | None = None


def registry_row(
    problem: PredictionProblem, trained: TrainingRecord, *, standing: VersionStatus
) -> pd.DataFrame:
    """The one row of ``ml.model_registry`` for a version."""
    row = {
        "model_name": problem.name,
        **asdict(standing),
        "trained_at": trained.trained_at,
        **_windows(trained.split),
        "label_horizon_days": problem.horizon_days,
        "n_rows": trained.n_rows,
        "n_positive": trained.n_positive,
        "n_negative": trained.n_rows - trained.n_positive,
        "features": json.dumps(trained.features),
        "params": json.dumps(asdict(problem.task), sort_keys=True),
        "seed": problem.seed,
        "code_hash": trained.code_hash,
        "spec_hash": problem.spec_hash,
        "data_hash": trained.data_hash,
        "model_sha256": trained.model_sha256,
        "libraries": json.dumps(library_versions()),
        "calibration_method": trained.calibration_method,
    }
    return typed([row], REGISTRY_TYPES)


def _windows(split: Split | None) -> dict[str, date | None]:
    folds: dict[str, Fold | None] = {
        "train": split.train if split else None,
        "calibration": split.calibration if split else None,
        "test": split.test if split else None,
    }
    first = {f"{name}_from": fold.first if fold else None for name, fold in folds.items()}
    return first | {f"{name}_to": fold.last if fold else None for name, fold in folds.items()}


def library_versions() -> dict[str, str]:
    """Versions of the libraries that decide the numbers."""
    return {name: version(name) for name in LIBRARIES}


def code_hash(root: Path, folders: Sequence[str] = SUPERVISED_CODE) -> str:
    """Sha-256 hex of the Python sources in ``folders`` of ``root`` (the ``assets`` folder)."""
    digest = hashlib.sha256()
    for file in sorted(file for folder in folders for file in (root / folder).rglob("*.py")):
        digest.update(file.relative_to(root).as_posix().encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()


def data_hash(rows: Matrix) -> str:
    """Sha-256 hex of the content of ``rows``, in their order; see :func:`rows_hash`."""
    keyed = rows.features.assign(entity=rows.entities, as_of=rows.as_of.astype("datetime64[s]"))
    if rows.outcome.size:
        keyed = keyed.assign(outcome=rows.outcome)
    return rows_hash(keyed)


def rows_hash(rows: pd.DataFrame) -> str:
    """Sha-256 hex of ``rows`` (n, k), in their order, to seven digits of each number.

    A day that is built again may differ in the last digit: threads add amounts in another order.
    """
    numbers = rows.select_dtypes("float64").columns
    hashes = pd.util.hash_pandas_object(
        rows.astype(dict.fromkeys(numbers, "float32")), index=False, categorize=False
    )
    return hashlib.sha256(hashes.to_numpy().tobytes()).hexdigest()


def save_version(folder: Path, fitted: Fitted) -> str:
    """Write ``model.skops`` and ``facts.json`` into ``folder``.

    Returns:
        Sha-256 hex of both files one after the other: ``cat model.skops facts.json | sha256sum``.

    Raises:
        ModelIntegrityError: when the model holds a type that loading would refuse.
    """
    return save_model(folder, fitted.model, facts=_facts(fitted))


def save_model(folder: Path, model: object, *, facts: Mapping[str, object]) -> str:
    """Write any model of ours and the facts that belong to it, as :func:`save_version` does.

    Raises:
        ModelIntegrityError: when the model holds a type that loading would refuse.
    """
    model_file = folder / MODEL_FILE
    skops.io.dump(model, model_file)
    _refuse_strangers(model_file)
    (folder / FACTS_FILE).write_text(json.dumps(facts, indent=1, sort_keys=True))
    return _sha256(folder)


def load_version(folder: Path, *, sha256: str) -> Fitted:
    """The version in ``folder``, if it is byte for byte the one registered with ``sha256``.

    Raises:
        ModelIntegrityError: when a file is missing, the bytes differ, or a type is not one of ours.
    """
    model, facts = load_model(folder, sha256=sha256)
    bins = tuple(CalibrationBin(**each) for each in facts.pop("bins"))
    return Fitted(model=model, bins=bins, **facts)


def load_model(folder: Path, *, sha256: str) -> tuple[Any, dict[str, Any]]:
    """What :func:`save_model` wrote, if it is byte for byte what was registered with ``sha256``.

    Raises:
        ModelIntegrityError: when a file is missing, the bytes differ, or a type is not one of ours.
    """
    for name in (MODEL_FILE, FACTS_FILE):
        if not (folder / name).is_file():
            raise ModelIntegrityError(f"{folder / name} is not there")
    found = _sha256(folder)
    if found != sha256:
        raise ModelIntegrityError(
            f"{folder / MODEL_FILE}: sha-256 is {found[:12]}…, registered was {sha256[:12]}…"
        )
    _refuse_strangers(folder / MODEL_FILE)
    facts = json.loads((folder / FACTS_FILE).read_text())
    return skops.io.load(folder / MODEL_FILE, trusted=list(TRUSTED)), facts


def _facts(fitted: Fitted) -> dict[str, object]:
    return {
        "problem": fitted.problem,
        "method": fitted.method,
        "reference": dict(fitted.reference),
        "bins": [asdict(each) for each in fitted.bins],
        "lowest": fitted.lowest,
        "is_fallback": fitted.is_fallback,
    }


def _refuse_strangers(file: Path) -> None:
    try:
        strangers = sorted(set(skops.io.get_untrusted_types(file=file)) - set(TRUSTED))
    except (zipfile.BadZipFile, KeyError, ValueError) as broken:
        raise ModelIntegrityError(f"{file} is not a skops file: {broken}") from broken
    if strangers:
        raise ModelIntegrityError(f"{file} holds types that no model of ours is made of: {strangers}")


def _sha256(folder: Path) -> str:
    digest = hashlib.sha256()
    for name in (MODEL_FILE, FACTS_FILE):
        digest.update((folder / name).read_bytes())
    return digest.hexdigest()
