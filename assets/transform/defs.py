"""The dbt project as Dagster assets, in three steps split where partitions begin and end."""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
import pandas as pd
from dagster_dbt import DagsterDbtTranslator, DbtCliResource, DbtProject, dbt_assets
from dagster_shared.record import replace

from assets.keys import LANDINGS, Key
from assets.ports import Warehouse
from assets.transform.next_steps import NEXT_STEP, NEXT_STEPS
from assets.transform.window import BuiltFeatures, FeatureWindow, feature_window

FEATURE_WINDOWS = Key("ml", "feature_windows")

STAGED = "path:models/staging path:models/intermediate path:models/marts"
AS_OF = "path:models/intermediate/as_of"
FEATURED = f"{AS_OF} path:models/features path:models/labels"
PUBLISHED = "path:models/published"


@dataclass(frozen=True, slots=True, kw_only=True)
class BusinessClock:
    """What time it is for a business; ``today`` asks its warehouse for the newest fact.

    ``known_at`` names, for each raw table whose rows have a date, the column with when we learned of them.
    """

    time_zone: str
    first_as_of_day: date
    today: Callable[[Warehouse], date]
    known_at: Mapping[Key, str]


class RoomTranslator(DagsterDbtTranslator):
    """Puts each dbt model into the Dagster group named after its layer folder."""

    def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str | None:
        """The first folder below ``models``; sources have none, their asset says its own."""
        parts = dbt_resource_props.get("fqn", [])
        return parts[1] if dbt_resource_props["resource_type"] == "model" and len(parts) > 1 else None

    def get_asset_check_spec(
        self,
        asset_spec: dg.AssetSpec,
        manifest: Mapping[str, Any],
        unique_id: str,
        project: DbtProject | None,
    ) -> dg.AssetCheckSpec | None:
        """A dbt test as a check that says what it proves: the test's own description."""
        spec = super().get_asset_check_spec(asset_spec, manifest, unique_id, project)
        return spec and replace(spec, description=manifest["nodes"][unique_id].get("description") or None)


def transform_assets(
    project: DbtProject,
    partitions: dg.PartitionsDefinition[str],
    *,
    clock: BusinessClock,
    tell: Callable[[Mapping[str, str]], None],
) -> list[dg.AssetsDefinition]:
    """Staging and marts; features and labels per as-of day; the published contract.

    Args:
        project: The dbt project, with a manifest.
        partitions: The as-of days.
        clock: The business's time zone, first as-of day and today.
        tell: Puts what a run asks for where dbt, a process of its own, reads it.
    """
    shared: dict[str, Any] = {
        "manifest": project.manifest_path,
        "project": project,
        "dagster_dbt_translator": RoomTranslator(),
        "pool": "warehouse",
    }

    @dbt_assets(**shared, name="staged", select=STAGED, exclude=AS_OF)
    def _staged(
        context: dg.AssetExecutionContext, dbt: DbtCliResource, warehouse: dg.ResourceParam[Warehouse]
    ) -> Iterator[object]:
        tell({"time_zone": clock.time_zone})
        yield from _build(context, dbt, warehouse)

    @dbt_assets(
        **shared,
        name="featured",
        select=FEATURED,
        partitions_def=partitions,
        backfill_policy=dg.BackfillPolicy.single_run(),
    )
    def _featured(
        context: dg.AssetExecutionContext, dbt: DbtCliResource, warehouse: dg.ResourceParam[Warehouse]
    ) -> Iterator[object]:
        now = clock.today(warehouse)
        asked = date.fromisoformat(context.partition_key_range.end)
        if asked > now:
            raise dg.Failure(_too_late(asked, now), allow_retries=False)
        window = _window(asked, clock, warehouse=warehouse, project=project)
        asked_for = {"as_of_from": str(window.first), "as_of_to": str(window.last), "today": str(now)}
        tell({"time_zone": clock.time_zone, **asked_for})
        yield from _build(context, dbt, warehouse, is_full_refresh=window.is_full_refresh)
        _remember(window, warehouse, project)

    @dbt_assets(**shared, name="published", select=PUBLISHED)
    def _published(
        context: dg.AssetExecutionContext, dbt: DbtCliResource, warehouse: dg.ResourceParam[Warehouse]
    ) -> Iterator[object]:
        tell({"time_zone": clock.time_zone})
        yield from _build(context, dbt, warehouse)

    return [_staged, _featured, _published]


def _build(
    context: dg.AssetExecutionContext,
    dbt: DbtCliResource,
    warehouse: Warehouse,
    *,
    is_full_refresh: bool = False,
) -> Iterator[object]:
    """Run ``dbt build`` for the step's models; every test result is reported before a failure is raised."""
    # Unit tests prove the SQL, not the data: they run with the other tests.
    arguments = ["build", "--exclude-resource-type", "unit_test"]
    invocation = dbt.cli(
        [*arguments, *(["--full-refresh"] if is_full_refresh else [])], context=context, raise_on_error=False
    )
    # Row counts are read once dbt has let go of the file: two processes cannot hold it.
    events = list(invocation.stream())
    for event in events:
        if isinstance(event, dg.Output) and event.output_name:
            key = context.asset_key_for_output(event.output_name)
            context.add_output_metadata(
                {"dagster/row_count": _row_count(warehouse, Key(*key.path))}, output_name=event.output_name
            )
        yield _advised(event)
    if not invocation.is_successful():
        raise dg.Failure(
            f"dbt build failed: {invocation.get_error() or 'see the test results above'}",
            allow_retries=False,
        )


def _advised(event: object) -> object:
    """``event``; a failed check with what to do next."""
    if not isinstance(event, dg.AssetCheckResult) or event.passed:
        return event
    step = NEXT_STEPS.get(event.check_name or "")
    told = {NEXT_STEP: dg.MetadataValue.text(step)} if step else {}
    return event._replace(metadata={**event.metadata, **told})


def _row_count(warehouse: Warehouse, key: Key) -> int:
    return int(warehouse.read(f"select count(*) as rows from {key.sql}")["rows"].iloc[0])


def _too_late(asked: date, today: date) -> str:
    return (
        f"as-of day {asked} lies in the future of this business: its newest fact was known the day before "
        f"{today}. Choose an as-of day that is not after {today}."
    )


def _window(asked: date, clock: BusinessClock, *, warehouse: Warehouse, project: DbtProject) -> FeatureWindow:
    built, landed = _remembered(warehouse)
    return feature_window(
        asked,
        clock.first_as_of_day,
        built=built,
        code_hash=_code_hash(project.project_dir),
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


def _remember(window: FeatureWindow, warehouse: Warehouse, project: DbtProject) -> None:
    built, _ = _remembered(warehouse)
    keeps = built is not None and not window.is_full_refresh
    row = {
        "first_day": str(min(window.first, built.first) if keeps and built else window.first),
        "last_day": str(max(window.last, built.last) if keeps and built else window.last),
        "code_hash": _code_hash(project.project_dir),
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


def _code_hash(project_dir: Path) -> str:
    """Hash of every file that can change what a feature means."""
    digest = hashlib.sha256()
    for folder in (
        "models/staging",
        "models/intermediate",
        "models/marts",
        "models/features",
        "macros",
        "seeds",
    ):
        for file in sorted((project_dir / folder).rglob("*")):
            if file.is_file():
                digest.update(str(file.relative_to(project_dir)).encode() + file.read_bytes())
    return digest.hexdigest()[:16]
