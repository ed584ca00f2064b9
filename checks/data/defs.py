"""Checks of delivered data, bound to the raw tables: complete, readable, fresh and of normal volume."""

from collections.abc import Callable, Iterator, Mapping, Sequence

import dagster as dg
import pandas as pd

from assets.defs import PARTITION_TAG
from assets.ingest.config.acknowledgement import Acknowledgement
from assets.ingest.config.contract import Contract
from assets.ingest.config.contracts import CONTRACTS
from assets.ingest.loading.load import LoadRecord, quarantined_files, read_load_log, reject_reasons
from assets.keys import CHECKS, Key, raw
from assets.monitoring.source_volume import daily_arrivals
from assets.ports import Warehouse
from checks.binding import Judge, as_of_run, check_of
from checks.data.acknowledged import acknowledged
from checks.data.completeness import every_file_is_readable, every_row_is_accounted_for, few_rows_are_rejected
from checks.data.finite import finite_verdict, published_numbers_are_finite
from checks.data.freshness import row_volume_is_normal, sources_are_fresh
from checks.verdict import Verdict

# Without the newest orders every feature would show customers who stopped buying.
BLOCKING_TABLE = "order_lines"
NEXT: Mapping[str, str] = {
    "every_row_is_accounted_for": (
        "Launch refresh once more; if the rows still do not add up, the loading code is wrong: report "
        "it with the file that the reason names."
    ),
    "every_file_is_readable": (
        "Export the named files again in the format that their source declares, replace the old files "
        "and launch refresh."
    ),
    "few_rows_are_rejected": (
        "Correct the mapping as the remedies say, try it with make check-data, and launch the job again; if "
        "so many rows are really wrong, raise largest_reject_share in the YAML."
    ),
    "sources_are_fresh": (
        "Deliver the missing exports and launch the job again; if the source has ended, remove it from "
        "the YAML; if the silence is right, write it under acknowledged with a date and a reason."
    ),
    "row_volume_is_normal": (
        "Compare the named days with the system that exported them: look for missing files or broken "
        "tracking where there are too few rows, for bots or a repeated delivery where there are too "
        "many. If the number is right, write it under acknowledged with a date and a reason."
    ),
}


def landing_checks(
    *, largest_reject_share: float = 0.2, given: Sequence[Acknowledgement] = ()
) -> list[dg.AssetChecksDefinition]:
    """Checks of every raw table: no row lost between the exports and the table, and no export missing.

    Args:
        largest_reject_share: Largest share of a source's rows that may be rejected, in [0, 1].
        given: The acknowledgements of the business.
    """
    return [
        check for contract in CONTRACTS.values() for check in _checks(contract, largest_reject_share, given)
    ]


def _checks(
    contract: Contract, largest_share: float, given: Sequence[Acknowledgement]
) -> Iterator[dg.AssetChecksDefinition]:
    is_needed = contract.table == BLOCKING_TABLE

    def check(judge: Judge, why: Callable[..., Verdict], is_blocking: bool) -> dg.AssetChecksDefinition:
        name = why.__name__
        return check_of(
            raw(contract.table), name, judge, why=why, next_step=NEXT[name], is_blocking=is_blocking
        )

    yield check(_on_load_log(contract, _reconciled), every_row_is_accounted_for, is_blocking=True)
    yield check(_on_load_log(contract, _readable), every_file_is_readable, is_blocking=is_needed)
    yield check(_on_rejects(contract, largest_share), few_rows_are_rejected, is_blocking=is_needed)
    if contract.happened_at is not None:
        for rule, is_blocking in ((sources_are_fresh, is_needed), (row_volume_is_normal, False)):
            yield check(_on_arrivals(contract, rule, given), rule, is_blocking=is_blocking)


def finite_check(tables: Sequence[Key]) -> dg.AssetChecksDefinition:
    """Check of the numbers of every published table; all are made in one step, so it is bound to one of them.

    Args:
        tables: Every published table.
    """
    return check_of(
        Key("published", CHECKS.name),
        published_numbers_are_finite.__name__,
        lambda _context, warehouse: finite_verdict(tables, warehouse),
        why=published_numbers_are_finite,
        next_step=(
            "Nothing was published: look for a division by 0 or an overflow in the code that writes the "
            "named column, and launch the job again."
        ),
    )


def _on_load_log(contract: Contract, judge: Callable[[list[LoadRecord]], Verdict]) -> Judge:
    def judged(_context: dg.AssetCheckExecutionContext, warehouse: Warehouse) -> Verdict:
        with warehouse.connect() as connection:
            records = read_load_log(connection)
        return judge([record for record in records if record.table_name == contract.table])

    return judged


def _reconciled(records: list[LoadRecord]) -> Verdict:
    return every_row_is_accounted_for(pd.DataFrame(records, columns=LoadRecord.__slots__))


def _readable(records: list[LoadRecord]) -> Verdict:
    return every_file_is_readable(quarantined_files(records), files=len(records))


def _on_rejects(contract: Contract, largest_share: float) -> Judge:
    def judged(_context: dg.AssetCheckExecutionContext, warehouse: Warehouse) -> Verdict:
        with warehouse.connect() as connection:
            records, reasons = read_load_log(connection), reject_reasons(connection)
        mine = pd.DataFrame(
            [record for record in records if record.table_name == contract.table],
            columns=LoadRecord.__slots__,
        )
        return few_rows_are_rejected(
            mine.groupby("source", sort=False)[["rows_in", "rows_rejected"]].sum(),
            reasons,
            largest=largest_share,
        )

    return judged


def _on_arrivals(
    contract: Contract, judge: Callable[..., Verdict], given: Sequence[Acknowledgement]
) -> Judge:
    def judged(context: dg.AssetCheckExecutionContext, warehouse: Warehouse) -> Verdict:
        # Job refresh loads exports without an as-of date; every job that publishes has one.
        if not context.run.tags.get(PARTITION_TAG):
            return Verdict(passed=True, reason="the run has no as-of date, so nothing can be late")
        as_of = as_of_run(context)
        verdict = judge(daily_arrivals(warehouse, contract, as_of=as_of), as_of=as_of)
        return acknowledged(verdict, judge.__name__, table=contract.table, as_of=as_of, given=given)

    return judged
