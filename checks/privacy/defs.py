"""Checks of consent and of personal data outside the vault, bound to their assets."""

from collections.abc import Iterable
from datetime import date
from pathlib import Path

import dagster as dg

from assets.activation.audience import MEMBER
from assets.activation.tables import AUDIENCES
from assets.keys import CHECKS, Key
from assets.ports import Vault, Warehouse
from assets.privacy.pii_scan import distinctive_values, scan
from checks.binding import Judge, as_of_run, check_of
from checks.privacy.consent import (
    audience_has_consent_and_no_holdout,
    scored_customers_have_consent,
)
from checks.privacy.vault_scan import no_personal_data_outside_vault
from checks.verdict import Verdict

# Written out, not through the tables that rooms read: a check that shares their SQL would share its faults.
SQL = """
    select
        count(*) as rows,
        count(*) filter (where answers.is_granted is not true) as without,
        count(*) filter (where answers.is_granted is not true or customers.is_holdout) as unwanted
    from {table} as said
    left join (
        select customer_id, arg_max(is_granted, valid_from) as is_granted
        from marts.fct_consent
        where purpose = $purpose
            and valid_from < (select max(as_of_at) from {customers} where as_of_date = $as_of)
        group by 1
    ) as answers on said.customer_id = answers.customer_id
    left join {customers} as customers
        on said.customer_id = customers.customer_id and said.as_of_date = customers.as_of_date
    where said.as_of_date = $as_of and {says_something}
"""
CUSTOMERS = Key("point_in_time", "pit_customer__cohort")


def consent_checks(tables: Iterable[Key], *, is_recorded: bool) -> list[dg.AssetChecksDefinition]:
    """One check per table of ``tables``; ``is_recorded`` says whether the business records consent."""
    return [
        check_of(
            table,
            "scored_customers_have_consent",
            _of_day(table, is_recorded=is_recorded),
            why=scored_customers_have_consent,
        )
        for table in tables
    ]


def audience_check() -> dg.AssetChecksDefinition:
    """The check of whoever is contacted."""
    return check_of(
        AUDIENCES,
        "audience_has_consent_and_no_holdout",
        lambda context, warehouse: judged_audience(warehouse, as_of_run(context)),
        why=audience_has_consent_and_no_holdout,
    )


def _of_day(table: Key, *, is_recorded: bool) -> Judge:
    return lambda context, warehouse: judged(table, warehouse, as_of_run(context), is_recorded=is_recorded)


def judged(table: Key, warehouse: Warehouse, as_of: date, *, is_recorded: bool) -> Verdict:
    """The verdict on one morning of ``table``."""
    sql = SQL.format(table=table.sql, customers=CUSTOMERS.sql, says_something="said.is_eligible")
    counted = warehouse.read(sql, {"as_of": as_of, "purpose": "profiling"}).iloc[0]
    return scored_customers_have_consent(
        rows=int(counted["rows"]), without=int(counted["without"]), is_recorded=is_recorded
    )


def judged_audience(warehouse: Warehouse, as_of: date) -> Verdict:
    """The verdict on one morning's audience."""
    is_member = f"said.fate = '{MEMBER}'"
    sql = SQL.format(table=AUDIENCES.sql, customers=CUSTOMERS.sql, says_something=is_member)
    counted = warehouse.read(sql, {"as_of": as_of, "purpose": "advertising"}).iloc[0]
    return audience_has_consent_and_no_holdout(members=int(counted["rows"]), without=int(counted["unwanted"]))


def vault_scan_check(vault: Vault, folder: Path) -> dg.AssetChecksDefinition:
    """The check of every file below ``folder`` and of Dagster's own, against what ``vault`` keeps."""
    return check_of(
        CHECKS,
        "no_personal_data_outside_vault",
        lambda context, warehouse: no_personal_data_outside_vault(
            warehouse.when_free(
                lambda: scan([folder, Path(context.instance.root_directory)], distinctive_values(vault))
            ),
            below=folder,
        ),
        why=no_personal_data_outside_vault,
        # A customer may have written an address into a review: that is said each morning and stops nobody.
        is_blocking=False,
    )
