"""Whoever meets a failed check reads why, what to look at and what to do next, whatever judged."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import dagster as dg
import pandas as pd
import pytest

from assets.defs import PARTITION_TAG
from assets.keys import Key
from assets.transform.defs import _advised
from assets.transform.remediation import NEXT_STEPS as OF_DBT
from checks.binding import check_of
from checks.models.plots import with_reliability, with_totals
from checks.remediation import NEXT_STEPS, next_step_of
from checks.verdict import Verdict

RED = Verdict(passed=False, reason="3 of 5", value=3.0, threshold=0.0, evidence={"n": 5.0})
GREEN = Verdict(passed=True, reason="fine", evidence={"n": 5.0})
TABLE = Key("ml", "things")
BINS = pd.DataFrame(
    {"slice_name": ["all"], "mean_predicted": [0.2], "actual_rate": [0.3], "ci_lo": [0.2], "ci_hi": [0.4]}
)
LEVELS = pd.DataFrame(
    {"as_of_date": ["2024-01-01"], "sum_probability": [9.0], "total_lo": [5.0], "total_hi": [13.0],
     "realised": [20.0]}
)  # fmt: skip


def told(verdict: Verdict) -> dg.AssetCheckResult:
    """What Dagster is told of ``verdict``."""
    check = check_of(TABLE, "cohort_is_scored_once", lambda _context, _warehouse: verdict, why=told)
    context = SimpleNamespace(run=SimpleNamespace(tags={PARTITION_TAG: "2024-01-01"}))
    result: dg.AssetCheckResult = check.node_def.compute_fn.decorated_fn(context, None)  # type: ignore[attr-defined]
    return result


def test_every_next_step_is_a_sentence() -> None:
    for step in (*NEXT_STEPS.values(), *OF_DBT.values()):
        assert step[0].isupper()
        assert step.endswith(".")


def test_the_name_of_a_problem_is_no_part_of_what_to_do() -> None:
    step = next_step_of("training_rows_of_churn_match_contract")
    assert step == NEXT_STEPS["training_rows_of_<problem>_match_contract"]


def test_a_check_that_does_not_say_what_to_do_next_cannot_be_bound() -> None:
    with pytest.raises(KeyError, match=r"'all_is_well' .* checks/remediation.py"):
        check_of(TABLE, "all_is_well", lambda _context, _warehouse: GREEN, why=told)


def test_a_red_check_says_why_and_what_to_do_next_and_a_green_one_only_why() -> None:
    red, green = told(RED), told(GREEN)
    assert red.description == "3 of 5"
    assert red.metadata["next_step"].value == NEXT_STEPS["cohort_is_scored_once"]
    assert red.metadata["n"].value == 5.0
    assert green.description == "fine"
    assert "next_step" not in green.metadata


@pytest.mark.parametrize(("passed", "step"), [(False, OF_DBT["keys_are_unique"]), (True, None)])
def test_a_red_check_of_dbt_says_what_to_do_next(passed: bool, step: str | None) -> None:
    event = dg.AssetCheckResult(
        passed=passed, asset_key=dg.AssetKey(TABLE), check_name="keys_are_unique", metadata={"rows": 2}
    )
    advised: Any = _advised(event)
    assert advised.metadata["rows"].value == 2
    told_next = advised.metadata.get("next_step")
    assert (told_next and told_next.value) == step
    assert (advised.passed, advised.check_name) == (passed, "keys_are_unique")


def test_a_plot_is_drawn_of_what_failed_and_of_nothing_else(tmp_path: Path) -> None:
    red = with_reliability(RED, BINS, title="x")
    assert red.plots["reliability"].startswith(b"\x89PNG")
    assert with_totals(RED, LEVELS, title="x").plots["totals"].startswith(b"\x89PNG")
    for verdict, rows in ((GREEN, BINS), (RED, BINS.iloc[:0]), (RED, BINS.assign(slice_name="country"))):
        assert not with_reliability(verdict, rows, title="x").plots
    assert not with_totals(GREEN, LEVELS, title="x").plots
    assert not with_totals(RED, LEVELS.iloc[:0], title="x").plots
    assert "data:image/png;base64," in str(told(red).metadata["reliability"].value)
    page = tmp_path / "page.html"
    linked = told(Verdict(passed=False, reason="x", pages={"page": page})).metadata["page"]
    assert linked == dg.MetadataValue.path(str(page))
