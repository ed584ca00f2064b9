"""Assets of activation: the audience of an as-of date, the log of exported files, and the lift of contact."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from types import MappingProxyType

import dagster as dg
import pandas as pd

from assets.activation.audience import build_audience
from assets.activation.lift import ALL, measure_lift
from assets.activation.rules import CUSTOMERS, build_ruled_audiences
from assets.activation.tables import (
    AUDIENCE_EXPORTS,
    AUDIENCE_TYPES,
    AUDIENCES,
    EXPERIMENT_LIFT,
    EXPORT_TYPES,
    LIFT_TYPES,
)
from assets.ingest.config.audiences import AudienceRule
from assets.keys import Key
from assets.lifecycle.store.schemas import typed
from assets.ports import Warehouse

DESCRIPTIONS: Mapping[Key, str] = MappingProxyType(
    {
        AUDIENCES: "The best tenth of customers by the amount expected in 30 days, and the audiences of the "
        "YAML, with the reason why a customer may not be contacted.",
        AUDIENCE_EXPORTS: "One row per audience and destination exported by `make audience`.",
        EXPERIMENT_LIFT: "Order rates of contacted and of randomly held-out customers, with 95 % intervals.",
    }
)
MEASURED_FROM = (Key("marts", "fct_send"), Key("intermediate", "int_order__net_of_voids"))


def activation_asset(
    partitions: dg.PartitionsDefinition[str], *, propensity: Key, value: Key, rules: Sequence[AudienceRule]
) -> dg.AssetsDefinition:
    """Multi-asset of the audiences, the export log and the lift of one as-of date.

    Args:
        partitions: The as-of dates.
        propensity: Score table with a probability.
        value: Score table with an expected amount per horizon.
        rules: Rules of further audiences, over the published wide table.
    """
    waits_for = [dg.AssetKey(key) for key in (propensity, value, CUSTOMERS, *MEASURED_FROM)]

    @dg.multi_asset(
        name="activation",
        specs=[
            dg.AssetSpec(dg.AssetKey(key), deps=waits_for, description=text, group_name="activation")
            for key, text in DESCRIPTIONS.items()
        ],
        partitions_def=partitions,
        pool="warehouse",
    )
    def _activation(
        context: dg.AssetExecutionContext, warehouse: dg.ResourceParam[Warehouse]
    ) -> Iterator[dg.MaterializeResult[None]]:
        as_of = date.fromisoformat(context.partition_key)
        prepare(warehouse)
        best = build_audience(warehouse, propensity=propensity, value=value, as_of=as_of)
        ruled = build_ruled_audiences(warehouse, rules, as_of=as_of)
        audience = pd.concat([best, ruled], ignore_index=True)
        lift = measure_lift(warehouse, as_of=as_of)
        exports = warehouse.read(f"select * from {AUDIENCE_EXPORTS.sql}")
        for key, rows in ((AUDIENCES, audience), (EXPERIMENT_LIFT, lift)):
            warehouse.replace_partition(key, rows, column="as_of_date", value=as_of)
        counts = audience["suppress_reason"].fillna("member").value_counts()
        yield _result(AUDIENCES, audience, {str(reason): int(count) for reason, count in counts.items()})
        yield _result(AUDIENCE_EXPORTS, exports, {})
        yield _result(EXPERIMENT_LIFT, lift, _overall(lift))

    return _activation


def prepare(warehouse: Warehouse) -> None:
    """Create missing tables, empty, because the queries of each table read the others."""
    types = {AUDIENCES: AUDIENCE_TYPES, AUDIENCE_EXPORTS: EXPORT_TYPES, EXPERIMENT_LIFT: LIFT_TYPES}
    warehouse.prepare({key: typed([], each) for key, each in types.items()})


def _result(key: Key, rows: pd.DataFrame, facts: Mapping[str, int | str]) -> dg.MaterializeResult[None]:
    return dg.MaterializeResult(
        asset_key=dg.AssetKey(key), metadata={"dagster/row_count": len(rows), **facts}
    )


def _overall(lift: pd.DataFrame) -> dict[str, str]:
    return {
        str(row["experiment"]): f"{row['difference']:+.4f} [{row['ci_lo']:+.4f}, {row['ci_hi']:+.4f}]"
        for row in lift.loc[lift["name"] == ALL].to_dict("records")
    }
