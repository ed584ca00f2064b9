"""Checks of consent and of personal data outside the vault, bound to their assets."""

from collections.abc import Iterable, Sequence
from datetime import date
from functools import partial
from pathlib import Path

import dagster as dg

from assets.activation.tables import AUDIENCES
from assets.features.customers import ELIGIBILITY
from assets.keys import CHECKS, Key
from assets.ports import Vault, Warehouse
from assets.privacy.pii_scan import distinctive_values, scan
from checks.binding import check_of, of_day
from checks.privacy.consent import (
    PROFILING,
    audience_has_consent_and_no_holdout,
    scored_customers_have_consent,
    somebody_can_be_scored,
)
from checks.privacy.vault_scan import no_personal_data_outside_vault
from checks.verdict import Verdict

# Reads the consent answers themselves: a check that shared the SQL of scoring would share its faults.
SQL = """
    select
        count(*) as rows,
        count(*) filter (where answers.is_granted is not true) as without,
        count(*) filter (where answers.is_granted is not true or customers.is_holdout) as unwanted
    from {table} as scored
    left join (
        select customer_id, arg_max(is_granted, valid_from) as is_granted
        from marts.fct_consent
        where purpose = $purpose
            and valid_from < (select max(as_of_at) from {customers} where as_of_date = $as_of)
        group by 1
    ) as answers on scored.customer_id = answers.customer_id
    left join {customers} as customers
        on scored.customer_id = customers.customer_id and scored.as_of_date = customers.as_of_date
    where scored.as_of_date = $as_of and {condition}
"""
CUSTOMERS = Key("point_in_time", "pit_customer__cohort")
COUNTED = f"""
    select
        (select count(*) from {ELIGIBILITY.sql} where as_of_date = $as_of) as customers,
        (select count(*) from {ELIGIBILITY.sql} where as_of_date = $as_of and ineligible_reason is null)
            as eligible,
        (select count(*) from marts.fct_order) as orders,
        (select count(*) from marts.fct_order where customer_id is null) as guest_orders
"""
GRANTED = f"""
    select purpose, count(*) filter (where is_granted) as granted
    from (
        select customer_id, purpose, arg_max(is_granted, valid_from) as is_granted
        from marts.fct_consent
        where valid_from < (select max(as_of_at) from {CUSTOMERS.sql} where as_of_date = $as_of)
        group by 1, 2
    ) as answers
    group by 1
"""


def cohort_check() -> dg.AssetChecksDefinition:
    """Check that the as-of date has customers to score; without any the published rows say nothing."""
    return check_of(
        ELIGIBILITY,
        "somebody_can_be_scored",
        of_day(cohort_verdict),
        why=somebody_can_be_scored,
        next_step=(
            "Nothing, if everybody has withdrawn: published rows hold no_consent, and audiences are empty. "
            f"Otherwise map the consent to predictions to purpose: {PROFILING} and the customer's id to "
            "customer_id in the YAML, and launch the job again; a business that asks nobody for consent "
            "delivers no consents."
        ),
        is_blocking=False,
    )


def cohort_verdict(warehouse: Warehouse, as_of: date) -> Verdict:
    """Verdict on the cohort of one as-of date."""
    counted = warehouse.read(COUNTED, {"as_of": as_of}).iloc[0]
    granted = warehouse.read(GRANTED, {"as_of": as_of})
    return somebody_can_be_scored(
        **{str(name): int(count) for name, count in counted.items()},
        granted={str(row["purpose"]): int(row["granted"]) for row in granted.to_dict("records")},
    )


def consent_checks(tables: Iterable[Key], *, is_recorded: bool) -> list[dg.AssetChecksDefinition]:
    """One consent check per table of ``tables``; ``is_recorded``: whether the business records consent."""
    return [
        check_of(
            table,
            "scored_customers_have_consent",
            of_day(partial(consent_verdict, table, is_recorded=is_recorded)),
            why=scored_customers_have_consent,
            next_step=(
                "Nothing was published: launch score for the as-of date again; if the rows come back, the "
                "capability reads customers from another table than pit_customer__eligibility."
            ),
        )
        for table in tables
    ]


def audience_check() -> dg.AssetChecksDefinition:
    """Check of consent and holdout of audience members."""
    return check_of(
        AUDIENCES,
        "audience_has_consent_and_no_holdout",
        of_day(audience_verdict),
        why=audience_has_consent_and_no_holdout,
        next_step=(
            "Nothing was published; upload no file of this as-of date. Launch score again; if the members "
            "come back, the audience reads consent columns that differ from the recorded consents."
        ),
    )


def consent_verdict(table: Key, warehouse: Warehouse, as_of: date, *, is_recorded: bool) -> Verdict:
    """Verdict on the rows of ``table`` of one as-of date.

    Args:
        table: A score table with ``customer_id``, ``as_of_date`` and ``is_eligible``.
        warehouse: Where the table and the consent answers are read.
        as_of: The as-of date.
        is_recorded: Whether the business records consent.
    """
    sql = SQL.format(table=table.sql, customers=CUSTOMERS.sql, condition="scored.is_eligible")
    counted = warehouse.read(sql, {"as_of": as_of, "purpose": PROFILING}).iloc[0]
    return scored_customers_have_consent(
        rows=int(counted["rows"]), without=int(counted["without"]), is_recorded=is_recorded
    )


def audience_verdict(warehouse: Warehouse, as_of: date) -> Verdict:
    """Verdict on the audience of one as-of date."""
    sql = SQL.format(table=AUDIENCES.sql, customers=CUSTOMERS.sql, condition="scored.suppress_reason is null")
    counted = warehouse.read(sql, {"as_of": as_of, "purpose": "advertising"}).iloc[0]
    return audience_has_consent_and_no_holdout(members=int(counted["rows"]), without=int(counted["unwanted"]))


def vault_scan_check(vault: Vault, folders: Sequence[Path]) -> dg.AssetChecksDefinition:
    """Check that no file below ``folders``, the business's own first, holds a value of ``vault``."""
    return check_of(
        CHECKS,
        "no_personal_data_outside_vault",
        lambda _context, warehouse: no_personal_data_outside_vault(
            warehouse.when_free(lambda: scan(folders, distinctive_values(vault))), below=folders[0]
        ),
        why=no_personal_data_outside_vault,
        next_step=(
            "Open the named files: declare the column that holds the values under pii and launch refresh; "
            "if customers wrote them into a text, mask them in the mapping of that column."
        ),
        # A customer may have written an address into a review: a warning on every run, which blocks nothing.
        is_blocking=False,
    )
