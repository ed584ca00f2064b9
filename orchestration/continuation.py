"""Continuation of a run without the capabilities that failed in it: the others are scored and published."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

import dagster as dg

# Dagster exports no public name for what define_asset_job returns.
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from assets.defs import PARTITION_TAG
from orchestration.alerts import cause
from orchestration.capabilities import CAPABILITIES
from orchestration.jobs import PREDICT_AND_PUBLISH, RETRAIN, SCORE, Stages
from orchestration.policies import status_of

CONTINUED = (PREDICT_AND_PUBLISH, SCORE, RETRAIN)
NAMES = frozenset(each.spec.name for each in CAPABILITIES)


@dataclass(frozen=True, slots=True, kw_only=True)
class CapabilityFailure:
    """A step of a capability that raised an exception, and the exception in one line."""

    capability: str
    step: str
    reason: str

    def __str__(self) -> str:
        return f"{self.capability}: {self.reason} (step {self.step})"


def capability_failures(events: Iterable[dg.DagsterEvent], stages: Stages) -> list[CapabilityFailure]:
    """The failures of a run if every failed step belongs to a capability; else none.

    A failed step of all capabilities, or a failed check, may make any published number false.

    Args:
        events: Events of the failed steps.
        stages: Assets of the business.
    """
    steps, found = _steps(stages), []
    for event in events:
        capability = steps.get(event.step_key or "")
        if capability is None:
            return []
        found.append(CapabilityFailure(capability=capability, step=str(event.step_key), reason=cause(event)))
    return found


def assets_left(
    stages: Stages,
    selected: Collection[dg.AssetKey],
    *,
    materialized: Collection[dg.AssetKey],
    failed: Iterable[CapabilityFailure],
) -> list[dg.AssetKey]:
    """Assets of a run that it did not materialise, without those of the failed capabilities.

    What was published of these before is published again.

    Args:
        stages: Assets of the business.
        selected: Assets of the run.
        materialized: Those that it materialised.
        failed: Failures of the run.
    """
    names = {each.capability for each in failed}
    own = {key for asset in _fitted(stages) if _capability(asset) in names for key in asset.keys}
    return sorted({*selected} - {*materialized} - own)


def capability_failed_sensor(
    stages: Stages, jobs: Mapping[str, UnresolvedAssetJobDefinition]
) -> dg.SensorDefinition:
    """Launch the rest of a run in which a capability failed."""

    @dg.run_status_sensor(
        name="capability_failed_sensor",
        run_status=dg.DagsterRunStatus.FAILURE,
        default_status=status_of("capability_failed_sensor"),
        request_jobs=[jobs[name] for name in CONTINUED],
        description="Launches the rest of a run without the capability that failed in it.",
    )
    def _failed(context: dg.RunStatusSensorContext) -> dg.RunRequest | dg.SkipReason:
        run, kinds = context.dagster_run, dg.DagsterEventType
        if run.job_name not in CONTINUED:
            return dg.SkipReason(f"{run.job_name} has no capability")

        def events(kind: dg.DagsterEventType) -> list[dg.DagsterEvent]:
            logged = context.instance.all_logs(run.run_id, of_type=kind)
            return [entry.dagster_event for entry in logged if entry.dagster_event]

        def keys(kind: dg.DagsterEventType) -> set[dg.AssetKey]:
            return {each.asset_key for each in events(kind) if each.asset_key}

        failed = capability_failures(events(kinds.STEP_FAILURE), stages)
        planned, made = keys(kinds.ASSET_MATERIALIZATION_PLANNED), keys(kinds.ASSET_MATERIALIZATION)
        left = assets_left(stages, planned, materialized=made, failed=failed)
        if not failed or not left:
            return dg.SkipReason("the run failed outside of a capability, or nothing is left of it")
        return dg.RunRequest(
            run_key=run.run_id,
            job_name=run.job_name,
            partition_key=run.tags.get(PARTITION_TAG),
            asset_selection=left,
        )

    return _failed


def _fitted(stages: Stages) -> list[dg.AssetsDefinition]:
    made = (*stages.monitored, *stages.trained, *stages.refitted_every_run, *stages.scored)
    return [asset for asset in made if _capability(asset) is not None]


def _capability(asset: dg.AssetsDefinition) -> str | None:
    """The capability that all keys of ``asset`` belong to, by their group."""
    groups = {*asset.group_names_by_key.values()}
    return next(iter(groups)) if len(groups) == 1 and groups <= NAMES else None


def _steps(stages: Stages) -> dict[str, str]:
    return {asset.node_def.name: str(_capability(asset)) for asset in _fitted(stages)}
