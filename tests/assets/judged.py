"""The checks as they are bound to their assets, evaluated on a warehouse without a run of Dagster."""

from collections.abc import Iterable
from datetime import date
from types import SimpleNamespace

import dagster as dg

from assets.keys import Key
from assets.ports import Warehouse
from assets.defs import PARTITION_TAG
from tests.assets.faults import HARMLESS, UNSEEN, Fault


def results(
    checks: Iterable[dg.AssetChecksDefinition], warehouse: Warehouse, *, as_of: date, of: Iterable[Key]
) -> dict[str, dg.AssetCheckResult]:
    """Results of the checks of the assets ``of`` on ``as_of``, by name."""
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
    """The checks of the assets ``of`` that fail on ``as_of``, in their order: name, reason."""
    found = results(checks, warehouse, as_of=as_of, of=of)
    return {name: str(result.description) for name, result in found.items() if not result.passed}


def is_seen(fault: Fault, found: dict[str, str], *, dates: int) -> bool:
    """Whether ``found`` detects ``fault``; it is then as the table of faults has it."""
    if not found:
        return False
    name, reason = next(iter(found.items()))
    assert fault.check not in (HARMLESS, UNSEEN), found
    assert (name, dates) == (fault.check, fault.dates), reason
    assert fault.words in reason
    return True
