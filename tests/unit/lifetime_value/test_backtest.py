"""Which amount model is promoted: a sound one first, the better of two, and no alternation."""

import numpy as np
import pandas as pd

from assets.lifecycle.gate import Decision, decide
from assets.lifecycle.store.schemas import METRIC_TYPES, typed
from assets.lifetime_value.backtest import CandidateResult, Choice, best_of
from assets.lifetime_value.models.candidates import AmountModelName
from assets.lifetime_value.spec import COMPARED
from assets.metrics.bootstrap import Interval

SURELY = Interval(value=-0.3, lo=-0.4, hi=-0.2)
UNSURE = Interval(value=-0.1, lo=-0.3, hi=0.1)


def result(
    amount_model: AmountModelName,
    deviance: float,
    *,
    defects: tuple[str, ...] = (),
    against: Interval = SURELY,
    spread: float = 0.0,
) -> CandidateResult:
    """A candidate whose deviance is ``deviance`` in the window and around it in every replicate."""
    drawn = deviance + spread * np.random.default_rng(len(amount_model)).normal(size=200)
    return CandidateResult(
        amount_model=amount_model,
        accuracy={"deviance": np.r_[deviance, drawn]},
        groups=pd.DataFrame(),
        defects=defects,
        against_baseline=against,
    )


def chosen(*results: CandidateResult, serving: AmountModelName | None = None) -> tuple[Choice, Decision]:
    """What is proposed, and what the promotion gate decides of it."""
    choice = best_of(results, serving=serving)
    assert choice is not None
    compared = {COMPARED.difference: choice.best.against_baseline}
    if choice.against_champion is not None:
        compared[COMPARED.champion_difference] = choice.against_champion
    rows = [
        {
            **dict.fromkeys(METRIC_TYPES),
            "slice_name": "all",
            "metric": metric,
            "value": each.value,
            "ci_lo": each.lo,
            "ci_hi": each.hi,
            "n": 200,
            "n_positive": 100,
        }
        for metric, each in compared.items()
    ]
    decision = decide(
        typed(rows, METRIC_TYPES),
        COMPARED,
        defects=choice.best.defects,
        champion_unfit=choice.champion_unfit,
    )
    return choice, decision


def test_the_lower_deviance_is_promoted() -> None:
    choice, decision = chosen(result("bg_nbd", 1.3), result("boosting", 1.2))
    assert (choice.best.amount_model, decision.promote) == ("boosting", True)


def test_a_sound_amount_model_goes_before_a_better_one_whose_totals_are_out_of_tolerance() -> None:
    choice, decision = chosen(result("bg_nbd", 1.3), result("boosting", 1.0, defects=("tenth 1 …",)))
    assert (choice.best.amount_model, decision.promote) == ("bg_nbd", True)


def test_nothing_that_does_not_surely_beat_the_baseline_is_promoted() -> None:
    _, decision = chosen(result("bg_nbd", 1.3, against=UNSURE))
    assert not decision.promote
    assert "does not beat the baseline" in decision.reasons[0]


def test_defects_are_the_reasons_of_a_refusal() -> None:
    _, decision = chosen(result("bg_nbd", 1.3, defects=("tenth 1 was off",)))
    assert (decision.promote, decision.reasons) == (False, ("tenth 1 was off",))


def test_the_serving_amount_model_is_refitted_unless_another_is_surely_better() -> None:
    choice, decision = chosen(
        result("bg_nbd", 1.3, spread=0.2), result("boosting", 1.2, spread=0.2), serving="bg_nbd"
    )
    assert (choice.best.amount_model, decision.promote, decision.against_champion) == ("bg_nbd", True, None)
    choice, decision = chosen(result("bg_nbd", 1.3), result("boosting", 1.2), serving="bg_nbd")
    assert (choice.best.amount_model, decision.promote) == ("boosting", True)
    assert decision.against_champion is not None


def test_a_serving_amount_model_with_defects_is_replaced_by_a_sound_one_that_is_no_better() -> None:
    choice, decision = chosen(
        result("bg_nbd", 1.3, defects=("tenth 1 was off",)), result("boosting", 1.4), serving="bg_nbd"
    )
    assert (choice.best.amount_model, decision.promote) == ("boosting", True)
    assert "out of tolerance" in decision.reasons[0]


def test_without_a_candidate_nothing_is_chosen() -> None:
    assert best_of([], serving=None) is None
