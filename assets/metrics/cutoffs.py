"""What selecting the rows above a cut-off brings: precision, recall, F1, specificity, lift and gain."""

import numpy as np

from assets.metrics.arrays import Flags, Floats, Ints, Texts
from assets.metrics.bootstrap import ClusterBootstrap, Interval, interval
from assets.metrics.ranking import ranks


def best_f1_threshold(outcome: Floats, probability: Floats) -> float:
    """The lowest probability to select for the best F1; the highest of several that are equally good.

    Args:
        outcome: (n,) of 0.0/1.0, n > 0.
        probability: (n,) in [0, 1].

    Returns:
        One of ``probability``: rows at or above it are selected. Without a positive, the highest.

    Selecting three rows finds both positives: F1 is 4 / 5, against 2 / 3 for one row and for all four.

    >>> best_f1_threshold(np.array([1.0, 0.0, 1.0, 0.0]), np.array([0.9, 0.8, 0.5, 0.2]))
    0.5
    """
    order = np.argsort(-probability, kind="stable")
    falling = probability[order]
    # Ties are selected together: only the last row of each value can be the border.
    is_border = np.r_[falling[1:] != falling[:-1], True]
    selected = np.arange(1, falling.size + 1)
    f1 = 2 * np.cumsum(outcome[order]) / (selected + outcome.sum())
    return float(falling[np.argmax(np.where(is_border, f1, -1.0))])


def top_share(probability: Floats, entities: Texts, *, day: Ints, share: float) -> Flags:
    """Whether each row is among the ``share`` with the highest probability of its day.

    Ties are broken as in the published ranks, so that this is ``percentile <= 100 * share`` of each date.

    Args:
        probability: (n,) values.
        entities: (n,) ids, each once a day.
        day: (n,) codes of the as-of dates.
        share: In (0, 1).

    Returns:
        (n,) flags.

    >>> ids, probability = np.array(list("abab"), dtype=object), np.array([0.9, 0.8, 0.1, 0.2])
    >>> top_share(probability, ids, day=np.array([0, 0, 1, 1]), share=0.5).tolist()
    [True, False, False, True]
    """
    selected = np.zeros(probability.size, dtype=np.bool_)
    for code in np.unique(day):
        here = day == code
        # In whole percents, because 0.1 * 30 is 3.0000000000000004.
        selected[here] = 100 * ranks(probability[here], entities[here]) <= round(100 * share) * here.sum()
    return selected


def confusion_counts(outcome: Floats, selected: Flags) -> dict[str, int]:
    """True and false positives and negatives when ``selected`` (n,) is the prediction of ``outcome`` (n,).

    >>> confusion_counts(np.array([1.0, 0.0, 1.0]), np.array([True, True, False]))
    {'true_positives': 1, 'false_positives': 1, 'true_negatives': 0, 'false_negatives': 1}
    """
    is_positive = outcome > 0
    return {
        "true_positives": int((is_positive & selected).sum()),
        "false_positives": int((~is_positive & selected).sum()),
        "true_negatives": int((~is_positive & ~selected).sum()),
        "false_negatives": int((is_positive & ~selected).sum()),
    }


def cutoff_metrics(outcome: Floats, selected: Flags, resamples: ClusterBootstrap) -> dict[str, Interval]:
    """Precision, recall, F1, specificity, lift and gain of a selection, with 95 % intervals by customer.

    Args:
        outcome: (n,) of 0.0/1.0, n > 0.
        selected: (n,) rows at or above the cut-off.
        resamples: Weights for the same n rows.

    Returns:
        ``lift`` is precision over the rate of all rows; ``gain``, the share of all positives that the
        selection holds (cumulative gain), is the recall by its marketing name. ``nan`` where a metric is not
        defined, such as the precision of nobody.

    Half of the two selected are positive, as are half of all four:

    >>> once = ClusterBootstrap(codes=np.arange(4), weights=np.ones((1, 4), dtype=np.float32))
    >>> found = cutoff_metrics(np.array([1.0, 0.0, 1.0, 0.0]), np.array([True, True, False, False]), once)
    >>> {name: each.value for name, each in found.items() if name in ("precision", "lift", "gain")}
    {'precision': 0.5, 'lift': 1.0, 'gain': 0.5}
    """
    per_row = np.column_stack([outcome * selected, selected, outcome]).astype(np.float64)
    hits, chosen, positive = np.vstack([per_row.mean(axis=0), resamples.means(per_row)]).T
    with np.errstate(divide="ignore", invalid="ignore"):
        found = {
            "precision": hits / chosen,
            "recall": hits / positive,
            "f1": 2 * hits / (chosen + positive),
            "specificity": ((1 - positive) - (chosen - hits)) / (1 - positive),
            "lift": hits / (chosen * positive),
            "gain": hits / positive,
        }
    return {name: interval(float(values[0]), values[1:]) for name, values in found.items()}


def expected_outcome(probability: Floats, selected: Flags) -> dict[str, float]:
    """Expected positives among all rows, and expected hits and misses among the selected.

    Args:
        probability: (n,) calibrated.
        selected: (n,) rows at or above the cut-off.

    >>> expected_outcome(np.array([0.75, 0.5, 0.25]), np.array([True, True, False]))
    {'expected_positives': 1.5, 'expected_hits': 1.25, 'expected_misses': 0.75}
    """
    hits = float(probability[selected].sum())
    return {
        "expected_positives": float(probability.sum()),
        "expected_hits": hits,
        "expected_misses": float(selected.sum()) - hits,
    }
