"""Retention: delete as-of dates and model versions that a business no longer keeps, and record what went."""

import re
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

import pandas as pd

from assets.features.matrix import AS_OF
from assets.keys import CALIBRATION_BINS, ERASURES, METRICS, MODEL_REGISTRY, RETRAIN_LOG, Key
from assets.lifecycle.spec import Spec
from assets.lifecycle.store.schemas import COUNT, DATE, INSTANT, TEXT, Types, typed
from assets.ports import ModelStore, Warehouse
from assets.transform.build_state import FEATURE_BUILD_STATE

COHORT = Key("point_in_time", "pit_customer__cohort")
RETENTION_LOG = Key("ml", "retention_log")
RETENTION_TYPES: Types = {
    "run_id": TEXT,
    "deleted_at": INSTANT,
    "place": TEXT,
    "deleted": COUNT,
    "before_date": DATE,
}
# Layers whose tables have rows by as-of date.
SCHEMAS = ("point_in_time", "features", "labels", "ml")
# No row of these is about a person, and an old one still decides or proves something.
KEPT = (RETRAIN_LOG, MODEL_REGISTRY, METRICS, CALIBRATION_BINS, ERASURES)
DATED = re.compile(r"(?<!\d)(\d{4}-\d{2}-\d{2})(?!\d)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """What a business keeps.

    Attributes:
        as_of_dates: The newest as-of dates that stay.
        models: The newest versions of each capability that stay, besides the one that serves and the one that
            a rollback would bring back.
        folders: Folders of files that have an as-of date in their name.
        also_kept: Tables with as-of dates that stay as well.
        specs: Every capability.
    """

    as_of_dates: int
    models: int
    specs: tuple[Spec, ...]
    folders: tuple[Path, ...] = ()
    also_kept: tuple[Key, ...] = ()


def delete_old(
    warehouse: Warehouse,
    models: ModelStore,
    *,
    kept: Retention,
    run_id: str,
    now: datetime,
) -> pd.DataFrame:
    """Delete what is older than ``kept`` says, and append a row per place that lost something to the log.

    As-of dates are counted, not days: a clock that is ahead for a day deletes one date too many at most.

    Args:
        warehouse: Tables with rows by as-of date.
        models: Model files.
        kept: What stays.
        run_id: The run.
        now: Naive UTC.

    Returns:
        The new rows of ``ml.retention_log``.
    """
    warehouse.prepare({RETENTION_LOG: typed([], RETENTION_TYPES)})
    before = _first_kept_date(warehouse, kept.as_of_dates)
    rows = list[dict[str, object]]()
    if before is not None:
        decided = {key for spec in kept.specs for key in (spec.champion, spec.evaluation)}
        rows += _delete_rows(warehouse, before=before, stay={*KEPT, *decided, *kept.also_kept})
        rows += _delete_files(kept.folders, before=before)
    for spec in kept.specs:
        rows += _delete_versions(warehouse, models, spec, most=kept.models)
    log = typed([{"run_id": run_id, "deleted_at": now, **row} for row in rows], RETENTION_TYPES)
    if len(log):
        warehouse.append(RETENTION_LOG, log)
    return log


def _first_kept_date(warehouse: Warehouse, as_of_dates: int) -> date | None:
    """The oldest of the newest ``as_of_dates``; ``None`` while there are no more than that."""
    days = warehouse.read(
        f"select distinct {AS_OF} as day from {COHORT.sql} order by day desc limit $most",
        {"most": as_of_dates + 1},
    )["day"]
    return pd.Timestamp(days.iloc[-2]).date() if len(days) > as_of_dates else None


def _delete_rows(warehouse: Warehouse, *, before: date, stay: set[Key]) -> Iterator[dict[str, object]]:
    tables = warehouse.read(
        "select table_schema, table_name from information_schema.columns "
        "inner join information_schema.tables using (table_catalog, table_schema, table_name) "
        f"where column_name = '{AS_OF}' and table_type = 'BASE TABLE' "
        "and table_catalog = current_catalog() and list_contains($schemas, table_schema) order by all",
        {"schemas": list(SCHEMAS)},
    )
    with warehouse.connect() as connection:
        for schema, name in tables.itertuples(index=False):
            key = Key(str(schema), str(name))
            if key in stay:
                continue
            sql = f"delete from {key.sql} where {AS_OF} < $before"
            ((deleted,),) = connection.execute(sql, {"before": before}).fetchall()
            yield from _row(".".join(key), deleted, before)
        # So that a business that keeps more from now on gets the dates before built again.
        state = f"update {FEATURE_BUILD_STATE.sql} set first_day = greatest(first_day, $before)"
        connection.execute(state, {"before": before.isoformat()})


def _delete_files(folders: Iterable[Path], *, before: date) -> Iterator[dict[str, object]]:
    for folder in folders:
        old = [file for file in sorted(folder.rglob("*")) if file.is_file() and _is_before(file.name, before)]
        for file in old:
            file.unlink()
        yield from _row(f"{folder.name}/", len(old), before)


def _is_before(name: str, before: date) -> bool:
    found = DATED.search(name)
    return found is not None and found.group(1) < before.isoformat()


def _delete_versions(
    warehouse: Warehouse, models: ModelStore, spec: Spec, *, most: int
) -> Iterator[dict[str, object]]:
    """Delete the folders of old versions; their rows in the registry stay."""
    serving = warehouse.read(
        f"select model_version, is_fallback from {spec.champion.sql} order by {AS_OF} desc"
    )
    stay = set(serving["model_version"].head(1))
    earlier = serving.loc[~serving["is_fallback"] & ~serving["model_version"].isin(stay), "model_version"]
    stay |= set(earlier.head(1))
    # A version's name begins with its as-of date.
    folder = models.folder(spec.name, "").resolve()
    versions = sorted((each.name for each in folder.iterdir() if each.is_dir()), reverse=True)
    old = [name for name in versions[most:] if name not in stay]
    for name in old:
        shutil.rmtree(folder / name)
    yield from _row(f"models/{spec.name}/", len(old), None)


def _row(place: str, deleted: int, before: date | None) -> Iterator[dict[str, object]]:
    if deleted:
        yield {"place": place, "deleted": deleted, "before_date": before}
