"""Storage of fitted supervised models: the object that skops writes, and the facts beside it."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from assets.metrics.calibration import CalibrationBin
from assets.supervised.fitting.train import Fitted

# The only types beyond skops' own list that such a model is made of. A partial runs nothing by itself, and
# what it wraps must be on the list too; a dtype runs nothing at all.
MODEL_TYPES = (
    "assets.purchase_process.bg_nbd.BgNbd",
    "assets.supervised.fitting.baseline.RecencyBands",
    "assets.supervised.fitting.blend.LogOddsBlend",
    "assets.supervised.fitting.purchase_chance.PurchaseChance",
    "assets.supervised.fitting.quantile_binning.QuantileBinner",
    "assets.supervised.fitting.task.signed_log",
    "functools.partial",
    "numpy.dtype",
    "scipy._lib.array_api_compat.numpy._aliases.asarray",
    "scipy.interpolate._bsplines.BSpline",
    "sklearn.calibration._CalibratedClassifier",
    "sklearn.calibration._SigmoidCalibration",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.utils.validation.check_array",
)


def to_artifact(fitted: Fitted) -> tuple[object, Mapping[str, Any]]:
    """The model that skops writes, and its facts as JSON."""
    facts = {
        "problem": fitted.problem,
        "method": fitted.method,
        "reference": dict(fitted.reference),
        "bins": [asdict(each) for each in fitted.bins],
        "lowest": fitted.lowest,
        "best_f1": fitted.best_f1,
        "is_fallback": fitted.is_fallback,
    }
    return fitted.model, facts


def from_artifact(model: Any, facts: Mapping[str, Any]) -> Fitted:  # noqa: ANN401 - a fitted model
    """The fitted model that :func:`to_artifact` took apart."""
    bins = tuple(CalibrationBin(**each) for each in facts["bins"])
    return Fitted(model=model, bins=bins, **{name: facts[name] for name in facts if name != "bins"})
