"""Build state of the feature tables: as-of dates, hash of the SQL and loaded files, in one table."""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from importlib.metadata import version
from pathlib import Path

import pandas as pd

from assets.keys import LOAD_LOG, Key
from assets.ports import Warehouse
from assets.transform.build_window import BuiltFeatures, FeatureWindow, feature_window

FEATURE_BUILD_STATE = Key("ml", "feature_build_state")
# Another version of these may compute another value from the same SQL.
ENGINES = ("dbt-core", "dbt-duckdb", "duckdb")


@dataclass(frozen=True, slots=True, kw_only=True)
class BusinessCalendar:
    """Business calendar: first as-of date and today, with the settings that features depend on.

    ``today`` may read the newest fact in the warehouse. ``known_at`` names, for each raw table with dated
    rows, the column of the knowledge date. ``declared`` are the settings that dbt reads on every as-of date;
    if one changes, all features are rebuilt.
    """

    declared: Mapping[str, str]
    first_as_of_day: date
    today: Callable[[Warehouse], date]
    known_at: Mapping[Key, str]


def next_window(
    requested: date, calendar: BusinessCalendar, *, warehouse: Warehouse, project_dir: Path
) -> FeatureWindow:
    """Determine the as-of dates to build for a requested one.

    Args:
        requested: The as-of date requested.
        calendar: Of the business.
        warehouse: Holds the build state and the load log.
        project_dir: Folder of the dbt project.
    """
    built, loaded = _read_build_state(warehouse)
    return feature_window(
        requested,
        calendar.first_as_of_day,
        built=built,
        code_hash=_code_hash(project_dir, calendar),
        changed_from=_changed_from(warehouse, loaded, known_at=calendar.known_at),
    )


def _read_build_state(warehouse: Warehouse) -> tuple[BuiltFeatures | None, dict[str, str]]:
    if not warehouse.exists(FEATURE_BUILD_STATE):
        return None, {}
    rows = warehouse.read(f"select * from {FEATURE_BUILD_STATE.sql}")
    row = rows.iloc[0]
    built = BuiltFeatures(
        first=date.fromisoformat(row["first_day"]),
        last=date.fromisoformat(row["last_day"]),
        code_hash=row["code_hash"],
    )
    return built, json.loads(row["loaded_files"])


def write_build_state(
    window: FeatureWindow, calendar: BusinessCalendar, *, warehouse: Warehouse, project_dir: Path
) -> None:
    """Write the build state after a build.

    Args:
        window: The as-of dates that were built.
        calendar: Of the business.
        warehouse: Holds the build state and the load log.
        project_dir: Folder of the dbt project.
    """
    built, _ = _read_build_state(warehouse)
    keeps = built is not None and not window.is_full_refresh
    row = {
        "first_day": str(min(window.first, built.first) if keeps and built else window.first),
        "last_day": str(max(window.last, built.last) if keeps and built else window.last),
        "code_hash": _code_hash(project_dir, calendar),
        "loaded_files": json.dumps(_loaded_files(warehouse)),
    }
    warehouse.replace(FEATURE_BUILD_STATE, pd.DataFrame([row]))


def _loaded_files(warehouse: Warehouse) -> dict[str, str]:
    rows = warehouse.read(
        f"select source || ' ' || source_file as file, file_fingerprint from {LOAD_LOG.sql} order by 1"
    )
    return dict(zip(rows["file"], rows["file_fingerprint"], strict=True))


def _changed_from(
    warehouse: Warehouse, before: dict[str, str], *, known_at: Mapping[Key, str]
) -> date | None:
    """First knowledge date in newly loaded files; ``date.min`` when an earlier file changed or was removed.

    A changed file may have lost rows, which are no longer there to give a date.
    """
    now = _loaded_files(warehouse)
    if any(now.get(file) != fingerprint for file, fingerprint in before.items()):
        return date.min
    new_files = sorted(set(now) - set(before))
    if not new_files:
        return None
    facts = " union all ".join(
        f"select min({column})::date as first_day from {table.sql} "
        "where source || ' ' || source_file in (select unnest($files))"
        for table, column in known_at.items()
    )
    first = warehouse.read(f"select min(first_day) as first_day from ({facts})", {"files": new_files})
    day = first["first_day"].iloc[0]
    return None if pd.isna(day) else pd.Timestamp(day).date()


def _code_hash(project_dir: Path, calendar: BusinessCalendar) -> str:
    """Hash of every file, setting and version that a feature depends on."""
    versions = {name: version(name) for name in ENGINES}
    digest = hashlib.sha256(json.dumps([dict(calendar.declared), versions], sort_keys=True).encode())
    for part in (
        "models/staging",
        "models/intermediate",
        "models/marts",
        "models/point_in_time",
        "models/features",
        "macros",
        "seeds",
        "dbt_project.yml",
    ):
        for file in sorted([project_dir / part, *(project_dir / part).rglob("*")]):
            if file.is_file():
                digest.update(str(file.relative_to(project_dir)).encode() + file.read_bytes())
    return digest.hexdigest()[:16]
