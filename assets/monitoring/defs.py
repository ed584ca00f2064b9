"""What is watched, as assets: the landed data, what became of published scores, drift, and the journals."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import dagster as dg

from assets.ingest.contracts import CONTRACTS
from assets.keys import USABILITY_REPORT, Key, raw
from assets.lifecycle import journal
from assets.lifecycle.defs import morning_of
from assets.lifecycle.problem import PredictionProblem
from assets.lifecycle.realise import realised
from assets.monitoring.drifting import drift, page_of
from assets.monitoring.profile import profiles
from assets.monitoring.usability import usability_rows
from assets.ports import ModelStore, Warehouse


def usability_asset(partitions: dg.PartitionsDefinition[str]) -> dg.AssetsDefinition:
    """``ml.usability_report``, made as soon as the exports have landed, as the morning sees them."""

    @dg.asset(
        key=dg.AssetKey(USABILITY_REPORT),
        deps=[dg.AssetKey(raw(table)) for table in CONTRACTS],
        partitions_def=partitions,
        group_name="monitoring",
        description="Which capabilities the landed data can carry, and what exactly is missing or unusable.",
        pool="warehouse",
    )
    def _usability(
        context: dg.AssetExecutionContext, warehouse: dg.ResourceParam[Warehouse]
    ) -> dg.MaterializeResult[None]:
        # The morning says what is stale.
        rows = usability_rows(profiles(warehouse), today=date.fromisoformat(context.partition_key))
        warehouse.replace(USABILITY_REPORT, rows)
        records = [
            dg.TableRecord({str(name): None if value is None else str(value) for name, value in row.items()})
            for row in rows.astype(object).where(rows.notna(), "").to_dict("records")
        ]
        return dg.MaterializeResult(
            metadata={"dagster/row_count": len(rows), "report": dg.MetadataValue.table(records)}
        )

    return _usability


def looked_back_assets(
    problem: PredictionProblem, partitions: dg.PartitionsDefinition[str], *, reports: Path
) -> list[dg.AssetsDefinition]:
    """What became of the scores of ``problem``, and how far its customers have drifted, per morning."""
    return [_realised_asset(problem, partitions), _drift_asset(problem, partitions, reports=reports)]


def _realised_asset(
    problem: PredictionProblem, partitions: dg.PartitionsDefinition[str]
) -> dg.AssetsDefinition:
    @dg.asset(
        key=dg.AssetKey(problem.realised),
        deps=[dg.AssetKey(key) for key in (*problem.features, problem.label)],
        partitions_def=partitions,
        group_name=problem.name,
        description=(
            "Published scores against what happened, once their windows have ended. The version that served "
            "says nothing new while its published probabilities have not come true."
        ),
        pool="warehouse",
    )
    def _realised(
        context: dg.AssetExecutionContext,
        warehouse: dg.ResourceParam[Warehouse],
        models: dg.ResourceParam[ModelStore],
    ) -> dg.MaterializeResult[None]:
        row = realised(morning_of(problem, context, warehouse, models)).iloc[0]
        told = {str(name): str(value) for name, value in row.dropna().items()}
        return dg.MaterializeResult(metadata={"dagster/row_count": 1, **told})

    return _realised


def _drift_asset(
    problem: PredictionProblem, partitions: dg.PartitionsDefinition[str], *, reports: Path
) -> dg.AssetsDefinition:
    @dg.asset(
        key=dg.AssetKey(problem.drifted),
        deps=[dg.AssetKey(key) for key in problem.features],
        partitions_def=partitions,
        group_name=problem.name,
        description=(
            "Every feature and the score of the morning's customers against the year the champion learned "
            "from: effect sizes beyond chance and season. Its page shows each column."
        ),
        pool="warehouse",
    )
    def _drifted(
        context: dg.AssetExecutionContext,
        warehouse: dg.ResourceParam[Warehouse],
        models: dg.ResourceParam[ModelStore],
    ) -> dg.MaterializeResult[None]:
        morning = morning_of(problem, context, warehouse, models)
        page = page_of(reports, problem, as_of=morning.as_of)
        row = drift(morning, page=page).iloc[0]
        told = {str(name): str(value) for name, value in row.dropna().items()}
        pages = {"page": dg.MetadataValue.path(str(page))} if page.is_file() else {}
        return dg.MaterializeResult(metadata={"dagster/row_count": 1, **told, **pages})

    return _drifted


def journals_asset(
    problems: tuple[PredictionProblem, ...], others: tuple[Key, ...] = ()
) -> dg.AssetsDefinition:
    """The journals every problem writes into, counted once all of them and the ``others`` have."""

    @dg.multi_asset(
        name="journals",
        specs=[
            dg.AssetSpec(
                dg.AssetKey(key),
                deps=[dg.AssetKey(each) for each in (*(problem.scores for problem in problems), *others)],
                description=kept.description,
                group_name="lifecycle",
            )
            for key, kept in journal.JOURNALS.items()
        ],
        pool="warehouse",
    )
    def _journals(warehouse: dg.ResourceParam[Warehouse]) -> Iterator[dg.MaterializeResult[None]]:
        for key in journal.JOURNALS:
            rows = int(warehouse.read(f"select count(*) as rows from {key.sql}")["rows"].iloc[0])
            yield dg.MaterializeResult(asset_key=dg.AssetKey(key), metadata={"dagster/row_count": rows})

    return _journals
