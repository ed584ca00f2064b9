"""The checks as they are bound to their assets, judged on a warehouse without a run of Dagster."""

from collections.abc import Iterable
from datetime import date
from types import SimpleNamespace

import dagster as dg

from assets.keys import Key
from assets.ports import Warehouse
from checks.defs import PARTITION
from tests.assets.faults import HARMLESS, UNSEEN, Fault


def failed(
    checks: Iterable[dg.AssetChecksDefinition], warehouse: Warehouse, *, as_of: date, of: Iterable[Key]
) -> dict[str, str]:
    """The checks of the assets ``of`` that fail on the morning of ``as_of``, in their order: name, reason."""
    keys = {dg.AssetKey(key) for key in of}
    context = SimpleNamespace(run=SimpleNamespace(tags={PARTITION: as_of.isoformat()}))
    found = {}
    for check in checks:
        (spec,) = check.check_specs
        if spec.asset_key in keys:
            result = check.node_def.compute_fn.decorated_fn(context, warehouse)  # type: ignore[attr-defined]
            if not result.passed:
                found[spec.name] = str(result.description)
    return found


def is_seen(fault: Fault, found: dict[str, str], *, mornings: int) -> bool:
    """Whether ``found`` tells of ``fault``, which is then as the table has it."""
    if not found:
        return False
    name, reason = next(iter(found.items()))
    assert fault.check not in (HARMLESS, UNSEEN), found
    assert (name, mornings) == (fault.check, fault.mornings), reason
    assert fault.words in reason
    return True
