"""A failed check shows its reason, its evidence and the next step, in Python and in dbt."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import dagster as dg
import pandas as pd
import pytest

from assets.churn.capability import CHURN
from assets.defs import PARTITION_TAG
from assets.keys import Key
from assets.transform.defs import _with_next_step
from assets.transform.remediation import NEXT_STEPS as OF_DBT
from checks.binding import check_of
from checks.models.plots import with_reliability, with_totals
from checks.models.shared import shared_checks
from checks.models.supervised import supervised_invariants
from checks.remediation import NEXT_STEPS
from checks.verdict import Verdict

RED = Verdict(passed=False, reason="3 of 5", value=3.0, threshold=0.0, evidence={"n": 5.0})
GREEN = Verdict(passed=True, reason="fine", evidence={"n": 5.0})
TABLE = Key("ml", "things")
BINS = pd.DataFrame(
    {"slice_name": ["all"], "mean_predicted": [0.2], "mean_observed": [0.3], "ci_lo": [0.2], "ci_hi": [0.4]}
)
PREDICTION_TOTALS = pd.DataFrame(
    {"as_of_date": ["2024-01-01"], "expected_positives": [9.0], "expected_positives_lo": [5.0],
     "expected_positives_hi": [13.0], "observed_positives": [20.0]}
)  # fmt: skip


def bound(verdict: Verdict) -> dg.AssetCheckResult:
    """The check result that Dagster receives for ``verdict``."""
    return result_of(check_of(TABLE, "segments_are_stable", lambda _context, _warehouse: verdict, why=bound))


def result_of(check: dg.AssetChecksDefinition) -> dg.AssetCheckResult:
    """Run ``check`` without a warehouse."""
    context = SimpleNamespace(run=SimpleNamespace(tags={PARTITION_TAG: "2024-01-01"}))
    result: dg.AssetCheckResult = check.node_def.compute_fn.decorated_fn(context, None)  # type: ignore[attr-defined]
    return result


def test_every_next_step_is_a_sentence() -> None:
    for step in (*NEXT_STEPS.values(), *OF_DBT.values()):
        assert step[0].isupper()
        assert step.endswith(".")


def test_every_declared_next_step_is_a_sentence_and_in_no_table() -> None:
    declared = {each.name: each.next_step for each in (*shared_checks(CHURN), *supervised_invariants(CHURN))}
    assert len(declared) == 15
    assert all(step[0].isupper() and step.endswith(".") for step in declared.values())
    assert not declared.keys() & NEXT_STEPS.keys()


def test_a_check_without_a_next_step_cannot_be_bound() -> None:
    with pytest.raises(KeyError, match=r"'all_is_well' .* checks/remediation.py"):
        check_of(TABLE, "all_is_well", lambda _context, _warehouse: GREEN, why=bound)


def test_a_declared_next_step_comes_before_the_table() -> None:
    check = check_of(TABLE, "segments_are_stable", lambda *_: RED, why=bound, next_step="Do this.")
    assert result_of(check).metadata["next_step"].value == "Do this."


def test_a_failed_check_shows_reason_and_next_step_and_a_passed_one_only_the_reason() -> None:
    red, green = bound(RED), bound(GREEN)
    assert red.description == "3 of 5"
    assert red.metadata["next_step"].value == NEXT_STEPS["segments_are_stable"]
    assert red.metadata["n"].value == 5.0
    assert green.description == "fine"
    assert "next_step" not in green.metadata


@pytest.mark.parametrize(("passed", "step"), [(False, OF_DBT["keys_are_unique"]), (True, None)])
def test_a_failed_dbt_test_shows_its_next_step(passed: bool, step: str | None) -> None:
    event = dg.AssetCheckResult(
        passed=passed, asset_key=dg.AssetKey(TABLE), check_name="keys_are_unique", metadata={"rows": 2}
    )
    result: Any = _with_next_step(event)
    assert result.metadata["rows"].value == 2
    next_step = result.metadata.get("next_step")
    assert (next_step and next_step.value) == step
    assert (result.passed, result.check_name) == (passed, "keys_are_unique")


def test_only_failed_checks_get_plots(tmp_path: Path) -> None:
    red = with_reliability(RED, BINS, title="x")
    assert red.plots["reliability"].startswith(b"\x89PNG")
    assert with_totals(RED, PREDICTION_TOTALS, title="x").plots["totals"].startswith(b"\x89PNG")
    for verdict, rows in ((GREEN, BINS), (RED, BINS.iloc[:0]), (RED, BINS.assign(slice_name="country"))):
        assert not with_reliability(verdict, rows, title="x").plots
    assert not with_totals(GREEN, PREDICTION_TOTALS, title="x").plots
    assert not with_totals(RED, PREDICTION_TOTALS.iloc[:0], title="x").plots
    assert "data:image/png;base64," in str(bound(red).metadata["reliability"].value)
    page = tmp_path / "page.html"
    linked = bound(Verdict(passed=False, reason="x", pages={"page": page})).metadata["page"]
    assert linked == dg.MetadataValue.path(str(page))
