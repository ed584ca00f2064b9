"""The checks that every capability has, bound to its assets together with its own invariants."""

from collections.abc import Iterable

import dagster as dg

from checks.binding import bind
from checks.models.shared import AnyCapability, shared_checks
from checks.verdict import Invariant


def capability_checks(
    capability: AnyCapability, *, invariants: Iterable[Invariant] = ()
) -> list[dg.AssetChecksDefinition]:
    """The shared checks of a capability, and its own.

    Args:
        capability: The capability.
        invariants: Its own checks; one with the table and name of a shared check, or on the table of
            realised performance, replaces the shared one.
    """
    own = list(invariants)
    replaced = {(each.table, each.name) for each in own}
    monitored = {each.table for each in own}
    shared = [
        each
        for each in shared_checks(capability)
        if (each.table, each.name) not in replaced
        and not (each.table == capability.spec.realised and each.table in monitored)
    ]
    return [bind(each) for each in (*shared, *own)]
