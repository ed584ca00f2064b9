"""Asset of the sample shop's exports."""

from pathlib import Path

import dagster as dg

from assets.keys import Key
from assets.sample_shop.exports.simulate import simulate
from assets.sample_shop.world.shop import Shop

EXPORTS = Key("exports", "sample_shop")


def sample_shop_asset(shop: Shop, *, landing: Path, truth: Path) -> dg.AssetsDefinition:
    """Asset of the export files of ``shop``.

    Args:
        shop: The shop to simulate.
        landing: Folder of the exports.
        truth: Folder of the true parameters, for tests only.
    """

    @dg.asset(
        key=dg.AssetKey(EXPORTS),
        group_name="sample_shop",
        description=(
            f"Export files of a simulated shop: {shop.customers:,} customers, {shop.first_day} to "
            f"{shop.last_day}, seed {shop.seed}. The true parameters are kept apart, for tests only."
        ),
    )
    def _exports() -> dg.MaterializeResult[None]:
        rows = dict(simulate(shop, landing=landing, truth=truth))
        return dg.MaterializeResult(
            metadata={
                "exports": dg.MetadataValue.path(str(landing)),
                "truth": dg.MetadataValue.path(str(truth)),
                "dagster/row_count": rows.pop("order_lines"),
                **rows,
            }
        )

    return _exports
