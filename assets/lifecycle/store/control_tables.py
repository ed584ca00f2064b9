"""Control tables, which all capabilities write to, and the champion table of each."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any, NamedTuple

import pandas as pd

from assets.keys import (
    CALIBRATION_BINS,
    COHORT_CUTOFFS,
    CUTOFFS,
    DRIFT,
    ERASURES,
    METRICS,
    MODEL_REGISTRY,
    PREDICTION_TOTALS,
    RETRAIN_LOG,
    Key,
)
from assets.lifecycle.store.registry import Stage
from assets.lifecycle.store.schemas import (
    BIN_TYPES,
    CHAMPION_TYPES,
    COHORT_CUTOFF_TYPES,
    CUTOFF_TYPES,
    DRIFT_TYPES,
    ERASURE_TYPES,
    METRIC_TYPES,
    PREDICTION_TOTAL_TYPES,
    REGISTRY_TYPES,
    RETRAIN_TYPES,
    Types,
    typed,
)
from assets.ports import Warehouse


class ControlTable(NamedTuple):
    """A table that every capability writes to: its columns and the description of its rows.

    ``published`` names the published tables made of it; ``None`` when that is one of the same name.
    """

    types: Types
    description: str
    published: tuple[str, ...] | None = None


CONTROL_TABLES: Mapping[Key, ControlTable] = {
    MODEL_REGISTRY: ControlTable(
        REGISTRY_TYPES, "One row per version: windows, hashes, parameters, grade and stage."
    ),
    METRICS: ControlTable(METRIC_TYPES, "Every metric with its interval and n, per version, fold and slice."),
    CALIBRATION_BINS: ControlTable(
        BIN_TYPES, "Mean predicted and mean observed per tenth of the rows, per version, split and slice."
    ),
    CUTOFFS: ControlTable(
        CUTOFF_TYPES,
        "Per version and cut-off: confusion matrix, precision, recall, lift and gain on the test fold.",
        published=("cutoffs", "cutoffs_latest"),
    ),
    COHORT_CUTOFFS: ControlTable(
        COHORT_CUTOFF_TYPES,
        "Per as-of date and cut-off: customers selected, expected hits and misses.",
        published=(),
    ),
    RETRAIN_LOG: ControlTable(RETRAIN_TYPES, "Every decision to promote or refuse, with its reasons."),
    DRIFT: ControlTable(
        DRIFT_TYPES, "Drift of each feature and the score against the champion's training window."
    ),
    ERASURES: ControlTable(ERASURE_TYPES, "Erasures by token: which tables, how many rows."),
    PREDICTION_TOTALS: ControlTable(
        PREDICTION_TOTAL_TYPES,
        "Per as-of date: expected positives with interval, prior shift, and observed positives.",
    ),
}
VERSION = "model_version"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChampionVersion:
    """The version that scores from ``as_of_date`` on.

    ``vintage_hashes`` is ``None`` without walk-forward models; ``params`` are those that its backtest
    selected.
    """

    as_of_date: date
    model_version: str
    quality_grade: str
    is_fallback: bool
    model_sha256: str
    vintage_hashes: str | None = None
    params: str = "{}"

    @property
    def selected(self) -> Mapping[str, Any]:
        """``params`` as a mapping."""
        found: Mapping[str, Any] = json.loads(self.params)
        return found


def champion_as_of(table: Key, warehouse: Warehouse, *, as_of: date) -> ChampionVersion | None:
    """The version that scores on ``as_of``: the newest one up to that date.

    Args:
        table: Champion table of a capability.
        warehouse: Holds the table.
        as_of: The date.
    """
    if not warehouse.exists(table):
        return None
    rows = warehouse.read(
        f"select * from {table.sql} where as_of_date <= $as_of order by as_of_date desc limit 1",
        {"as_of": as_of},
    )
    if rows.empty:
        return None
    return version_of(rows.iloc[0])


def version_of(row: pd.Series) -> ChampionVersion:
    """The version that a row of a champion table is about.

    Args:
        row: The row.
    """
    return ChampionVersion(
        as_of_date=pd.Timestamp(row["as_of_date"]).date(),
        model_version=str(row["model_version"]),
        quality_grade=str(row["quality_grade"]),
        is_fallback=bool(row["is_fallback"]),
        model_sha256=str(row["model_sha256"]),
        vintage_hashes=None if pd.isna(row["vintage_hashes"]) else str(row["vintage_hashes"]),
        params=str(row["params"]),
    )


def set_champion(table: Key, warehouse: Warehouse, *, name: str, champion: ChampionVersion) -> None:
    """Let ``champion`` score for a capability from its as-of date on.

    Args:
        table: Champion table of the capability.
        warehouse: Holds the table and the registry.
        name: The capability's name.
        champion: The version.
    """
    row = typed([{"model_name": name, **asdict(champion)}], CHAMPION_TYPES)
    warehouse.replace_partition(table, row, column="as_of_date", value=champion.as_of_date)
    # Past dates can be replayed after newer ones, so the registry's champion is always that of the newest.
    newest = champion_as_of(table, warehouse, as_of=date.max) or champion
    with warehouse.connect() as connection:
        connection.execute(
            f"update {MODEL_REGISTRY.sql} set stage = "
            "case when model_version = $version then 'champion' else 'retired' end "
            "where model_name = $model and stage in ('champion', 'retired')",
            {"model": name, "version": newest.model_version},
        )


def forget_later_champions(table: Key, warehouse: Warehouse, *, after: date) -> None:
    """Delete what would serve after a date: a version that a canary let in for the next as-of date.

    Args:
        table: Champion table of a capability.
        warehouse: Holds the table.
        after: The date.
    """
    with warehouse.connect() as connection:
        connection.execute(f"delete from {table.sql} where as_of_date > $after", {"after": after})


def set_stage(warehouse: Warehouse, version: str, stage: Stage) -> None:
    """Set the registered stage of a version.

    Args:
        warehouse: Holds the registry.
        version: The version.
        stage: The stage.
    """
    with warehouse.connect() as connection:
        connection.execute(
            f"update {MODEL_REGISTRY.sql} set stage = $stage where {VERSION} = $version",
            {"stage": stage, "version": version},
        )


def withheld_reason(model_name: str, warehouse: Warehouse, *, as_of: date) -> str | None:
    """Why the scores of an as-of date were withheld; ``None`` when that was not decided.

    Args:
        model_name: Name of the capability.
        warehouse: Holds the retrain log.
        as_of: The date.
    """
    withheld = "model_name = $name and as_of_date = $as_of and decision = 'withhold'"
    sql = f"select reasons from {RETRAIN_LOG.sql} where {withheld}"
    rows = warehouse.read(sql, {"name": model_name, "as_of": as_of})
    return None if rows.empty else str(rows["reasons"].iloc[0])


def rows_of_version(warehouse: Warehouse, key: Key, version: str, *, split: str = "test") -> pd.DataFrame:
    """The rows of one version and split in ``ml.metrics`` or ``ml.calibration_bins``.

    Args:
        warehouse: Holds the table.
        key: The table.
        version: The version.
        split: The split.
    """
    return warehouse.read(
        f"select * from {key.sql} where {VERSION} = $version and split = $split",
        {"version": version, "split": split},
    )


def row_for_date(warehouse: Warehouse, key: Key, as_of: date) -> pd.DataFrame:
    """The one row of an as-of date in a table.

    Args:
        warehouse: Holds the table.
        key: The table.
        as_of: The date.

    Raises:
        KeyError: There is not exactly one.
    """
    rows = warehouse.read(f"select * from {key.sql} where as_of_date = $as_of", {"as_of": as_of})
    if len(rows) != 1:
        raise KeyError(
            f"{key.sql} has {len(rows)} rows for {as_of}; expected one: materialize that date first"
        )
    return rows


def log_decision(warehouse: Warehouse, row: pd.DataFrame) -> None:
    """Log one decision; a repeated run replaces its row, any other decision of the date stays beside it.

    The challenger's version holds a hash of data and code, so that a decision on new data is another
    decision.

    Args:
        warehouse: Holds the retrain log.
        row: Row (1, k) of ``ml.retrain_log``.
    """
    _replace(
        warehouse, RETRAIN_LOG, row, by=("model_name", "as_of_date", "trigger", "decision", "challenger")
    )


def replace_metrics(warehouse: Warehouse, key: Key, rows: pd.DataFrame) -> None:
    """Replace the rows of one version, split and as-of date in a table; no rows change nothing.

    Args:
        warehouse: Holds the table.
        key: ``ml.metrics`` or ``ml.calibration_bins``.
        rows: Rows (n, k) of one version, split and date.
    """
    if len(rows):
        _replace(warehouse, key, rows, by=("model_name", VERSION, "split", "as_of_date"))


def _replace(warehouse: Warehouse, key: Key, rows: pd.DataFrame, *, by: Sequence[str]) -> None:
    """Replace the rows of a table that have the values of the first of ``rows`` in the columns ``by``."""
    first = {name: None if pd.isna(value) else value for name, value in rows.iloc[0][list(by)].items()}
    same = " and ".join(f"{name} is not distinct from ${name}" for name in by)
    with warehouse.connect() as connection:
        connection.execute(f"delete from {key.sql} where {same}", first)
    warehouse.append(key, rows)
