"""The audience of a morning, the ledger of what was sent, and what contact has changed, as assets."""

from collections.abc import Iterator, Mapping
from datetime import date
from types import MappingProxyType

import dagster as dg
import pandas as pd

from assets.activation.audience import audience_on
from assets.activation.lift import ALL, measured
from assets.activation.tables import (
    AUDIENCE_SENDS,
    AUDIENCE_TYPES,
    AUDIENCES,
    EXPERIMENT_LIFT,
    LIFT_TYPES,
    SEND_TYPES,
)
from assets.keys import Key
from assets.lifecycle.store.schemas import typed
from assets.ports import Warehouse

TOLD: Mapping[Key, str] = MappingProxyType(
    {
        AUDIENCES: "The best tenth of the morning by probability times expected amount, and who of them may "
        "be contacted.",
        AUDIENCE_SENDS: "One row per audience written for a destination, by `make audience`.",
        EXPERIMENT_LIFT: "Orders of the contacted against those held out at random, with 95 % intervals.",
    }
)
MEASURED_FROM = (Key("marts", "fct_send"), Key("intermediate", "int_order__net_of_voids"))


def activation_asset(
    partitions: dg.PartitionsDefinition[str], *, propensity: Key, value: Key
) -> dg.AssetsDefinition:
    """Whom to contact on a morning, and what contact has changed until then.

    Args:
        partitions: The as-of days.
        propensity: Scores with a probability.
        value: Scores with an expected amount per horizon.
    """
    waits_for = [dg.AssetKey(key) for key in (propensity, value, *MEASURED_FROM)]

    @dg.multi_asset(
        name="activation",
        specs=[
            dg.AssetSpec(dg.AssetKey(key), deps=waits_for, description=text, group_name="activation")
            for key, text in TOLD.items()
        ],
        partitions_def=partitions,
        pool="warehouse",
    )
    def _activation(
        context: dg.AssetExecutionContext, warehouse: dg.ResourceParam[Warehouse]
    ) -> Iterator[dg.MaterializeResult[None]]:
        as_of = date.fromisoformat(context.partition_key)
        prepare(warehouse)
        audience = audience_on(warehouse, propensity=propensity, value=value, as_of=as_of)
        lift = measured(warehouse, as_of=as_of)
        sends = warehouse.read(f"select * from {AUDIENCE_SENDS.sql}")
        for key, rows in ((AUDIENCES, audience), (EXPERIMENT_LIFT, lift)):
            warehouse.replace_partition(key, rows, column="as_of_date", value=as_of)
        yield _result(
            AUDIENCES, audience, {str(f): int(n) for f, n in audience["fate"].value_counts().items()}
        )
        yield _result(AUDIENCE_SENDS, sends, {})
        yield _result(EXPERIMENT_LIFT, lift, _overall(lift))

    return _activation


def prepare(warehouse: Warehouse) -> None:
    """Create the tables that are not there yet, empty: each reads the others."""
    types = {AUDIENCES: AUDIENCE_TYPES, AUDIENCE_SENDS: SEND_TYPES, EXPERIMENT_LIFT: LIFT_TYPES}
    warehouse.prepare({key: typed([], each) for key, each in types.items()})


def _result(key: Key, rows: pd.DataFrame, told: Mapping[str, int | str]) -> dg.MaterializeResult[None]:
    return dg.MaterializeResult(asset_key=dg.AssetKey(key), metadata={"dagster/row_count": len(rows), **told})


def _overall(lift: pd.DataFrame) -> dict[str, str]:
    return {
        str(row["experiment"]): f"{row['difference']:+.4f} [{row['ci_lo']:+.4f}, {row['ci_hi']:+.4f}]"
        for row in lift.loc[lift["name"] == ALL].to_dict("records")
    }
