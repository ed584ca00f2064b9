"""The grade follows the published rule, and a stored model is restored."""

from datetime import date

import numpy as np
import pytest

from assets.lifecycle.capability import MetricKey
from assets.lifecycle.gate import Decision
from assets.segments.capability import SEGMENTS
from assets.segments.clustering import KResult, SegmentationModel, Selection, assign
from assets.segments.metric_rows import metric_rows
from assets.segments.score_rows import RfmRule
from tests.unit.segments.world import customers, segmented

KEY = MetricKey(model_name="segments", model_version="v1", split="test", as_of_date=date(2024, 3, 4))


@pytest.mark.parametrize(
    ("stability", "silhouette", "grade"),
    [
        (0.95, 0.70, "Excellent"),
        (0.94, 0.70, "Good"),
        (0.95, 0.69, "Good"),
        (0.90, 0.50, "Good"),
        (0.89, 0.50, "Fair"),
        (0.90, 0.49, "Fair"),
        (0.80, 0.25, "Fair"),
        (0.79, 0.25, "Poor"),
        (0.80, 0.24, "Poor"),
    ],
)
def test_the_grade_needs_both_stability_and_silhouette(
    stability: float, silhouette: float, grade: str
) -> None:
    result = KResult(
        k=3, stability=stability, stability_sd=0.01, silhouette=silhouette, smallest_share=0.1, draws=5, n=900
    )
    metrics = metric_rows(Selection(best=result, results=(result,)), key=KEY, differences={})
    decision = Decision(promote=True, reasons=("first",))
    assert SEGMENTS.grade(metrics, decision).name == grade
    assert grade in SEGMENTS.spec.grade_meanings


def test_a_segmentation_is_restored_from_what_is_stored() -> None:
    rows = customers()
    model = segmented(rows)
    restored = SEGMENTS.from_artifact(*SEGMENTS.to_artifact(model))
    assert isinstance(restored, SegmentationModel)
    assert restored.segment_keys == model.segment_keys
    np.testing.assert_array_equal(assign(restored, rows).distance, assign(model, rows).distance)


def test_the_rule_is_restored_with_its_reason() -> None:
    rule = RfmRule(reason="too_few_customers")
    assert SEGMENTS.from_artifact(*SEGMENTS.to_artifact(rule)) == rule
