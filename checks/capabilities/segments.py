"""Checks of segments: pure functions, and what they read of an as-of date."""

from datetime import date

import numpy as np
import pandas as pd
import pandera.pandas as pa

from assets.features.customers import ELIGIBILITY
from assets.ports import Warehouse
from assets.segments.capability import SegmentsCapability
from assets.segments.spec import BEHAVIOUR, RFM, Rules
from checks.data.completeness import SHOWN_VIOLATIONS
from checks.models.contracts import INELIGIBLE_HAVE_A_REASON, scores_contract
from checks.models.shared import cohort_check, contract_check
from checks.verdict import Invariant, Verdict, description_of, invariant

# Half of the adjusted Rand index that refits must reach: customers move from one week to the next too.
LEAST_AGREEMENT = 0.5
# Sums of floating-point means over a million customers.
ROUNDING = 1e-6


def invariants(capability: SegmentsCapability) -> list[Invariant]:
    """The checks that only segments have."""
    tables = _Tables(capability)
    scores, profiles = capability.spec.scores, capability.segmentation.profiles
    return [
        contract_check(
            capability.spec, segments_contract(capability), description=description_of(segments_contract)
        ),
        cohort_check(capability.spec, cohort=tables.cohort_with_own_reasons),
        invariant(scores, cohort_has_one_row_per_scheme, tables.cohort),
        invariant(scores, segment_key_has_one_name, tables.names),
        invariant(scores, segments_are_large_enough, tables.sizes, is_blocking=False),
        invariant(scores, segments_are_stable, tables.stability, is_blocking=False),
        invariant(profiles, profiles_add_up, tables.profiles),
    ]


def cohort_has_one_row_per_scheme(counted: pd.DataFrame, *, customers: int) -> Verdict:
    """Every customer of the as-of date has one row in each scheme, and nobody else has any.

    Args:
        counted: Per ``scheme``: ``rows``, ``customers`` (different ones) and ``known``, those of them who
            are customers of the as-of date.
        customers: Customers of the as-of date.
    """
    by_scheme = {str(row["scheme"]): row for row in counted.to_dict("records")}
    violations = []
    for scheme in (RFM, BEHAVIOUR):
        row = by_scheme.get(scheme, {"rows": 0, "customers": 0, "known": 0})
        if not (row["rows"] == row["customers"] == row["known"] == customers):
            violations.append(
                f"{scheme}: {row['rows']:,} rows of {row['customers']:,} customers, {row['known']:,} of them "
                f"among the {customers:,} of the as-of date"
            )
    return Verdict(
        passed=not violations,
        reason="; ".join(violations) or f"{customers:,} customers, one segment row each in both schemes",
        value=float(len(violations)),
        threshold=0.0,
        evidence={"n": float(customers)},
    )


def segments_contract(capability: SegmentsCapability) -> pa.DataFrameSchema:
    """Every published column is there and within its range; rows without a segment have a reason.

    Args:
        capability: With the columns and types of its score table.
    """
    own = {
        "scheme": pa.Column(checks=pa.Check.isin((RFM, BEHAVIOUR))),
        "distance": pa.Column("float64", pa.Check.ge(0), nullable=True),
        "margin": pa.Column("float64", pa.Check.in_range(0, 1), nullable=True),
        "stability_ari": pa.Column("float64", pa.Check.in_range(-1, 1), nullable=True),
        "rfm_cell": pa.Column(checks=pa.Check.str_matches(r"^[1-5]-[1-5]-[1-5]$"), nullable=True),
    }
    whole = pa.Check(
        lambda rows: rows["segment_key"].notna() == rows["is_eligible"].astype(bool),
        name="a_segment_if_and_only_if_eligible",
    )
    return scores_contract(capability.spec, ruled=own, checks=[whole, INELIGIBLE_HAVE_A_REASON])


def segment_key_has_one_name(named: pd.DataFrame) -> Verdict:
    """A segment keeps its name as long as it keeps its key.

    Args:
        named: Different pairs of ``scheme``, ``segment_key`` and ``segment_name`` of all as-of dates.
    """
    by_key = named.groupby(["scheme", "segment_key"])["segment_name"].nunique()
    renamed = [f"{scheme} {key}" for scheme, key in by_key.index[by_key > 1]]
    return Verdict(
        passed=not renamed,
        reason=f"{len(renamed)} keys have several names: {', '.join(renamed[:SHOWN_VIOLATIONS])}"
        if renamed
        else f"{len(by_key)} keys, one name each",
        value=float(len(renamed)),
        threshold=0.0,
        evidence={"n": float(len(by_key))},
    )


def segments_are_large_enough(sizes: pd.Series, *, rules: Rules) -> Verdict:
    """Every behavioural segment holds at least the minimum share of customers.

    Args:
        sizes: Customers per segment of the as-of date; empty when no customer has a segment.
        rules: With ``smallest_share``.
    """
    if sizes.empty:
        return Verdict(passed=True, reason="no customer has a segment", evidence={"n": 0.0})
    shares = sizes / sizes.sum()
    return Verdict(
        passed=bool(shares.min() >= rules.smallest_share),
        reason=f"the smallest of {len(sizes)} segments, {shares.idxmin()}, holds {shares.min():.1%} of "
        f"{int(sizes.sum()):,} customers; at least {rules.smallest_share:.0%}",
        value=float(shares.min()),
        threshold=rules.smallest_share,
        evidence={"n": float(sizes.sum())},
    )


def segments_are_stable(agreements: pd.Series, *, customers: int) -> Verdict:
    """Most customers are in a segment with the same customers as on the as-of date before.

    Args:
        agreements: Adjusted Rand index with the as-of date before, per scheme; missing on the first one.
        customers: Customers of the as-of date.
    """
    known = agreements.dropna()
    if known.empty:
        return Verdict(
            passed=True, reason="the first as-of date: nothing to compare with", evidence={"n": 0.0}
        )
    worst = known.astype("float64").idxmin()
    return Verdict(
        passed=bool(known.min() >= LEAST_AGREEMENT),
        reason=f"lowest adjusted Rand index with the as-of date before: {known.min():.2f} ({worst}), of "
        f"{customers:,} customers; below {LEAST_AGREEMENT} audiences built on segments change",
        value=float(known.min()),
        threshold=LEAST_AGREEMENT,
        evidence={"n": float(customers)},
    )


def profiles_add_up(profiles: pd.DataFrame, *, customers: pd.Series) -> Verdict:
    """Segment means, weighted by customers, give the mean of all customers, and sizes their number.

    Args:
        profiles: Rows of ``ml.segments__profiles`` of one as-of date; empty when no customer has a segment.
        customers: Customers with a segment, per scheme.
    """
    weighted = profiles.assign(total=profiles["mean"].fillna(0.0) * profiles["n"].astype("float64"))
    sums = weighted.groupby(["scheme", "feature"]).agg(
        total=("total", "sum"), n=("n", "sum"), mean_all=("mean_all", "first"), size=("size", "sum")
    )
    gap = (sums["total"] / sums["n"].astype("float64") - sums["mean_all"]).abs()
    differs = gap > ROUNDING * np.maximum(sums["mean_all"].abs(), 1.0)
    schemes = sums.index.get_level_values("scheme")
    differs |= sums["size"].to_numpy(dtype=float) != customers.reindex(schemes).to_numpy(dtype=float)
    absent = sorted(set(customers.index[customers > 0]) - set(schemes))
    shown = [f"{scheme} {feature}" for scheme, feature in sums.index[differs]]
    shown += [f"{scheme} has no profile" for scheme in absent]
    return Verdict(
        passed=not shown,
        reason=f"{len(shown)} do not add up: {', '.join(shown[:SHOWN_VIOLATIONS])}"
        if shown
        else f"{len(sums)} features add up over their segments",
        value=float(len(shown)),
        threshold=0.0,
        evidence={"n": float(customers.sum())},
    )


class _Tables:
    """What the checks read of the tables of a segmentation."""

    def __init__(self, capability: SegmentsCapability) -> None:
        self._rules = capability.segmentation.rules
        self._scores = capability.spec.scores.sql
        self._profiles = capability.segmentation.profiles.sql

    @property
    def cohort_with_own_reasons(self) -> str:
        """SQL of the cohort; a customer who may be profiled may have no segment, for a reason of its own."""
        return (
            "(select distinct cohort.customer_id, cohort.as_of_date, coalesce(cohort.ineligible_reason, "
            "case when scored.ineligible_reason <> 'no_consent' then scored.ineligible_reason end) as "
            f"ineligible_reason from {ELIGIBILITY.sql} as cohort left join {self._scores} as scored "
            "on cohort.customer_id = scored.customer_id and cohort.as_of_date = scored.as_of_date)"
        )

    def cohort(self, warehouse: Warehouse, as_of: date) -> Verdict:
        cohort = f"(select customer_id from {ELIGIBILITY.sql} where as_of_date = $as_of)"
        counted = warehouse.read(
            f"select scheme, count(*) as rows, count(distinct customer_id) as customers, "
            f"count(distinct customer_id) filter (where customer_id in {cohort}) as known "
            f"from {self._scores} where as_of_date = $as_of group by 1",
            {"as_of": as_of},
        )
        customers = warehouse.read(f"select count(*) as n from {cohort}", {"as_of": as_of})["n"].iloc[0]
        return cohort_has_one_row_per_scheme(counted, customers=int(customers))

    def names(self, warehouse: Warehouse, as_of: date) -> Verdict:
        pairs = warehouse.read(
            f"select distinct scheme, segment_key, segment_name from {self._scores} "
            "where as_of_date <= $as_of and segment_key is not null",
            {"as_of": as_of},
        )
        return segment_key_has_one_name(pairs)

    def sizes(self, warehouse: Warehouse, as_of: date) -> Verdict:
        sizes = warehouse.read(
            f"select segment_name, count(*) as customers from {self._scores} "
            "where as_of_date = $as_of and scheme = $scheme and segment_key is not null group by 1",
            {"as_of": as_of, "scheme": BEHAVIOUR},
        )
        return segments_are_large_enough(sizes.set_index("segment_name")["customers"], rules=self._rules)

    def stability(self, warehouse: Warehouse, as_of: date) -> Verdict:
        schemes = warehouse.read(
            f"select scheme, max(stability_ari) as agreement, count(*) as customers from {self._scores} "
            "where as_of_date = $as_of group by 1",
            {"as_of": as_of},
        )
        customers = int(schemes["customers"].max() if len(schemes) else 0)
        return segments_are_stable(schemes.set_index("scheme")["agreement"], customers=customers)

    def profiles(self, warehouse: Warehouse, as_of: date) -> Verdict:
        counted = warehouse.read(
            f"select scheme, count(segment_key) as customers from {self._scores} "
            "where as_of_date = $as_of group by 1",
            {"as_of": as_of},
        )
        profiles = warehouse.read(
            f"select * from {self._profiles} where as_of_date = $as_of", {"as_of": as_of}
        )
        return profiles_add_up(profiles, customers=counted.set_index("scheme")["customers"])
