"""The checks of the raw tables bound to their assets: what was delivered is whole, readable and on time."""

from collections.abc import Callable, Iterator

import dagster as dg
import pandas as pd

from assets.defs import PARTITION_TAG
from assets.ingest.config.contract import Contract
from assets.ingest.config.contracts import CONTRACTS
from assets.ingest.loading.load import LoadRecord, quarantined_files, read_load_log
from assets.keys import raw
from assets.monitoring.source_volume import daily_arrivals
from assets.ports import Warehouse
from checks.binding import Judge, as_of_run, check_of
from checks.data.completeness import every_file_is_readable, every_row_is_accounted_for
from checks.data.freshness import row_volume_is_normal, sources_are_fresh
from checks.verdict import Verdict

# Without the newest orders the features would say that customers have stopped buying.
INDISPENSABLE = "order_lines"


def landing_checks() -> list[dg.AssetChecksDefinition]:
    """Nothing is lost between the exports and each raw table, and the exports came: readers wait for it."""
    return [check for contract in CONTRACTS.values() for check in _landing_checks(contract)]


def _landing_checks(contract: Contract) -> Iterator[dg.AssetChecksDefinition]:
    key, blocks = raw(contract.table), contract.table == INDISPENSABLE
    reconciled, readable = (_landed(contract, judge) for judge in (_reconciled, _readable))
    yield check_of(key, "every_row_is_accounted_for", reconciled, why=every_row_is_accounted_for)
    yield check_of(key, "every_file_is_readable", readable, why=every_file_is_readable, is_blocking=blocks)
    if contract.happened_at is None:
        return
    late, amounts = (_arrived(contract, judge) for judge in (sources_are_fresh, row_volume_is_normal))
    yield check_of(key, "sources_are_fresh", late, why=sources_are_fresh, is_blocking=blocks)
    yield check_of(key, "row_volume_is_normal", amounts, why=row_volume_is_normal, is_blocking=False)


def _landed(contract: Contract, judge: Callable[[list[LoadRecord]], Verdict]) -> Judge:
    def judged(_context: dg.AssetCheckExecutionContext, warehouse: Warehouse) -> Verdict:
        with warehouse.connect() as connection:
            records = read_load_log(connection)
        return judge([record for record in records if record.table_name == contract.table])

    return judged


def _reconciled(records: list[LoadRecord]) -> Verdict:
    return every_row_is_accounted_for(pd.DataFrame(records, columns=LoadRecord.__slots__))


def _readable(records: list[LoadRecord]) -> Verdict:
    return every_file_is_readable(quarantined_files(records), files=len(records))


def _arrived(contract: Contract, judge: Callable[..., Verdict]) -> Judge:
    def judged(context: dg.AssetCheckExecutionContext, warehouse: Warehouse) -> Verdict:
        # Exports may be landed without a morning; whatever is published afterwards has one.
        if not context.run.tags.get(PARTITION_TAG):
            return Verdict(passed=True, reason="this run stands on no morning: nothing can be late for it")
        as_of = as_of_run(context)
        return judge(daily_arrivals(warehouse, contract, as_of=as_of), as_of=as_of)

    return judged
