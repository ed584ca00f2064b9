"""The dbt project as Dagster assets, in three steps split where partitions begin and end."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, DbtProject, dbt_assets
from dagster_dbt.asset_utils import get_updated_cli_invocation_params_for_context
from dagster_dbt.core.dbt_cli_event import DbtCoreCliEventMessage
from dagster_shared.record import replace

from assets.keys import Key
from assets.ports import Dbt, Warehouse
from assets.transform.build_state import BusinessCalendar, next_window, remember
from assets.transform.remediation import NEXT_STEP, NEXT_STEPS, next_step_of

STAGED = "path:models/staging path:models/intermediate path:models/marts"
POINT_IN_TIME = "path:models/point_in_time"
FEATURED = f"{POINT_IN_TIME} path:models/features path:models/labels"
PUBLISHED = "path:models/published"


class LayerTranslator(DagsterDbtTranslator):
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
        """A dbt test as a check with the test's own description and the next step when it fails."""
        spec = super().get_asset_check_spec(asset_spec, manifest, unique_id, project)
        if spec is None:
            return None
        return replace(
            spec,
            description=manifest["nodes"][unique_id].get("description") or None,
            metadata={**spec.metadata, NEXT_STEP: next_step_of(spec.name)},
        )


def transform_assets(
    project: DbtProject,
    partitions: dg.PartitionsDefinition[str],
    *,
    clock: BusinessCalendar,
    tell: Callable[[Mapping[str, str]], None],
) -> list[dg.AssetsDefinition]:
    """Staging and marts; features and labels per as-of day; the published contract.

    Args:
        project: The dbt project, with a manifest.
        partitions: The as-of days.
        clock: What the business declares, its first as-of day and today.
        tell: Puts what a run asks for where dbt reads it.
    """
    shared: dict[str, Any] = {
        "manifest": project.manifest_path,
        "project": project,
        "dagster_dbt_translator": LayerTranslator(),
        "pool": "warehouse",
    }

    @dbt_assets(**shared, name="staged", select=STAGED)
    def _staged(
        context: dg.AssetExecutionContext, dbt: dg.ResourceParam[Dbt], warehouse: dg.ResourceParam[Warehouse]
    ) -> Iterator[object]:
        tell(clock.declared)
        yield from _build(context, dbt, warehouse)

    @dbt_assets(
        **shared,
        name="featured",
        select=FEATURED,
        partitions_def=partitions,
        backfill_policy=dg.BackfillPolicy.single_run(),
    )
    def _featured(
        context: dg.AssetExecutionContext, dbt: dg.ResourceParam[Dbt], warehouse: dg.ResourceParam[Warehouse]
    ) -> Iterator[object]:
        now = clock.today(warehouse)
        asked = date.fromisoformat(context.partition_key_range.end)
        if asked > now:
            raise dg.Failure(_too_late(asked, now), allow_retries=False)
        window = next_window(asked, clock, warehouse=warehouse, project_dir=project.project_dir)
        asked_for = {"as_of_from": str(window.first), "as_of_to": str(window.last), "today": str(now)}
        tell({**clock.declared, **asked_for})
        yield from _build(context, dbt, warehouse, is_full_refresh=window.is_full_refresh)
        remember(window, clock, warehouse=warehouse, project_dir=project.project_dir)

    @dbt_assets(**shared, name="published", select=PUBLISHED)
    def _published(
        context: dg.AssetExecutionContext, dbt: dg.ResourceParam[Dbt], warehouse: dg.ResourceParam[Warehouse]
    ) -> Iterator[object]:
        tell(clock.declared)
        yield from _build(context, dbt, warehouse)

    return [_staged, _featured, _published]


def _build(
    context: dg.AssetExecutionContext,
    dbt: Dbt,
    warehouse: Warehouse,
    *,
    is_full_refresh: bool = False,
) -> Iterator[object]:
    """Run ``dbt build`` for the step's models; every test result is reported before a failure is raised."""
    asked = get_updated_cli_invocation_params_for_context(
        context=context, manifest={}, dagster_dbt_translator=DagsterDbtTranslator()
    )
    if asked.dbt_project is None:
        raise dg.DagsterInvariantViolationError("a dbt step without a dbt project")
    # Unit tests prove the SQL, not the data: they run with the other tests.
    arguments = ["build", "--no-write-json", "--exclude-resource-type", "unit_test", *asked.selection_args]
    arguments += ["--full-refresh"] if is_full_refresh else []
    arguments += ["--indirect-selection", asked.indirect_selection] if asked.indirect_selection else []
    ended = dbt.run(arguments, project_dir=asked.dbt_project.project_dir, step=context.op.name)
    events = [
        event
        for raw_event in ended.events
        for event in DbtCoreCliEventMessage(raw_event, {}).to_default_asset_events(
            asked.manifest, asked.dagster_dbt_translator, context, project=asked.dbt_project
        )
    ]
    _count_rows(context, events, warehouse)
    yield from map(_advised, events)
    if not ended.is_successful:
        raise dg.Failure("dbt build failed: " + "\n\n".join(ended.errors), allow_retries=False)


def _count_rows(context: dg.AssetExecutionContext, events: Iterable[object], warehouse: Warehouse) -> None:
    outputs = [event.output_name for event in events if isinstance(event, dg.Output) and event.output_name]
    with warehouse.connect() as connection:
        for output in outputs:
            table = Key(*context.asset_key_for_output(output).path)
            counted = connection.execute(f"select count(*) from {table.sql}").fetchone()
            context.add_output_metadata({"dagster/row_count": counted and counted[0]}, output_name=output)


def _advised(event: object) -> object:
    """``event``; a failed check with what to do next."""
    if not isinstance(event, dg.AssetCheckResult) or event.passed:
        return event
    step = NEXT_STEPS.get(event.check_name or "")
    told = {NEXT_STEP: dg.MetadataValue.text(step)} if step else {}
    return event._replace(metadata={**event.metadata, **told})


def _too_late(asked: date, today: date) -> str:
    return (
        f"as-of day {asked} lies in the future of this business: its newest fact was known the day before "
        f"{today}. Choose an as-of day that is not after {today}."
    )
