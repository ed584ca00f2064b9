"""The lifecycle's tables: what was tried, how it did, what was decided, and which version serves when."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Protocol

import pandas as pd

from assets.keys import CALIBRATION_BINS, DRIFT, ERASURES, LEVELS, METRICS, MODEL_REGISTRY, RETRAIN_LOG, Key
from assets.lifecycle.store.schemas import (
    BIN_TYPES,
    CANDIDATE_TYPES,
    CHAMPION_TYPES,
    DRIFT_TYPES,
    DRIFTED_TYPES,
    ERASURE_TYPES,
    EVALUATION_TYPES,
    LEVEL_TYPES,
    METRIC_TYPES,
    REALISED_TYPES,
    REGISTRY_TYPES,
    RETRAIN_TYPES,
    SCORE_TYPES,
    Types,
    typed,
)
from assets.ports import Warehouse
from assets.supervised.problem import PredictionProblem


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlTable:
    """A table that every problem writes into: its columns, and what a row says."""

    types: Types
    description: str


CONTROL_TABLES: Mapping[Key, ControlTable] = {
    MODEL_REGISTRY: ControlTable(
        types=REGISTRY_TYPES, description="One row per version: windows, hashes, parameters, grade and stage."
    ),
    METRICS: ControlTable(
        types=METRIC_TYPES,
        description="Every measured figure with its interval and n, per version, fold and slice.",
    ),
    CALIBRATION_BINS: ControlTable(
        types=BIN_TYPES,
        description="Predicted against actual rate per tenth of the rows, per version, fold and slice.",
    ),
    RETRAIN_LOG: ControlTable(
        types=RETRAIN_TYPES, description="Every decision to promote or refuse, with its reasons."
    ),
    DRIFT: ControlTable(
        types=DRIFT_TYPES,
        description="How far each feature and the score have drifted from the champion's training window.",
    ),
    ERASURES: ControlTable(
        types=ERASURE_TYPES, description="Erasures by token: which tables, how many rows."
    ),
    LEVELS: ControlTable(
        types=LEVEL_TYPES,
        description="Per as-of day: predicted total with interval, the level behind it, and what happened.",
    ),
}
VERSION = "model_version"


class Served(Protocol):
    """A question with a table of who answers it since when."""

    @property
    def champion(self) -> Key:
        """The version that scores, by the morning it began."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ChampionVersion:
    """The version that scores from a morning on; ``twin_hashes`` is ``None`` for a fallback."""

    as_of_date: date
    model_version: str
    quality_grade: str
    is_fallback: bool
    model_sha256: str
    twin_hashes: str | None


def prepare(warehouse: Warehouse, problem: PredictionProblem) -> None:
    """Create the tables that are not there yet, empty: SQL may ask before the first model is fitted."""
    own: Mapping[Key, Types] = {
        problem.candidate: CANDIDATE_TYPES,
        problem.evaluation: EVALUATION_TYPES,
        problem.champion: CHAMPION_TYPES,
        problem.scores: {**SCORE_TYPES, **problem.passthrough_columns},
        problem.realised: REALISED_TYPES,
        problem.drifted: DRIFTED_TYPES,
    }
    prepare_tables(warehouse, own)


def prepare_tables(warehouse: Warehouse, own: Mapping[Key, Types]) -> None:
    """Create the journals and the tables in ``own`` that are not there yet, empty."""
    shared = {key: kept.types for key, kept in CONTROL_TABLES.items()}
    warehouse.prepare({key: typed([], types) for key, types in {**shared, **own}.items()})


def champion_as_of(problem: Served, warehouse: Warehouse, *, as_of: date) -> ChampionVersion | None:
    """The version that scores on the morning of ``as_of``: the newest one that is not younger."""
    rows = warehouse.read(
        f"select * from {problem.champion.sql} where as_of_date <= $as_of order by as_of_date desc limit 1",
        {"as_of": as_of},
    )
    if rows.empty:
        return None
    row = rows.iloc[0]
    return ChampionVersion(
        as_of_date=pd.Timestamp(row["as_of_date"]).date(),
        model_version=str(row["model_version"]),
        quality_grade=str(row["quality_grade"]),
        is_fallback=bool(row["is_fallback"]),
        model_sha256=str(row["model_sha256"]),
        twin_hashes=None if pd.isna(row["twin_hashes"]) else str(row["twin_hashes"]),
    )


def is_withheld(model_name: str, warehouse: Warehouse, *, as_of: date) -> bool:
    """Whether the scores of a morning were withheld."""
    withheld = "model_name = $name and as_of_date = $as_of and decision = 'withhold'"
    sql = f"select 1 from {RETRAIN_LOG.sql} where {withheld} limit 1"
    return not warehouse.read(sql, {"name": model_name, "as_of": as_of}).empty


def rows_of_version(warehouse: Warehouse, key: Key, version: str, *, split: str = "test") -> pd.DataFrame:
    """What is known of one version on one split, in ``ml.metrics`` or ``ml.calibration_bins``."""
    return warehouse.read(
        f"select * from {key.sql} where {VERSION} = $version and split = $split",
        {"version": version, "split": split},
    )


def row_of(warehouse: Warehouse, key: Key, version: str) -> pd.DataFrame | None:
    """The one row of a version in ``key``, if it is there."""
    rows = warehouse.read(f"select * from {key.sql} where {VERSION} = $version", {"version": version})
    return None if rows.empty else rows


def row_for_date(warehouse: Warehouse, key: Key, as_of: date) -> pd.DataFrame:
    """The one row of a morning in ``key``.

    Raises:
        KeyError: when that morning has none.
    """
    rows = warehouse.read(f"select * from {key.sql} where as_of_date = $as_of", {"as_of": as_of})
    if len(rows) != 1:
        raise KeyError(f"{key.sql} has {len(rows)} rows for {as_of}; expected one: make that morning first")
    return rows


def replace_row(warehouse: Warehouse, key: Key, row: pd.DataFrame, *, as_of: date) -> pd.DataFrame:
    """Make ``row`` the one row of a morning in ``key``, and hand it back."""
    warehouse.replace_partition(key, row, column="as_of_date", value=as_of)
    return row


def write_once(warehouse: Warehouse, key: Key, rows: pd.DataFrame, *, version: str) -> int:
    """Make ``rows`` the rows of ``version`` in ``key``, so that a repeated run doubles nothing."""
    return warehouse.replace_partition(key, rows, column=VERSION, value=version)


def log_decision(warehouse: Warehouse, row: pd.DataFrame) -> None:
    """Keep one decision: a repeated run says it once, any other decision of the morning stays beside it.

    The challenger's version holds a hash of data and code, so that what was decided again on new data is
    another decision.
    """
    one = row.iloc[0]
    with warehouse.connect() as connection:
        connection.execute(
            f"delete from {RETRAIN_LOG.sql} where model_name = $model and as_of_date = $as_of "
            "and trigger = $trigger and decision = $decision and challenger is not distinct from $challenger",
            {
                "model": one["model_name"],
                "as_of": one["as_of_date"],
                "trigger": one["trigger"],
                "decision": one["decision"],
                "challenger": None if pd.isna(one["challenger"]) else one["challenger"],
            },
        )
    warehouse.append(RETRAIN_LOG, row)


def replace_metrics(warehouse: Warehouse, key: Key, rows: pd.DataFrame) -> None:
    """Make ``rows`` what is known of their one version, split and as-of day in ``key``."""
    one = rows.iloc[0]
    with warehouse.connect() as connection:
        connection.execute(
            f"delete from {key.sql} where model_name = $model and {VERSION} = $version "
            "and split = $split and as_of_date is not distinct from $as_of",
            {
                "model": one["model_name"],
                "version": one[VERSION],
                "split": one["split"],
                "as_of": one["as_of_date"],
            },
        )
    warehouse.append(key, rows)


def set_stage(warehouse: Warehouse, model_name: str, *, version: str) -> None:
    """In the registry, ``version`` is the champion of ``model_name``, and whoever was before is retired."""
    with warehouse.connect() as connection:
        connection.execute(
            f"update {MODEL_REGISTRY.sql} set stage = "
            "case when model_version = $version then 'champion' else 'retired' end "
            "where model_name = $model and stage in ('champion', 'retired')",
            {"model": model_name, "version": version},
        )


def write_level(warehouse: Warehouse, problem: PredictionProblem, row: pd.DataFrame, *, today: date) -> None:
    """Keep the level of one day; what it and others turned out to be by ``today``, or later, is filled in."""
    where = "where model_name = $model and as_of_date = $as_of"
    day = {"model": problem.name, "as_of": row["as_of_date"].iloc[0]}
    with warehouse.connect() as connection:
        known = connection.execute(f"select realised from {LEVELS.sql} {where}", day).fetchone()
        connection.execute(f"delete from {LEVELS.sql} {where}", day)
    warehouse.append(LEVELS, row if known is None else row.assign(realised=known[0]))
    fill_levels(warehouse, problem, today=today)


def fill_levels(warehouse: Warehouse, problem: PredictionProblem, *, today: date) -> None:
    """Fill in what the mornings that were published turned out to be by ``today``."""
    with warehouse.connect() as connection:
        connection.execute(
            f"""
            update {LEVELS.sql} as levels set realised = matured.outcomes
            from (
                select scores.as_of_date, sum(labels.outcome) as outcomes
                from {problem.scores.sql} as scores
                inner join {problem.label.sql} as labels using ({problem.entity_id}, as_of_date)
                where scores.as_of_date + {problem.horizon_days} <= $today and scores.is_eligible
                group by 1
            ) as matured
            where levels.as_of_date = matured.as_of_date and levels.model_name = $model
            """,
            {"today": today, "model": problem.name},
        )
