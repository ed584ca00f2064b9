"""Checks as bound to their assets, evaluated on a warehouse without a Dagster run."""

from collections.abc import Iterable
from datetime import date
from types import SimpleNamespace

import dagster as dg

from assets.defs import PARTITION_TAG
from assets.keys import Key
from assets.ports import Warehouse
from tests.assets.faults import HARMLESS, UNDETECTED, Fault


def results(
    checks: Iterable[dg.AssetChecksDefinition], warehouse: Warehouse, *, as_of: date, of: Iterable[Key]
) -> dict[str, dg.AssetCheckResult]:
    """Results of the checks of the assets ``of`` on the as-of date, by name."""
    keys = {dg.AssetKey(key) for key in of}
    context = SimpleNamespace(run=SimpleNamespace(tags={PARTITION_TAG: as_of.isoformat()}))
    bound = [(check, spec) for check in checks for spec in check.check_specs if spec.asset_key in keys]
    return {
        spec.name: check.node_def.compute_fn.decorated_fn(context, warehouse)  # type: ignore[attr-defined]
        for check, spec in bound
    }


def failed(
    checks: Iterable[dg.AssetChecksDefinition], warehouse: Warehouse, *, as_of: date, of: Iterable[Key]
) -> dict[str, str]:
    """Name and reason of the checks of the assets ``of`` that fail on the as-of date, in their order."""
    found = results(checks, warehouse, as_of=as_of, of=of)
    return {name: str(result.description) for name, result in found.items() if not result.passed}


def is_detected(fault: Fault, found: dict[str, str], *, as_of_dates: int) -> bool:
    """Whether ``found`` reports ``fault``, which must then agree with the table of faults."""
    if not found:
        return False
    name, reason = next(iter(found.items()))
    assert fault.check not in (HARMLESS, UNDETECTED), found
    assert (name, as_of_dates) == (fault.check, fault.as_of_dates), reason
    assert fault.message in reason
    return True
