"""Rows per source and day, as known on one as-of date."""

from datetime import date, timedelta

import pandas as pd

from assets.ingest.config.contract import Contract
from assets.keys import raw
from assets.ports import Warehouse

# A new export that starts while the old one ends: they may overlap, and a weekend may lie between.
LONGEST_OVERLAP, LONGEST_PAUSE = timedelta(days=14), timedelta(days=7)


def daily_arrivals(warehouse: Warehouse, contract: Contract, *, as_of: date) -> pd.DataFrame:
    """Rows per source and day of a table with event times; days without rows are left out.

    Days and the as-of date are UTC: one hour of a time zone moves few rows to another day, too few to make a
    volume normal or anomalous.

    Args:
        warehouse: Holds the raw table.
        contract: Contract of the table, with ``happened_at``.
        as_of: A Monday; rows that happened or became known on that day or later do not count.

    Returns:
        source, day (``datetime64``), rows and rows_in_time: the rows known by the Monday after the day. Only
        these are comparable with the latest week, whose late rows are still to come. A source that replaced
        another one has its rows too.
    """
    happened = f'"{contract.happened_at}"::timestamp'
    has_known_at = any(column.name == "known_at" for column in contract.columns)
    known = "known_at" if has_known_at else happened
    rows = warehouse.read(
        f"""
        select
            source,
            date_trunc('day', {happened}) as day,
            count(*) as rows,
            count(*) filter (where {known} < date_trunc('week', {happened}) + interval 7 days) as rows_in_time
        from {raw(contract.table).sql}
        where {happened} < $as_of and {known} < $as_of
        group by 1, 2
        """,
        {"as_of": as_of},
    )
    return continued(rows.astype({"source": "object", "day": "datetime64[ns]"}))


def continued(daily: pd.DataFrame) -> pd.DataFrame:
    """``daily`` with the rows of every replaced source under the name of its successor.

    An export that was replaced is not late, and its successor has its history.

    Args:
        daily: source, day (``datetime64``) and counts, one row per source and day.
    """
    spans = daily.groupby("source")["day"].agg(["min", "max"]).sort_values("min")
    successors: dict[str, str] = {}
    for source in reversed(spans.index):
        ended = spans["max"][source]
        began = spans["min"].between(ended - LONGEST_OVERLAP, ended + LONGEST_PAUSE)
        successor = spans.index[began & (spans["max"] > ended) & (spans["min"] > spans["min"][source])]
        if len(successor):
            successors[source] = successors.get(successor[0], successor[0])
    renamed = daily.assign(source=daily["source"].replace(successors))
    return renamed.groupby(["source", "day"], as_index=False).sum()
