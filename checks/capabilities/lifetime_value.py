"""Checks of lifetime value: pure functions, and what they read of an as-of date."""

import json
from collections.abc import Callable, Iterable
from datetime import date

import numpy as np
import pandas as pd
import pandera.pandas as pa

from assets.keys import CALIBRATION_BINS, METRICS, Key
from assets.lifecycle.cohort import INELIGIBLE
from assets.lifecycle.spec import Spec
from assets.lifecycle.store import control_tables
from assets.lifecycle.store.metric_lookup import Recorded, recorded
from assets.lifetime_value.capability import LifetimeValueCapability
from assets.lifetime_value.group_totals import TOTAL, groups_out_of_tolerance
from assets.lifetime_value.performance import ABOVE_BEST, PROMISED_BEST
from assets.lifetime_value.spec import CUSTOMER, HORIZON, AmountCriteria, ValueProblem
from assets.metrics.arrays import Floats
from assets.ports import Warehouse
from checks.data.completeness import rows_match_contract
from checks.models.contracts import GRADE_NAMES, scores_contract
from checks.models.queries import load_scores, withheld_reason
from checks.models.shared import membership_check
from checks.verdict import Invariant, Verdict, description_of, invariant

# The nominal coverage itself would be red every other week; the level of one window takes some points.
COVERAGE_TOLERANCE = 0.05
# Of the share of the best customers above their upper ends, where a tenth is promised.
ABOVE_TOLERANCE = 0.03
AMOUNTS = (
    "predicted_value",
    "predicted_value_lo",
    "predicted_value_hi",
    "predicted_orders",
    "baseline_value",
)
# What every eligible row has, and no other; a withheld horizon's rows lack the first ones.
WITHHELD = ["predicted_value", "total_value", "is_high_value"]
PREDICTED = [*WITHHELD, "baseline_value", "historic_orders"]
# Rounding.
NEGLIGIBLE = 1e-6


NEXT_STEPS = {
    "realised_totals_are_within_tolerance": (
        "Launch retrain for the newest as-of date: its backtest has the same rows, and refuses an "
        "amount model whose totals are out of tolerance; plan with wider margins until then."
    ),
    "interval_coverage_is_nominal": (
        "Read a customer's interval as one that contains the share in the reason, not the nominal one; "
        "means and totals have checks of their own."
    ),
    "backtest_totals_are_within_tolerance": (
        "Nothing new was published: look up in calibration_bins which tenth or cohort is off, and "
        "launch retrain; the baseline serves when no candidate passes."
    ),
    "cohort_has_every_horizon": (
        "Nothing was published: look for the missing or duplicate customers in "
        "feat_customer__purchase_history, then launch score."
    ),
    "amounts_lie_in_their_intervals": (
        "Nothing was published: look up the named amounts; a negative or infinite one comes from "
        "feat_customer__purchase_history, a mean outside its interval from the model."
    ),
    "value_is_monotone_in_horizon": (
        "Nothing was published: the horizons were not predicted together; report it with the number "
        "of customers in the reason."
    ),
    "scores_match_contract": (
        "Nothing was published: compare the named column with last week's scores, correct the "
        "code that writes it and launch score."
    ),
}


def invariants(capability: LifetimeValueCapability) -> list[Invariant]:
    """The checks that only lifetime value has."""
    tables = _Tables(capability)
    return [*_model_invariants(capability, tables), *_score_invariants(capability, tables)]


def _model_invariants(capability: LifetimeValueCapability, tables: "_Tables") -> list[Invariant]:
    spec = capability.spec
    # Not blocking: a refused candidate leaves the champion, and a season is no reason to stop publishing.
    return [
        _invariant(spec.realised, realised_totals_are_within_tolerance, tables.realised, is_blocking=False),
        _invariant(spec.evaluation, interval_coverage_is_nominal, tables.intervals, is_blocking=False),
        _invariant(spec.champion, backtest_totals_are_within_tolerance, tables.backtest),
        membership_check(spec, highest_auc=capability.problem.criteria.highest_membership_auc),
    ]


def _score_invariants(capability: LifetimeValueCapability, tables: "_Tables") -> list[Invariant]:
    key = capability.spec.scores
    contract = Invariant(
        table=key,
        name="scores_match_contract",
        description=description_of(value_scores_contract),
        check=tables.contract,
        next_step=NEXT_STEPS["scores_match_contract"],
    )
    return [
        contract,
        _invariant(key, cohort_has_every_horizon, tables.horizons),
        _invariant(key, amounts_lie_in_their_intervals, tables.amounts),
        _invariant(key, value_is_monotone_in_horizon, tables.monotone),
    ]


def value_scores_contract(problem: ValueProblem) -> pa.DataFrameSchema:
    """Every published column is there and in range, one row per customer and horizon."""
    share = pa.Check.in_range(0, 1)
    own = {
        "model_version": pa.Column(nullable=False),
        "target": pa.Column(checks=pa.Check.eq(problem.target)),
        "horizon_days": pa.Column(checks=pa.Check.isin(problem.horizons_days)),
        "quality_grade": pa.Column(checks=pa.Check.isin(GRADE_NAMES)),
        "historic_orders": pa.Column(checks=pa.Check.ge(1), nullable=True),
        "prob_alive": pa.Column("float64", share, nullable=True),
        "prob_churn": pa.Column("float64", share, nullable=True),
        "value_basis": pa.Column(checks=pa.Check.eq(problem.value_basis)),
    }
    schema = scores_contract(problem.spec, ruled=own)
    schema.checks = _between_columns()
    return schema


def amounts_lie_in_their_intervals(rows: pd.DataFrame) -> Verdict:
    """Every predicted amount is finite, at least 0 and within its interval; so is every number of orders.

    Args:
        rows: Scores of one date; a fallback's have no orders, a withheld horizon's nothing.
    """
    rows = rows.loc[rows["status"] != "withheld_by_gate"]
    value, lo, hi, orders, baseline = rows[list(AMOUNTS)].to_numpy(dtype=np.float64).T
    is_model = (rows["status"] != "fallback_model").to_numpy(dtype=bool)
    wrong = {
        "not finite": ~np.isfinite(value) | ~np.isfinite(baseline),
        "below 0": np.minimum(value, baseline) < 0,
        "outside its interval": ~((lo >= 0) & (lo <= value) & (value <= hi) & np.isfinite(hi)),
        "without orders": is_model & ~(np.isfinite(orders) & (orders >= 0)),
    }
    found = [f"{int(each.sum()):,} {what}" for what, each in wrong.items() if each.any()]
    return Verdict(
        passed=not found,
        reason=f"of {len(rows):,} amounts, {'; '.join(found)}"
        if found
        else f"{len(rows):,} amounts are finite, at least 0 and in their intervals",
        value=float(sum(each.sum() for each in wrong.values())),
        threshold=0.0,
        evidence={"n": float(len(rows))},
    )


def value_is_monotone_in_horizon(by_horizon: Floats) -> Verdict:
    """No customer is predicted to spend less over a longer horizon.

    Args:
        by_horizon: (n, horizons) amounts, the shortest horizon first.
    """
    less = (np.diff(by_horizon, axis=1) < -NEGLIGIBLE).any(axis=1)
    return Verdict(
        passed=not less.any(),
        reason=f"{int(less.sum()):,} of {len(by_horizon):,} customers have less over a longer horizon",
        value=float(less.sum()),
        threshold=0.0,
        evidence={"n": float(len(by_horizon))},
    )


def cohort_has_every_horizon(counted: pd.DataFrame, *, horizons: Iterable[int]) -> Verdict:
    """The customers with a row of each horizon are those of the cohort, no fewer and no others.

    Args:
        counted: Per ``horizon_days`` the size of the date's ``cohort``, how many of it are ``scored`` and
            how many rows belong to ``strangers``.
        horizons: The horizons that must be there, in days.
    """
    missing = sorted(set(horizons) - set(counted[HORIZON].astype(int)))
    wrong = (counted["cohort"] - counted["scored"]).abs() + counted["strangers"]
    found = [
        f"{row.horizon_days} days: {row.scored:,} of {row.cohort:,} customers, "
        f"{row.strangers:,} rows outside the cohort"
        for row in counted.itertuples()
    ]
    return Verdict(
        passed=not missing and not wrong.any(),
        reason="; ".join([*found, *(f"{days} days: no rows" for days in missing)]),
        value=float(wrong.sum()),
        threshold=0.0,
        evidence={"n": float(counted["cohort"].max()) if len(counted) else 0.0},
    )


def backtest_totals_are_within_tolerance(groups: pd.DataFrame, *, criteria: AmountCriteria) -> Verdict:
    """The serving version's totals were within tolerance in its backtest: whole, by tenth and by cohort.

    Args:
        groups: Rows of ``ml.calibration_bins`` of the version that serves; empty for a fallback.
        criteria: Tolerances.
    """
    if groups.empty:
        return Verdict(
            passed=True,
            reason="the fallback serves: its totals are not evaluated",
            evidence={"n": 0.0},
        )
    defects = tuple(groups_out_of_tolerance(groups, criteria=criteria))
    whole = groups.loc[groups["slice_name"] == TOTAL].iloc[0]
    customers, ratio = int(whole["n"]), whole["mean_predicted"] / whole["mean_observed"]
    return Verdict(
        passed=not defects,
        reason="; ".join(defects)
        if defects
        else f"{ratio:.2f} of the observed total was predicted, and {len(groups)} groups of {customers:,} "
        "customers are within tolerance and chance",
        value=float(len(defects)),
        threshold=0.0,
        evidence={"n": float(customers), "groups": float(len(groups))},
    )


def interval_coverage_is_nominal(metrics: pd.DataFrame, *, nominal: float) -> Verdict:
    """Intervals of the backtest held the amounts of each horizon, and the best fifth was above as promised.

    Of all customers more than the nominal share may be held: many order nothing, and no bound splits a mass
    at zero. Of the best fifth the share above the upper end must be the promised one, neither more nor less.

    Args:
        metrics: Rows of ``ml.metrics`` of the version's backtest.
        nominal: The share of customers that an interval should hold.
    """
    held, above, promised = (_by_horizon(metrics, name) for name in ("coverage", ABOVE_BEST, PROMISED_BEST))
    if not held:
        return Verdict(passed=True, reason="no interval was evaluated", evidence={"n": 0.0})
    texts, wrong = list[str](), False
    for days, each in held.items():
        share, expected = above[days].interval, promised[days].interval.value
        few = each.interval.hi < nominal - COVERAGE_TOLERANCE
        off = share.lo > expected + ABOVE_TOLERANCE or share.hi < expected - ABOVE_TOLERANCE
        wrong |= few or off
        texts.append(
            f"{days} days: {each.interval.value:.1%} of {each.n:,} amounts in their intervals, "
            f"{share.value:.1%} [{share.lo:.1%}, {share.hi:.1%}] of the best fifth above, "
            f"{expected:.1%} promised{', OFF' if few or off else ''}"
        )
    least = min(each.interval.value for each in held.values())
    return Verdict(
        passed=not wrong,
        reason=f"{'; '.join(texts)}; tolerated are {COVERAGE_TOLERANCE:.0%} less than {nominal:.0%} and "
        f"{ABOVE_TOLERANCE:.0%} beside the promised share, beyond chance and the level of one window",
        value=least,
        threshold=nominal - COVERAGE_TOLERANCE,
        evidence={"n": float(max(each.n for each in held.values()))},
    )


def _by_horizon(metrics: pd.DataFrame, metric: str) -> dict[int, Recorded]:
    """The recorded metric of each horizon, by its days."""
    found = [each for each in recorded(metrics, metric) if each.slice_name == HORIZON]
    return {int(each.slice_value): each for each in sorted(found, key=lambda each: int(each.slice_value))}


def realised_totals_are_within_tolerance(realised: pd.Series) -> Verdict:
    """The newest matured date's published totals agree with observed spend: whole, by tenth and by cohort.

    Args:
        realised: The date's row of ``ml.lifetime_value__realised``.
    """
    n = int(realised["n"])
    if n == 0 or not pd.isna(realised["too_few"]):
        return Verdict(
            passed=True,
            reason="no published score of a model has matured: not evaluated yet",
            evidence={"n": 0.0},
        )
    defects = None if pd.isna(realised["defects"]) else str(realised["defects"])
    figures: dict[str, float] = json.loads(str(realised["figures"]))
    predicted, observed = figures["predicted_total"], figures["observed_total"]
    totals = (
        f"version {realised['model_version']}: predicted {predicted:,.0f}, observed {observed:,.0f} (n {n:,})"
    )
    return Verdict(
        passed=defects is None,
        reason=f"{totals}; {defects}; look at the season first, then retrain" if defects else totals,
        value=predicted,
        threshold=observed,
        evidence={"n": float(n)},
    )


class _Tables:
    """What the checks read of an as-of date."""

    def __init__(self, capability: LifetimeValueCapability) -> None:
        self._problem: ValueProblem = capability.problem
        self._spec: Spec = capability.spec

    def realised(self, warehouse: Warehouse, as_of: date) -> Verdict:
        row = control_tables.row_for_date(warehouse, self._spec.realised, as_of).iloc[0]
        return realised_totals_are_within_tolerance(row)

    def intervals(self, warehouse: Warehouse, as_of: date) -> Verdict:
        row = control_tables.row_for_date(warehouse, self._spec.evaluation, as_of).iloc[0]
        metrics = control_tables.rows_of_version(warehouse, METRICS, str(row["model_version"]))
        return interval_coverage_is_nominal(metrics, nominal=self._problem.interval_coverage)

    def backtest(self, warehouse: Warehouse, as_of: date) -> Verdict:
        serving = control_tables.champion_as_of(self._spec.champion, warehouse, as_of=as_of)
        version = serving.model_version if serving else ""
        groups = control_tables.rows_of_version(warehouse, CALIBRATION_BINS, version)
        return backtest_totals_are_within_tolerance(groups, criteria=self._problem.criteria)

    def contract(self, warehouse: Warehouse, as_of: date) -> Verdict:
        rows = load_scores(self._spec, warehouse, as_of)
        return rows_match_contract(rows, value_scores_contract(self._problem))

    def horizons(self, warehouse: Warehouse, as_of: date) -> Verdict:
        withheld = withheld_reason(self._spec, warehouse, as_of)
        if withheld is not None:
            return Verdict(passed=True, reason=f"withheld by the gate: {withheld}", evidence={"n": 0.0})
        counted = warehouse.read(
            f"""
            with cohort as (
                select {CUSTOMER} from {self._problem.cohort.sql} where as_of_date = $as_of
            )
            select
                horizon_days,
                (select count(*) from cohort) as cohort,
                count(distinct scores.{CUSTOMER}) filter (where cohort.{CUSTOMER} is not null) as scored,
                count(scores.{CUSTOMER}) filter (where cohort.{CUSTOMER} is null) as strangers
            from (select unnest($horizons::bigint[]) as horizon_days) as promised
            full join (select * from {self._spec.scores.sql} where as_of_date = $as_of) as scores
                using (horizon_days)
            left join cohort on scores.{CUSTOMER} = cohort.{CUSTOMER}
            group by 1
            order by 1
            """,
            {"as_of": as_of, "horizons": list(self._problem.horizons_days)},
        )
        return cohort_has_every_horizon(counted, horizons=self._problem.horizons_days)

    def amounts(self, warehouse: Warehouse, as_of: date) -> Verdict:
        return amounts_lie_in_their_intervals(self._eligible(warehouse, as_of))

    def monotone(self, warehouse: Warehouse, as_of: date) -> Verdict:
        values = self._eligible(warehouse, as_of).pivot_table(
            index=CUSTOMER, columns=HORIZON, values="predicted_value", aggfunc="first"
        )
        return value_is_monotone_in_horizon(values.to_numpy(dtype=np.float64))

    def _eligible(self, warehouse: Warehouse, as_of: date) -> pd.DataFrame:
        rows = load_scores(self._spec, warehouse, as_of)
        return rows.loc[_is_eligible(rows)]


def _invariant(
    table: Key,
    pure: Callable[..., Verdict],
    check: Callable[[Warehouse, date], Verdict],
    *,
    is_blocking: bool = True,
) -> Invariant:
    """``check`` under the name and description of the ``pure`` function that it calls."""
    return invariant(table, pure, check, next_step=NEXT_STEPS[pure.__name__], is_blocking=is_blocking)


def _between_columns() -> list[pa.Check]:
    """Rules between the columns of a row: eligible rows have every prediction, the others the reason."""
    return [
        pa.Check(
            lambda rows: rows[INELIGIBLE].isna() == _is_eligible(rows),
            name="a_reason_if_and_only_if_ineligible",
        ),
        pa.Check(
            lambda rows: rows[PREDICTED].notna().all(axis=1) | ~_is_eligible(rows) | _is_withheld(rows),
            name="predictions_if_eligible",
        ),
        pa.Check(
            lambda rows: rows[WITHHELD].isna().all(axis=1) | ~_is_withheld(rows),
            name="no_predictions_of_a_withheld_horizon",
        ),
        pa.Check(
            lambda rows: rows[PREDICTED].isna().all(axis=1) | _is_eligible(rows),
            name="no_predictions_if_ineligible",
        ),
    ]


def _is_withheld(rows: pd.DataFrame) -> "pd.Series[bool]":
    return rows["status"] == "withheld_by_gate"


def _is_eligible(rows: pd.DataFrame) -> "pd.Series[bool]":
    return rows["is_eligible"].astype("bool")
