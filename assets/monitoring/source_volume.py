"""How many rows each source brought for each day, as they were known on one morning."""

from datetime import date, timedelta

import pandas as pd

from assets.ingest.config.contract import Contract
from assets.keys import raw
from assets.ports import Warehouse

# A new export that starts while the old one ends: they may overlap, and a weekend may lie between.
LONGEST_OVERLAP, LONGEST_PAUSE = timedelta(days=14), timedelta(days=7)


def daily_arrivals(warehouse: Warehouse, contract: Contract, *, as_of: date) -> pd.DataFrame:
    """Rows per source and day of a table that says when things happened, days without rows left out.

    Days and the morning are UTC: a count that an hour of another time zone moves to the next day was
    never usual or unusual because of that hour.

    Args:
        warehouse: Holds the raw table.
        contract: With ``happened_at``.
        as_of: The Monday morning; what happened or became known on that day or later does not count.

    Returns:
        source, day (``datetime64``), rows and rows_in_time: of these, how many were known by the Monday
        after the day. Only they compare with the newest week, whose late rows are still to come. A source
        that took over from another one has its rows too.
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
    """``daily`` with the rows of every source that has ended under the name of the one that took over.

    An export that was replaced is not late, and its successor has its history.
    """
    spans = daily.groupby("source")["day"].agg(["min", "max"]).sort_values("min")
    heirs: dict[str, str] = {}
    for source in reversed(spans.index):
        ended = spans["max"][source]
        began = spans["min"].between(ended - LONGEST_OVERLAP, ended + LONGEST_PAUSE)
        heir = spans.index[began & (spans["max"] > ended) & (spans["min"] > spans["min"][source])]
        if len(heir):
            heirs[source] = heirs.get(heir[0], heir[0])
    renamed = daily.assign(source=daily["source"].replace(heirs))
    return renamed.groupby(["source", "day"], as_index=False).sum()
