"""The check of consent bound to every table that says something of customers."""

from collections.abc import Iterable
from datetime import date

import dagster as dg

from assets.keys import Key
from assets.lifecycle.consent import PERMISSIONS
from assets.ports import Warehouse
from checks.consent.judged import nobody_is_scored_without_consent
from checks.defs import as_of_run, check_of
from checks.verdict import Verdict

# Written out, not through the tables that rooms read: a check that shares their SQL would share its faults.
SQL = """
    select
        count(*) as rows,
        count(*) filter (where answers.is_granted is not true) as without
    from {table} as said
    left join (
        select customer_id, arg_max(is_granted, valid_from) as is_granted
        from marts.fct_consent
        where purpose = 'profiling'
            and valid_from < (select max(as_of_at) from {permissions} where as_of_date = $as_of)
        group by 1
    ) as answers on said.customer_id = answers.customer_id
    where said.as_of_date = $as_of and said.is_eligible
"""


def consent_checks(tables: Iterable[Key], *, is_recorded: bool) -> list[dg.AssetChecksDefinition]:
    """One check per table of ``tables``; ``is_recorded`` says whether the business records consent."""
    return [
        check_of(
            table,
            "nobody_is_scored_without_consent",
            lambda context, warehouse, table=table: judged(
                table, warehouse, as_of_run(context), is_recorded=is_recorded
            ),
            why=nobody_is_scored_without_consent,
        )
        for table in tables
    ]


def judged(table: Key, warehouse: Warehouse, as_of: date, *, is_recorded: bool) -> Verdict:
    """The verdict on one morning of ``table``."""
    sql = SQL.format(table=table.sql, permissions=PERMISSIONS.sql)
    counted = warehouse.read(sql, {"as_of": as_of}).iloc[0]
    return nobody_is_scored_without_consent(
        rows=int(counted["rows"]), without=int(counted["without"]), is_recorded=is_recorded
    )
