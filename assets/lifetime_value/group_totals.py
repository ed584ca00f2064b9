"""Predicted against observed totals on the log scale: the whole, tenths of the prediction, and cohorts."""

from collections.abc import Hashable, Iterator, Mapping

import numpy as np
import pandas as pd

from assets.lifetime_value.spec import AmountCriteria
from assets.metrics.amounts import GroupTotal, totals_by_cohort, totals_by_decile
from assets.metrics.arrays import Floats, Texts
from assets.metrics.bootstrap import NORMAL_QUANTILE, ClusterBootstrap
from assets.metrics.calibration import BINS

TENTHS, COHORT, TOTAL = "all", "first_purchase_quarter", "total"
# Whole windows excuse at most so much of a log ratio: whatever moved all customers together, a total that was
# further off than this and the tolerance is nothing to plan with.
MOST_EXCUSED = 0.25


def group_totals(
    observed: Floats, predicted: Floats, resamples: ClusterBootstrap, *, quarters: Texts, period_sd: float
) -> pd.DataFrame:
    """Rows of ``ml.calibration_bins`` without model, version and split; means of amounts in place of rates.

    The interval is of the observed mean, on the log scale: the error of resampled customers and, in
    quadrature, the deviation of the whole window (``period_sd``, at most ``MOST_EXCUSED`` in all).

    Args:
        observed: (n,) amounts.
        predicted: (n,) amounts.
        resamples: Weights for the same n rows.
        quarters: (n,) cohort of each customer.
        period_sd: Standard deviation of the logarithm of a whole window's total.
    """
    whole = np.zeros(observed.size, dtype=np.int64)
    rows = [
        _row(each, TOTAL, "all", 1)
        for each in totals_by_cohort(observed, predicted, resamples, cohorts=whole)
    ]
    # Bin 1 is the lowest here, as with probabilities.
    rows += [
        _row(each, TENTHS, "all", BINS + 1 - int(each.group))
        for each in totals_by_decile(observed, predicted, resamples)
    ]
    rows += [
        _row(each, COHORT, each.group, 1)
        for each in totals_by_cohort(observed, predicted, resamples, cohorts=quarters)
    ]
    found = pd.DataFrame(rows)
    # Relative to the larger of both: nothing observed must not make every prediction probable.
    larger = found[["mean_observed", "mean_predicted"]].max(axis=1).clip(lower=np.finfo(float).tiny)
    of_customers = (found["ci_hi"] - found["ci_lo"]) / 2 / larger
    reach = np.exp(np.hypot(of_customers, min(NORMAL_QUANTILE * period_sd, MOST_EXCUSED)))
    positive = found["mean_observed"].clip(lower=0.0)
    return found.assign(ci_lo=positive / reach, ci_hi=positive * reach)


def groups_out_of_tolerance(groups: pd.DataFrame, *, criteria: AmountCriteria) -> Iterator[str]:
    """The groups whose predicted total is off by more than the tolerance and both kinds of chance.

    Args:
        groups: Rows of :func:`group_totals`, or of ``ml.calibration_bins`` of one version and window.
        criteria: Tolerances.
    """
    whole = groups.loc[groups["slice_name"] == TENTHS]
    everything = float((whole["n"] * whole["mean_predicted"]).sum())
    large = groups.loc[(groups["slice_name"] != COHORT) | (groups["n"] >= criteria.smallest_group)]
    for row in large.sort_values(["slice_name", "slice_value", "bin"]).to_dict("records"):
        n, predicted = float(row["n"]), float(row["n"] * row["mean_predicted"])
        observed, is_whole = float(row["n"] * row["mean_observed"]), row["slice_name"] == TOTAL
        beyond = np.exp(criteria.total_tolerance if is_whole else criteria.group_tolerance)
        lowest, highest = n * float(row["ci_lo"]) / beyond, n * float(row["ci_hi"]) * beyond
        is_material = is_whole or abs(predicted - observed) > criteria.material_share * everything
        if is_material and not lowest <= predicted <= highest:
            yield (
                f"{_group(row)}: predicted {predicted:,.0f}{_share(predicted, observed)} (n {n:,.0f}; chance "
                f"and tolerance allow predictions from {lowest:,.0f} to {highest:,.0f})"
            )


def _share(predicted: float, observed: float) -> str:
    share = f"{predicted / observed:.0%} of the " if observed > 0 else ""
    return f", {share}observed {observed:,.0f}"


def _row(total: GroupTotal, name: str, value: str, number: int) -> dict[str, object]:
    return {
        "slice_name": name,
        "slice_value": value,
        "bin": number,
        "n": total.n,
        "mean_predicted": total.predicted_total / total.n,
        "mean_observed": total.realised_total / total.n,
        "ci_lo": total.ci_lo / total.n,
        "ci_hi": total.ci_hi / total.n,
    }


def _group(row: Mapping[Hashable, object]) -> str:
    if row["slice_name"] == TOTAL:
        return "all customers"
    if row["slice_name"] == TENTHS:
        return f"tenth {row['bin']} of 10 (10 the highest)"
    return f"customers since {row['slice_value']}"
