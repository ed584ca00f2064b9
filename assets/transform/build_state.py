"""What the feature tables hold already, and from which SQL and files: ``ml.feature_windows``."""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pandas as pd

from assets.keys import LANDINGS, Key
from assets.ports import Warehouse
from assets.transform.build_window import BuiltFeatures, FeatureWindow, feature_window

FEATURE_WINDOWS = Key("ml", "feature_windows")


@dataclass(frozen=True, slots=True, kw_only=True)
class BusinessCalendar:
    """What time it is for a business; ``today`` asks its warehouse for the newest fact.

    ``known_at`` names, for each raw table whose rows have a date, the column with when we learned of them.
    ``declared`` is what the SQL asks of the business whatever the morning: another answer, other features.
    """

    declared: Mapping[str, str]
    first_as_of_day: date
    today: Callable[[Warehouse], date]
    known_at: Mapping[Key, str]


def next_window(
    asked: date, clock: BusinessCalendar, *, warehouse: Warehouse, project_dir: Path
) -> FeatureWindow:
    """The as-of days to build when a person asks for ``asked``."""
    built, landed = _remembered(warehouse)
    return feature_window(
        asked,
        clock.first_as_of_day,
        built=built,
        code_hash=_code_hash(project_dir, clock),
        changed_from=_changed_from(warehouse, landed, known_at=clock.known_at),
    )


def _remembered(warehouse: Warehouse) -> tuple[BuiltFeatures | None, dict[str, str]]:
    if not warehouse.exists(FEATURE_WINDOWS):
        return None, {}
    rows = warehouse.read(f"select * from {FEATURE_WINDOWS.sql}")
    row = rows.iloc[0]
    built = BuiltFeatures(
        first=date.fromisoformat(row["first_day"]),
        last=date.fromisoformat(row["last_day"]),
        code_hash=row["code_hash"],
    )
    return built, json.loads(row["landed_files"])


def remember(
    window: FeatureWindow, clock: BusinessCalendar, *, warehouse: Warehouse, project_dir: Path
) -> None:
    """Keep what has been built, by which SQL and from which files."""
    built, _ = _remembered(warehouse)
    keeps = built is not None and not window.is_full_refresh
    row = {
        "first_day": str(min(window.first, built.first) if keeps and built else window.first),
        "last_day": str(max(window.last, built.last) if keeps and built else window.last),
        "code_hash": _code_hash(project_dir, clock),
        "landed_files": json.dumps(_landed_files(warehouse)),
    }
    warehouse.replace(FEATURE_WINDOWS, pd.DataFrame([row]))


def _landed_files(warehouse: Warehouse) -> dict[str, str]:
    rows = warehouse.read(
        f"select source || ' ' || source_file as file, file_fingerprint from {LANDINGS.sql} order by 1"
    )
    return dict(zip(rows["file"], rows["file_fingerprint"], strict=True))


def _changed_from(
    warehouse: Warehouse, before: dict[str, str], *, known_at: Mapping[Key, str]
) -> date | None:
    """First day of what landed since; the beginning of time when a known file changed or left.

    A changed file may have lost rows, and what it lost is no longer there to be dated.
    """
    now = _landed_files(warehouse)
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


def _code_hash(project_dir: Path, clock: BusinessCalendar) -> str:
    """Hash of every file and declaration that can change what a feature means."""
    digest = hashlib.sha256(json.dumps(dict(clock.declared), sort_keys=True).encode())
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
