"""The checks as they are bound to their assets, judged on a warehouse without a run of Dagster."""

from collections.abc import Iterable
from datetime import date
from types import SimpleNamespace

import dagster as dg

from assets.keys import Key
from assets.ports import Warehouse
from checks.binding import PARTITION
from tests.assets.faults import HARMLESS, UNSEEN, Fault


def results(
    checks: Iterable[dg.AssetChecksDefinition], warehouse: Warehouse, *, as_of: date, of: Iterable[Key]
) -> dict[str, dg.AssetCheckResult]:
    """What the checks of the assets ``of`` tell Dagster on the morning of ``as_of``, by name."""
    keys = {dg.AssetKey(key) for key in of}
    context = SimpleNamespace(run=SimpleNamespace(tags={PARTITION: as_of.isoformat()}))
    bound = [(check, spec) for check in checks for spec in check.check_specs if spec.asset_key in keys]
    return {
        spec.name: check.node_def.compute_fn.decorated_fn(context, warehouse)  # type: ignore[attr-defined]
        for check, spec in bound
    }


def failed(
    checks: Iterable[dg.AssetChecksDefinition], warehouse: Warehouse, *, as_of: date, of: Iterable[Key]
) -> dict[str, str]:
    """The checks of the assets ``of`` that fail on the morning of ``as_of``, in their order: name, reason."""
    found = results(checks, warehouse, as_of=as_of, of=of)
    return {name: str(result.description) for name, result in found.items() if not result.passed}


def is_seen(fault: Fault, found: dict[str, str], *, mornings: int) -> bool:
    """Whether ``found`` tells of ``fault``, which is then as the table has it."""
    if not found:
        return False
    name, reason = next(iter(found.items()))
    assert fault.check not in (HARMLESS, UNSEEN), found
    assert (name, mornings) == (fault.check, fault.mornings), reason
    assert fault.words in reason
    return True
