"""Predicted against observed totals by tenth of the prediction and by cohort; groups out of tolerance."""

from collections.abc import Hashable, Iterator, Mapping

import numpy as np
import pandas as pd

from assets.lifetime_value.spec import AmountCriteria
from assets.metrics.amounts import GroupTotal, totals_by_cohort, totals_by_decile
from assets.metrics.arrays import Floats, Texts
from assets.metrics.bootstrap import NORMAL_QUANTILE, ClusterBootstrap
from assets.metrics.calibration import BINS

WHOLE, COHORT = "all", "first_purchase_quarter"


def group_totals(
    observed: Floats, predicted: Floats, resamples: ClusterBootstrap, *, quarters: Texts, period_sd: float
) -> pd.DataFrame:
    """Rows of ``ml.calibration_bins`` without model, version and split; means of amounts in place of rates.

    The interval is of the observed mean: customers resampled and, in quadrature, the deviation of the
    whole window (``period_sd``, of logarithms).

    Args:
        observed: (n,) amounts.
        predicted: (n,) amounts.
        resamples: Weights for the same n rows.
        quarters: (n,) cohort of each customer.
        period_sd: See :func:`assets.lifetime_value.backtest.period_sd`.
    """
    deciles = totals_by_decile(observed, predicted, resamples)
    cohorts = totals_by_cohort(observed, predicted, resamples, cohorts=quarters)
    # Bin 1 is the lowest here, as with probabilities.
    rows = [_row(each, WHOLE, WHOLE, BINS + 1 - int(each.group)) for each in deciles]
    rows += [_row(each, COHORT, each.group, 1) for each in cohorts]
    found = pd.DataFrame(rows)
    period = NORMAL_QUANTILE * period_sd * found["mean_predicted"]
    below, above = (found["mean_observed"] - found["ci_lo"], found["ci_hi"] - found["mean_observed"])
    return found.assign(
        ci_lo=found["mean_observed"] - np.hypot(below, period),
        ci_hi=found["mean_observed"] + np.hypot(above, period),
    )


def groups_out_of_tolerance(groups: pd.DataFrame, *, criteria: AmountCriteria) -> Iterator[str]:
    """The groups whose predicted total is off by more than the tolerance and both kinds of chance.

    Args:
        groups: Rows of :func:`group_totals`, or of ``ml.calibration_bins`` of one version and window.
        criteria: Tolerances.
    """
    whole = groups.loc[groups["slice_name"] == WHOLE]
    everything = float((whole["n"] * whole["mean_predicted"]).sum())
    large = groups.loc[(groups["slice_name"] == WHOLE) | (groups["n"] >= criteria.smallest_group)]
    for row in large.sort_values(["slice_name", "slice_value", "bin"]).to_dict("records"):
        n, predicted = float(row["n"]), float(row["n"] * row["mean_predicted"])
        tolerance = max(criteria.group_tolerance * predicted, criteria.material_share * everything)
        lowest, highest = n * float(row["ci_lo"]) - tolerance, n * float(row["ci_hi"]) + tolerance
        if not lowest <= predicted <= highest:
            yield (
                f"{_group(row)}: predicted {predicted:,.0f}, observed {n * row['mean_observed']:,.0f} "
                f"(n {n:,.0f}; chance and tolerance allow predictions from {lowest:,.0f} to {highest:,.0f})"
            )


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
    if row["slice_name"] == WHOLE:
        return f"tenth {row['bin']} of 10 (10 the highest)"
    return f"customers since {row['slice_value']}"
