"""Columns of each export file, mistakes included."""

from collections.abc import Iterator

import numpy as np
import pandas as pd
import pyarrow as pa

from assets.sample_shop.exports.faults import in_pence, late_batch
from assets.sample_shop.world.advertising import ad_campaigns_of
from assets.sample_shop.world.customers import contacts_of
from assets.sample_shop.world.products import launched_on
from assets.sample_shop.world.shop import Month, Shop

BAD_LINES = 12
ROWS_AT_A_TIME = 100_000
CUSTOMER_COLUMNS = [
    "customer_id",
    "first_name",
    "last_name",
    "email",
    "phone",
    "country",
    "postcode",
    "birth_year",
    "signed_up",
    "acquisition_channel",
]
EVENT_SCHEMA = pa.schema(
    {
        "visitor_id": pa.string(),
        "customer_id": pa.string(),
        "occurred_at": pa.timestamp("us"),
        "event_type": pa.string(),
        "product_id": pa.string(),
        "utm_source": pa.string(),
        "utm_medium": pa.string(),
        "campaign_id": pa.string(),
        "device": pa.string(),
        "country": pa.string(),
    }
)


def order_exports(
    shop: Shop, lines: pd.DataFrame, customer_ids: pd.Series, *, month: Month
) -> dict[str, pd.DataFrame]:
    """Return order lines by file name, oldest first: the file of the month, and the file of late lines.

    Args:
        shop: The shop.
        lines: order_id, customer (row; -1 for a guest), ordered_at, product_id, quantity, unit_price,
            channel and country.
        customer_ids: The id of each customer.
        month: Month of the orders.
    """
    ids = np.array([*customer_ids, None], dtype=object)
    priced = in_pence(shop, lines)
    is_late, exported_at = late_batch(shop, priced)
    export = pd.DataFrame(
        {
            "Order Number": priced["order_id"],
            "Customer ID": ids[priced["customer"].to_numpy()],
            "Order Date": priced["ordered_at"],
            "SKU": priced["product_id"],
            "Qty": priced["quantity"],
            "Price": priced["unit_price"].map("{:.2f}".format),
            "Channel": priced["channel"],
            "Country": priced["country"],
            "Exported At": pd.Series(pd.NaT, index=priced.index, dtype="datetime64[ns]").mask(
                is_late, exported_at
            ),
        }
    )
    on_time = _with_bad_lines(shop, export[~is_late], month=month)
    files = {f"orders_{month.name}.csv.gz": on_time}
    if is_late.any():
        files[f"orders_{month.name}_late.csv.gz"] = export[is_late]
    return files


def _with_bad_lines(shop: Shop, export: pd.DataFrame, *, month: Month) -> pd.DataFrame:
    """Add this month's share of invalid lines: twelve in all, with a price in words or without a date.

    They are added to the valid lines, so that their rejection removes no order.
    """
    months = shop.rng("exports.bad_months").integers(len(shop.months), size=BAD_LINES)
    kinds = np.flatnonzero(months == month.number) % 2
    if not len(kinds):
        return export
    chosen = shop.rng("exports.bad_lines", month.number).integers(len(export), size=len(kinds))
    bad = export.iloc[chosen].copy()
    bad.loc[kinds == 0, "Price"] = "on request"
    bad.loc[kinds == 1, "Order Date"] = pd.NaT
    return pd.concat([export, bad]).sort_index(kind="stable")


def customer_exports(shop: Shop, customers: pd.DataFrame) -> Iterator[pd.DataFrame]:
    """Yield the rows of customers.csv in blocks; ``customers`` (n, columns) as of ``customers_of``."""
    for start in range(0, len(customers), ROWS_AT_A_TIME):
        block = customers.iloc[start : start + ROWS_AT_A_TIME]
        signed_up = shop.moments(block["signed_up_day"], block["signed_up_second"])
        rows = pd.concat([block, contacts_of(block)], axis="columns").assign(signed_up=signed_up)
        yield rows[CUSTOMER_COLUMNS]


def product_export(shop: Shop, products: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of products.csv; ``products`` (n, columns) as of ``catalogue``."""
    return products.assign(launched=launched_on(shop, products))[
        ["product_id", "title", "description", "category", "unit_price", "unit_cost", "launched", "in_stock"]
    ]


def campaign_export(shop: Shop, messages: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of campaigns.csv: e-mail ``messages`` (n, columns), then paid advertising."""
    campaigns = pd.concat([messages, ad_campaigns_of(shop)], ignore_index=True)
    midnight, last_second = (np.full(len(campaigns), second) for second in (0, 86_399))
    return campaigns.assign(
        started_at=shop.moments(campaigns["started_day"], midnight),
        ended_at=shop.moments(campaigns["ended_day"], last_second),
    )[["campaign_id", "title", "channel", "started_at", "ended_at"]]


def send_exports(
    shop: Shop, sends: pd.DataFrame, customer_ids: pd.Series, *, month: Month
) -> dict[str, pd.DataFrame]:
    """Return the messages of one month by file name; empty when no message was sent.

    Args:
        shop: The shop.
        sends: As ``sends_of`` returns them, oldest first.
        customer_ids: The id of each customer.
        month: Month of the messages.
    """
    low, high = np.searchsorted(sends["day"].to_numpy(), [month.days.start, month.days.stop])
    if low == high:
        return {}
    sends = sends.iloc[low:high]
    sent_at = shop.moments(sends["day"], sends["second"])
    reactions = {
        f"{reaction}_at": sent_at + pd.to_timedelta(sends[f"{reaction}_second"].astype(np.float64), unit="s")
        for reaction in ("opened", "clicked", "unsubscribed")
    }
    rows = {
        "campaign_id": sends["campaign_id"],
        "customer_id": customer_ids.to_numpy(dtype=object)[sends["customer"].to_numpy()],
        "sent_at": sent_at,
        "channel": sends["channel"],
        "variant": sends["variant"],
        "arm": sends["arm"],
    }
    return {f"sends_{month.name}.csv.gz": pd.DataFrame({**rows, **reactions})}
