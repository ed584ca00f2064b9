"""The checks that every capability has, each built in one place for all of them."""

from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

import pandera.pandas as pa

from assets.keys import METRICS
from assets.lifecycle.capability import Capability
from assets.lifecycle.cohort import INELIGIBLE, WITHHELD_SLICE
from assets.lifecycle.spec import Spec
from assets.lifecycle.store import control_tables
from assets.ports import Warehouse
from checks.data.completeness import cohort_is_scored_once, rows_match_contract
from checks.models.contracts import scores_contract
from checks.models.performance import (
    canary_agrees_with_champion,
    candidate_passes_the_gate,
    membership_inference_auc_is_low,
    realised_performance_is_within_tolerance,
)
from checks.models.queries import load_scores, withheld_reason
from checks.verdict import Invariant, Verdict, description_of, invariant

AnyCapability = Capability[Any, Any, Any, Any]
Illustration = Callable[[Verdict, Warehouse, str], Verdict]
"""Adds a plot to the verdict on a model version."""


def shared_checks(capability: AnyCapability) -> Iterator[Invariant]:
    """The checks that every capability has."""
    spec = capability.spec
    yield gate_check(spec)
    if spec.outcomes:
        yield realised_check(spec)
    yield contract_check(spec, scores_contract(spec), description=description_of(scores_contract))
    if spec.canary_score is not None:
        yield canary_check(spec)
    if spec.subject is not None and spec.cohort is not None:
        yield cohort_check(spec)


def gate_check(spec: Spec, *, illustrate: Illustration = lambda verdict, *_: verdict) -> Invariant:
    """The candidate of the as-of date passes the gate; not blocking, because the champion keeps serving.

    Args:
        spec: The capability.
        illustrate: Adds a plot of the candidate to the verdict.
    """

    def passes(warehouse: Warehouse, as_of: date) -> Verdict:
        row = control_tables.row_for_date(warehouse, spec.evaluation, as_of).iloc[0]
        verdict = candidate_passes_the_gate(
            is_promotable=bool(row["is_promotable"]), reasons=[str(row["reasons"])]
        )
        return illustrate(verdict, warehouse, str(row["model_version"]))

    return invariant(
        spec.evaluation,
        candidate_passes_the_gate,
        passes,
        next_step=(
            "Nothing, if it only did not beat the champion, which keeps serving; if the reason names a "
            "defect (leak, calibration, constant scores), correct that feature or label first."
        ),
        is_blocking=False,
    )


def membership_check(spec: Spec, *, highest_auc: float) -> Invariant:
    """The candidate's predictions do not reveal who was in its training data; not blocking.

    Args:
        spec: A capability whose backtest records the attack.
        highest_auc: The highest area under the attacker's curve.
    """

    def attacked(warehouse: Warehouse, as_of: date) -> Verdict:
        row = control_tables.row_for_date(warehouse, spec.evaluation, as_of).iloc[0]
        version = str(row["model_version"])
        metrics = control_tables.rows_of_version(warehouse, METRICS, version, split="train")
        return membership_inference_auc_is_low(metrics, highest_auc=highest_auc)

    return invariant(
        spec.evaluation,
        membership_inference_auc_is_low,
        attacked,
        next_step=(
            "Do not give predictions to people who know the outcomes; make the trees smaller (fewer "
            "leaves, more rows per leaf), then launch retrain."
        ),
        is_blocking=False,
    )


def realised_check(
    spec: Spec,
    *,
    rule: Callable[..., Verdict] = realised_performance_is_within_tolerance,
    illustrate: Callable[[Verdict, Warehouse, Any], Verdict] = lambda verdict, *_: verdict,
) -> Invariant:
    """Matured predictions agree with what happened.

    Not blocking: scores that failed here are withheld, and the run goes on to publish that status.

    Args:
        spec: The capability.
        rule: Judges the row of realised performance; its name becomes the name of the check.
        illustrate: Adds a plot to the verdict, given that row.
    """

    def realised(warehouse: Warehouse, as_of: date) -> Verdict:
        row = control_tables.row_for_date(warehouse, spec.realised, as_of).iloc[0]
        return illustrate(rule(row), warehouse, row)

    return invariant(
        spec.realised,
        rule,
        realised,
        next_step=(
            "Launch retrain for the newest as-of date, or return to the previous version with "
            "`make rollback`; until then the rows published before are served."
        ),
        is_blocking=False,
    )


def canary_check(spec: Spec) -> Invariant:
    """The version that scored beside the champion on the as-of date agrees with it.

    Not blocking: where it does not, the champion keeps serving.

    Args:
        spec: The capability.
    """

    def agrees(warehouse: Warehouse, as_of: date) -> Verdict:
        rows = warehouse.read(
            f"from {spec.canary.sql} where as_of_date = $as_of and agrees is not null", {"as_of": as_of}
        )
        return canary_agrees_with_champion(None if rows.empty else rows.iloc[0])

    return invariant(
        spec.scores,
        canary_agrees_with_champion,
        agrees,
        next_step=(
            f"Nothing: the champion keeps serving. Compare {spec.canary_scores.sql} with the published "
            "scores: look for a feature that one version has and the other lacks; then launch retrain."
        ),
        is_blocking=False,
    )


def contract_check(spec: Spec, contract: pa.DataFrameSchema, *, description: str) -> Invariant:
    """The score rows of the as-of date obey their contract.

    Args:
        spec: The capability.
        contract: Columns with their types and bounds.
        description: What the contract says, in a sentence.
    """

    def matches(warehouse: Warehouse, as_of: date) -> Verdict:
        return rows_match_contract(load_scores(spec, warehouse, as_of), contract)

    return Invariant(
        table=spec.scores,
        name="scores_match_contract",
        description=description,
        check=matches,
        next_step=(
            "Nothing was published: compare the named column with last week's scores, correct the code "
            "that writes it and launch score."
        ),
    )


def cohort_check(spec: Spec, *, cohort: str | None = None) -> Invariant:
    """Each entity of the cohort has one score row, unless the gate withheld all of them.

    Args:
        spec: The capability.
        cohort: SQL of the cohort with ``ineligible_reason``; by default the capability's cohort table.
    """

    def scored(warehouse: Warehouse, as_of: date) -> Verdict:
        withheld = withheld_reason(spec, warehouse, as_of)
        if withheld is not None:
            return Verdict(passed=True, reason=f"withheld by the gate: {withheld}", evidence={"n": 0.0})
        return cohort_is_scored_once(**_cohort_counts(spec, warehouse, as_of, cohort=cohort))

    return invariant(
        spec.scores,
        cohort_is_scored_once,
        scored,
        next_step=(
            "Nothing was published: look for the missing or repeated entities in the features of the date, "
            "then launch score."
        ),
    )


def _cohort_counts(
    spec: Spec, warehouse: Warehouse, as_of: date, *, cohort: str | None = None
) -> dict[str, int]:
    """Entities of the cohort, of those with a score row in every key, and scored ones outside the cohort.

    The reason is compared too, so that a row on the wrong side of eligibility counts as missing; a row that
    only its slice withholds is eligible in the cohort.
    """
    source = cohort or (spec.cohort.sql if spec.cohort else "")
    reason = f"case when {INELIGIBLE} not like '{WITHHELD_SLICE}%' then {INELIGIBLE} end"
    rows_of = f"select {spec.subject}, {reason} from {{}} where as_of_date = $as_of"
    cohort_rows, scored = (rows_of.format(each) for each in (source, spec.scores.sql))
    counted = warehouse.read(
        f"""
        select
            (select count(*) from ({cohort_rows})) as cohort,
            (select count(*) from ({cohort_rows} intersect {scored})) as scored,
            (select count(*) from (({scored}) except ({cohort_rows}))) as strangers
        """,
        {"as_of": as_of},
    ).iloc[0]
    return {name: int(counted[name]) for name in ("cohort", "scored", "strangers")}
