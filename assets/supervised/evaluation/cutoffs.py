"""What each cut-off of the probability brings: measured on the test fold, expected of today's cohort."""

from collections.abc import Mapping, Sequence
from datetime import date

import numpy as np
import numpy.typing as npt
import pandas as pd

from assets.features.matrix import Matrix
from assets.keys import COHORT_CUTOFFS
from assets.lifecycle.capability import MetricKey, ModelVintage
from assets.lifecycle.store.schemas import COHORT_CUTOFF_TYPES, CUTOFF_TYPES, typed
from assets.metrics.arrays import Flags, Floats, Ints, Texts
from assets.metrics.bootstrap import RANK_REPLICATES, ClusterBootstrap, Interval
from assets.metrics.cutoffs import confusion_counts, cutoff_metrics, expected_outcome, top_share
from assets.ports import Warehouse
from assets.supervised.fitting.train import Fitted

TOP_PERCENTS = (1, 5, 10, 20, 30, 50)
BEST_F1 = "best_f1"
Selected = Mapping[str, Flags]


def answering_vintage(
    models: Sequence[ModelVintage[Fitted]], as_of: npt.NDArray[np.datetime64]
) -> npt.NDArray[np.int64]:
    """Position in ``models``, oldest first, of the one that answers for each of the dates ``as_of`` (n,)."""
    firsts = np.asarray([model.first for model in models], dtype="datetime64[D]")
    return np.maximum(np.searchsorted(firsts, as_of, side="right") - 1, 0)


def selected_rows(test: Matrix, probability: Floats, *, models: Sequence[ModelVintage[Fitted]]) -> Selected:
    """The rows that each cut-off selects, by the name of the cut-off.

    The threshold of best F1 is that of the vintage which answers for a row: it was chosen on rows whose
    outcomes were known before the row's date.

    Args:
        test: Rows (n, k) of the test fold.
        probability: (n,) as published by ``models``.
        models: Vintages of one ranker, oldest first.
    """
    thresholds = np.asarray([each.model.best_f1 for each in models])
    threshold = thresholds[answering_vintage(models, test.as_of)]
    day: Ints = pd.factorize(test.as_of)[0].astype(np.int64)
    return _selected(probability, test.entities, day=day, threshold=threshold)


def cutoff_rows(
    test: Matrix, selected: Mapping[str, Selected], *, key: MetricKey, rng: np.random.Generator
) -> pd.DataFrame:
    """Rows of ``ml.cutoffs``: every metric of candidate and baseline with its interval, per cut-off.

    Args:
        test: Rows (n, k) of the test fold.
        selected: Rows of :func:`selected_rows` by prefix of the columns: none and ``baseline_``.
        key: Name and version of the model.
        rng: Source of the bootstrap draws by customer.
    """
    resamples = ClusterBootstrap.by_customer(test.entities, replicates=RANK_REPLICATES, rng=rng)
    shared: dict[str, object] = {
        "model_name": key.model_name,
        "model_version": key.model_version,
        "n": len(test),
        "n_positive": test.positives,
    }
    rows = []
    for cut in selected[""]:
        row = {**shared, "cut": cut}
        for prefix, each in selected.items():
            figures: dict[str, object] = dict(confusion_counts(test.outcome, each[cut]))
            for name, of in cutoff_metrics(test.outcome, each[cut], resamples).items():
                figures |= _columns(name, of)
            row |= {f"{prefix}{name}": value for name, value in figures.items()}
        rows.append(row)
    return typed(rows, CUTOFF_TYPES)


def cohort_cutoffs(key: MetricKey, probability: Floats, entities: Texts, *, threshold: float) -> pd.DataFrame:
    """Rows of ``ml.cohort_cutoffs``: expected hits and misses of each cut-off in the cohort of one date.

    Args:
        key: Version and date.
        probability: (n,) published probabilities of the eligible, n > 0.
        entities: (n,) ids.
        threshold: Threshold of best F1 of the version.
    """
    one_day = np.zeros(probability.size, dtype=np.int64)
    found = _selected(probability, entities, day=one_day, threshold=threshold)
    rows = [
        {
            "model_name": key.model_name,
            "model_version": key.model_version,
            "as_of_date": key.as_of_date,
            "cut": cut,
            "share": selected.mean() if cut == BEST_F1 else _SHARES[cut],
            "threshold": threshold if cut == BEST_F1 else probability[selected].min(initial=np.inf),
            "n_scored": probability.size,
            "n_selected": int(selected.sum()),
            **expected_outcome(probability, selected),
        }
        for cut, selected in found.items()
    ]
    # The threshold of nobody is not infinite.
    return typed(pd.DataFrame(rows).replace(np.inf, np.nan), COHORT_CUTOFF_TYPES)


def write_cohort_cutoffs(model_name: str, warehouse: Warehouse, rows: pd.DataFrame, *, as_of: date) -> None:
    """Replace the rows of one model and date in ``ml.cohort_cutoffs``.

    Args:
        model_name: The model.
        warehouse: Holds the table.
        rows: Rows (n, k) of :func:`cohort_cutoffs`; none when nobody was scored.
        as_of: As-of date of the run.
    """
    with warehouse.connect() as connection:
        connection.execute(
            f"delete from {COHORT_CUTOFFS.sql} where model_name = $model and as_of_date = $as_of",
            {"model": model_name, "as_of": as_of},
        )
    warehouse.append(COHORT_CUTOFFS, rows)


_SHARES = {f"top_{percent}_percent": percent / 100 for percent in TOP_PERCENTS}


def _selected(probability: Floats, entities: Texts, *, day: Ints, threshold: Floats | float) -> Selected:
    top = {cut: top_share(probability, entities, day=day, share=share) for cut, share in _SHARES.items()}
    return {**top, BEST_F1: probability >= threshold}


def _columns(name: str, of: Interval) -> dict[str, object]:
    return {name: of.value, f"{name}_lo": of.lo, f"{name}_hi": of.hi}
