"""From a ranker's scores to probabilities, on a fold the ranker has not seen."""

from typing import Any, Literal

import pandas as pd
from sklearn.calibration import CalibratedClassifierCV
from sklearn.frozen import FrozenEstimator

from assets.metrics.arrays import Floats

Method = Literal["sigmoid", "isotonic"]
ISOTONIC_FROM = 1_000


def calibration_method(positives: int, negatives: int) -> Method:
    """Isotonic from 1,000 rows of the rarer kind on, sigmoid below.

    A step function fitted on few buyers follows their noise; two parameters cannot. Above about a
    thousand cases the step function is as good or better, whatever the shape of the distortion.
    Counted on the rarer kind, because the common one says little where buyers are.

    Source: Niculescu-Mizil & Caruana 2005, "Predicting good probabilities with supervised learning".
    """
    return "isotonic" if min(positives, negatives) >= ISOTONIC_FROM else "sigmoid"


def calibrated(ranker: Any, features: pd.DataFrame, *, outcome: Floats, method: Method) -> Any:  # noqa: ANN401
    """``ranker``, left as it is, with a calibrator fitted on ``features`` (n, k) and ``outcome`` (n,)."""
    return CalibratedClassifierCV(FrozenEstimator(ranker), method=method).fit(
        features, outcome.astype("int64")
    )
