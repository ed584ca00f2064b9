"""What must be true of the segments of one morning, as plain functions."""

import numpy as np
import pandas as pd
import pandera.pandas as pa

from assets.segments.model import BEHAVIOUR, RFM, Rules
from assets.segments.tables import ASSIGNMENT_TYPES
from checks.data.completeness import SHOWN_VIOLATIONS
from checks.models.contracts import STATUSES
from checks.verdict import Verdict

# Half of the adjusted Rand index that refits must reach: customers move from one week to the next too.
LEAST_AGREEMENT = 0.5
# Sums of floating-point means over a million customers.
ROUNDING = 1e-6


def cohort_has_one_row_per_scheme(counted: pd.DataFrame, *, customers: int) -> Verdict:
    """Every customer of the morning has one row in each scheme, and nobody else has any.

    Args:
        counted: Per ``scheme``: ``rows``, ``customers`` (different ones) and ``known``, those of them who
            are customers of the morning.
        customers: Customers of the morning.
    """
    told = {str(row["scheme"]): row for row in counted.to_dict("records")}
    faults = []
    for scheme in (RFM, BEHAVIOUR):
        row = told.get(scheme, {"rows": 0, "customers": 0, "known": 0})
        if not (row["rows"] == row["customers"] == row["known"] == customers):
            faults.append(
                f"{scheme}: {row['rows']:,} rows of {row['customers']:,} customers, {row['known']:,} of them "
                f"among the morning's {customers:,}"
            )
    return Verdict(
        passed=not faults,
        reason="; ".join(faults) or f"{customers:,} customers, one segment row each in both schemes",
        value=float(len(faults)),
        threshold=0.0,
        evidence={"n": float(customers)},
    )


def segments_contract() -> pa.DataFrameSchema:
    """Every published column is there and within its range; who has no segment has nothing of one."""
    whole = pa.Check(
        lambda rows: rows["segment_key"].notna() == rows["is_eligible"].astype(bool),
        name="who_is_eligible_has_a_segment",
    )
    reasoned = pa.Check(
        lambda rows: rows["ineligible_reason"].isna() == rows["is_eligible"].astype(bool),
        name="who_has_none_knows_why",
    )
    ruled = {
        "customer_id": pa.Column(nullable=False),
        "as_of_date": pa.Column(nullable=False),
        "scheme": pa.Column(checks=pa.Check.isin((RFM, BEHAVIOUR))),
        "status": pa.Column(checks=pa.Check.isin(STATUSES)),
        "is_eligible": pa.Column(nullable=False),
        "distance": pa.Column("float64", pa.Check.ge(0), nullable=True),
        "margin": pa.Column("float64", pa.Check.in_range(0, 1), nullable=True),
        "stability_ari": pa.Column("float64", pa.Check.in_range(-1, 1), nullable=True),
        "rfm_cell": pa.Column(checks=pa.Check.str_matches(r"^[1-5]-[1-5]-[1-5]$"), nullable=True),
    }
    others = {name: pa.Column(nullable=True) for name in ASSIGNMENT_TYPES if name not in ruled}
    columns, keys = {**ruled, **others}, ["customer_id", "scheme", "as_of_date"]
    return pa.DataFrameSchema(columns, checks=[whole, reasoned], unique=keys, strict=True)


def segment_key_has_one_name(named: pd.DataFrame) -> Verdict:
    """A segment keeps its name for as long as its key lives.

    Args:
        named: Different pairs of ``scheme``, ``segment_key`` and ``segment_name`` that mornings have used.
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
    """Every behavioural segment holds the least share of customers that the rules ask for.

    Args:
        sizes: Customers per segment of the morning; empty when nobody has a segment.
        rules: With ``smallest_share``.
    """
    if sizes.empty:
        return Verdict(passed=True, reason="nobody has a segment", evidence={"n": 0.0})
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
    """Most customers are still with the same people as on the morning before.

    Args:
        agreements: Adjusted Rand index with the morning before, per scheme; missing on a first morning.
        customers: Customers of the morning.
    """
    known = agreements.dropna()
    if known.empty:
        return Verdict(passed=True, reason="the first morning: nothing to compare with", evidence={"n": 0.0})
    worst = known.astype("float64").idxmin()
    return Verdict(
        passed=bool(known.min() >= LEAST_AGREEMENT),
        reason=f"adjusted Rand index with the morning before: {worst} {known.min():.2f} at least, of "
        f"{customers:,} customers; below {LEAST_AGREEMENT} audiences built on segments change hands",
        value=float(known.min()),
        threshold=LEAST_AGREEMENT,
        evidence={"n": float(customers)},
    )


def profiles_add_up(profiles: pd.DataFrame, *, customers: pd.Series) -> Verdict:
    """Segment means, weighted by customers, give everybody's mean, and sizes give everybody.

    Args:
        profiles: Rows of ``ml.segments__profiles`` of one morning; empty when nobody has a segment.
        customers: Customers with a segment, per scheme.
    """
    weighted = profiles.assign(total=profiles["mean"].fillna(0.0) * profiles["n"].astype("float64"))
    sums = weighted.groupby(["scheme", "feature"]).agg(
        total=("total", "sum"), n=("n", "sum"), mean_all=("mean_all", "first"), size=("size", "sum")
    )
    gap = (sums["total"] / sums["n"].astype("float64") - sums["mean_all"]).abs()
    torn = gap > ROUNDING * np.maximum(sums["mean_all"].abs(), 1.0)
    schemes = sums.index.get_level_values("scheme")
    torn |= sums["size"].to_numpy(dtype=float) != customers.reindex(schemes).to_numpy(dtype=float)
    absent = sorted(set(customers.index[customers > 0]) - set(schemes))
    shown = [f"{scheme} {feature}" for scheme, feature in sums.index[torn]]
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
