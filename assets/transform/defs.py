"""The dbt project as Dagster assets, in three steps split where partitions begin and end."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, DbtProject, dbt_assets
from dagster_dbt.asset_utils import (
    default_description_fn,
    get_updated_cli_invocation_params_for_context,
)
from dagster_dbt.core.dbt_cli_event import DbtCoreCliEventMessage
from dagster_shared.record import replace

from assets.keys import Key
from assets.ports import Dbt, Warehouse
from assets.transform.build_state import BusinessCalendar, next_window, write_build_state
from assets.transform.remediation import NEXT_STEP, NEXT_STEPS, next_step_of

STAGING = "path:models/staging path:models/intermediate path:models/marts"
POINT_IN_TIME = "path:models/point_in_time"
FEATURES = f"{POINT_IN_TIME} path:models/features path:models/labels"
PUBLISHED = "path:models/published"
# Rules of audiences read the published wide table, so these are published after it.
ACTIVATION = "audiences audience_exports experiment_lift"


class LayerTranslator(DagsterDbtTranslator):
    """Puts each dbt model into the Dagster group named after the folder of its layer."""

    def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str | None:
        """The first folder below ``models``; ``None`` for sources, whose assets declare a group."""
        parts = dbt_resource_props.get("fqn", [])
        return parts[1] if dbt_resource_props["resource_type"] == "model" and len(parts) > 1 else None

    def get_description(self, dbt_resource_props: Mapping[str, Any]) -> str:
        """What the model says of itself, without its SQL: the raw Jinja explains nothing to a marketer."""
        return str(default_description_fn(dbt_resource_props, display_raw_sql=False))

    def get_asset_check_spec(
        self,
        asset_spec: dg.AssetSpec,
        manifest: Mapping[str, Any],
        unique_id: str,
        project: DbtProject | None,
    ) -> dg.AssetCheckSpec | None:
        """The check of a dbt test, with the description of the test and the next step when it fails.

        Args:
            asset_spec: The asset of the model.
            manifest: dbt's manifest.
            unique_id: The test.
            project: The dbt project.
        """
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
    calendar: BusinessCalendar,
    export_environment: Callable[[Mapping[str, str]], None],
) -> list[dg.AssetsDefinition]:
    """Assets of staging and marts, of features and labels per as-of date, of published tables, of activation.

    Args:
        project: The dbt project, with a manifest.
        partitions: The as-of dates.
        calendar: Of the business: declared settings, first as-of date and today.
        export_environment: Exports the parameters of a run to dbt.
    """
    shared: dict[str, Any] = {
        "manifest": project.manifest_path,
        "project": project,
        "dagster_dbt_translator": LayerTranslator(),
        "pool": "warehouse",
    }

    @dbt_assets(**shared, name="staged", select=STAGING)
    def _staged(
        context: dg.AssetExecutionContext, dbt: dg.ResourceParam[Dbt], warehouse: dg.ResourceParam[Warehouse]
    ) -> Iterator[object]:
        export_environment(calendar.declared)
        yield from _build(context, dbt, warehouse)

    @dbt_assets(
        **shared,
        name="featured",
        select=FEATURES,
        partitions_def=partitions,
        backfill_policy=dg.BackfillPolicy.single_run(),
    )
    def _featured(
        context: dg.AssetExecutionContext, dbt: dg.ResourceParam[Dbt], warehouse: dg.ResourceParam[Warehouse]
    ) -> Iterator[object]:
        now = calendar.today(warehouse)
        requested = date.fromisoformat(context.partition_key_range.end)
        if requested > now:
            raise dg.Failure(
                f"as-of date {requested} lies in the future of this business: its newest fact was known the "
                f"day before {now}. Choose an as-of date that is not after {now}.",
                allow_retries=False,
            )
        window = next_window(requested, calendar, warehouse=warehouse, project_dir=project.project_dir)
        parameters = {"as_of_from": str(window.first), "as_of_to": str(window.last), "today": str(now)}
        export_environment({**calendar.declared, **parameters})
        yield from _build(context, dbt, warehouse, is_full_refresh=window.is_full_refresh)
        write_build_state(window, calendar, warehouse=warehouse, project_dir=project.project_dir)

    @dbt_assets(**shared, name="published", select=PUBLISHED, exclude=ACTIVATION)
    def _published(
        context: dg.AssetExecutionContext, dbt: dg.ResourceParam[Dbt], warehouse: dg.ResourceParam[Warehouse]
    ) -> Iterator[object]:
        export_environment(calendar.declared)
        yield from _build(context, dbt, warehouse)

    @dbt_assets(**shared, name="activated", select=ACTIVATION)
    def _activated(
        context: dg.AssetExecutionContext, dbt: dg.ResourceParam[Dbt], warehouse: dg.ResourceParam[Warehouse]
    ) -> Iterator[object]:
        export_environment(calendar.declared)
        yield from _build(context, dbt, warehouse)

    return [_staged, _featured, _published, _activated]


def _build(
    context: dg.AssetExecutionContext,
    dbt: Dbt,
    warehouse: Warehouse,
    *,
    is_full_refresh: bool = False,
) -> Iterator[object]:
    """Run ``dbt build`` for the models of the step; report every test result before raising a failure."""
    invocation = get_updated_cli_invocation_params_for_context(
        context=context, manifest={}, dagster_dbt_translator=DagsterDbtTranslator()
    )
    if invocation.dbt_project is None:
        raise dg.DagsterInvariantViolationError("a dbt step needs a dbt project")
    # dbt's unit tests test SQL, not data; they run with the project's tests.
    arguments = ["build", "--no-write-json", "--exclude-resource-type", "unit_test"]
    arguments += invocation.selection_args
    if is_full_refresh:
        arguments.append("--full-refresh")
    if invocation.indirect_selection:
        arguments += ["--indirect-selection", invocation.indirect_selection]
    finished = dbt.run(arguments, project_dir=invocation.dbt_project.project_dir, step=context.op.name)
    events = [
        event
        for raw_event in finished.events
        for event in DbtCoreCliEventMessage(raw_event, {}).to_default_asset_events(
            invocation.manifest, invocation.dagster_dbt_translator, context, project=invocation.dbt_project
        )
    ]
    _add_row_counts(context, events, warehouse)
    yield from map(_with_next_step, events)
    if not finished.is_successful:
        raise dg.Failure("dbt build failed: " + "\n\n".join(finished.errors), allow_retries=False)


def _add_row_counts(
    context: dg.AssetExecutionContext, events: Iterable[object], warehouse: Warehouse
) -> None:
    outputs = [event.output_name for event in events if isinstance(event, dg.Output) and event.output_name]
    with warehouse.connect() as connection:
        for output in outputs:
            table = Key(*context.asset_key_for_output(output).path)
            counted = connection.execute(f"select count(*) from {table.sql}").fetchone()
            context.add_output_metadata({"dagster/row_count": counted and counted[0]}, output_name=output)


def _with_next_step(event: object) -> object:
    """``event``, with the next step in its metadata if it is a failed check."""
    if not isinstance(event, dg.AssetCheckResult) or event.passed:
        return event
    step = NEXT_STEPS.get(event.check_name or "")
    advice = {NEXT_STEP: dg.MetadataValue.text(step)} if step else {}
    return event._replace(metadata={**event.metadata, **advice})
