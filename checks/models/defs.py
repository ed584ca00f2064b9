"""The checks that every capability has, bound to its assets together with its own invariants."""

from collections.abc import Iterable, Iterator
from datetime import date
from typing import Any

import dagster as dg

from assets.lifecycle.capability import Capability
from assets.lifecycle.store import control_tables
from assets.ports import Warehouse
from checks.binding import bind
from checks.data.completeness import cohort_is_scored_once, rows_match_contract
from checks.models.contracts import scores_contract
from checks.models.performance import (
    candidate_passes_the_gate,
    realised_performance_is_within_tolerance,
)
from checks.models.queries import cohort_counts, load_scores, withheld_reason
from checks.verdict import Invariant, Verdict, description_of

AnyCapability = Capability[Any, Any, Any, Any]


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


def shared_checks(capability: AnyCapability) -> Iterator[Invariant]:
    """The checks that every capability has."""
    spec = capability.spec

    def passes(warehouse: Warehouse, as_of: date) -> Verdict:
        row = control_tables.row_for_date(warehouse, spec.evaluation, as_of).iloc[0]
        return candidate_passes_the_gate(
            is_promotable=bool(row["is_promotable"]), reasons=[str(row["reasons"])]
        )

    def realised(warehouse: Warehouse, as_of: date) -> Verdict:
        row = control_tables.row_for_date(warehouse, spec.realised, as_of).iloc[0]
        return realised_performance_is_within_tolerance(row)

    def matches(warehouse: Warehouse, as_of: date) -> Verdict:
        return rows_match_contract(load_scores(spec, warehouse, as_of), scores_contract(spec))

    def scored(warehouse: Warehouse, as_of: date) -> Verdict:
        withheld = withheld_reason(spec, warehouse, as_of)
        if withheld is not None:
            return Verdict(passed=True, reason=f"withheld by the gate: {withheld}", evidence={"n": 0.0})
        return cohort_is_scored_once(**cohort_counts(spec, warehouse, as_of))

    # Not blocking: a refused candidate leaves the champion serving.
    yield Invariant(
        table=spec.evaluation,
        name="candidate_passes_the_gate",
        description=description_of(candidate_passes_the_gate),
        check=passes,
        next_step=(
            "Nothing, when it merely did not beat the champion, which keeps serving; when the reason names a "
            "defect (leak, calibration, constant scores), mend that feature or label first."
        ),
        is_blocking=False,
    )
    if spec.outcomes:
        # Not blocking: scores that failed here are withheld, and the run goes on to publish that status.
        yield Invariant(
            table=spec.realised,
            name="realised_performance_is_within_tolerance",
            description=description_of(realised_performance_is_within_tolerance),
            check=realised,
            next_step=(
                "Launch retrain for the newest as-of date, or make rollback to the version before; until "
                "then the rows published before are served."
            ),
            is_blocking=False,
        )
    yield Invariant(
        table=spec.scores,
        name="scores_match_contract",
        description=description_of(scores_contract),
        check=matches,
        next_step=(
            "Nothing was published: compare the named column with last week's scores, mend what writes it "
            "and launch score."
        ),
    )
    if spec.subject is not None and spec.cohort is not None:
        yield Invariant(
            table=spec.scores,
            name="cohort_is_scored_once",
            description=description_of(cohort_is_scored_once),
            check=scored,
            next_step=(
                "Nothing was published: look for the missing or repeated entities in the features of the "
                "date, then launch score."
            ),
        )
