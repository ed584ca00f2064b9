"""Which recipe is promoted: a sound one first, the better of two, and no taking turns."""

import numpy as np
import pandas as pd

from assets.lifetime_value.judge import CandidateResult, best_of
from assets.lifetime_value.models.candidates import AmountModelName
from assets.metrics.bootstrap import Interval

SURELY = Interval(value=-0.3, lo=-0.4, hi=-0.2)
UNSURE = Interval(value=-0.1, lo=-0.3, hi=0.1)


def trial(
    recipe: AmountModelName,
    deviance: float,
    *,
    faults: tuple[str, ...] = (),
    against: Interval = SURELY,
    spread: float = 0.0,
) -> CandidateResult:
    """A recipe whose deviance is ``deviance`` in the window and around it in every replicate."""
    drawn = deviance + spread * np.random.default_rng(len(recipe)).normal(size=200)
    return CandidateResult(
        recipe=recipe,
        accuracy={"deviance": np.r_[deviance, drawn]},
        groups=pd.DataFrame(),
        faults=faults,
        against_naive=against,
    )


def test_the_lower_deviance_is_promoted() -> None:
    found = best_of([trial("bg_nbd", 1.3), trial("two_part", 1.2)], serving=None)
    assert found is not None
    assert (found[0].recipe, found[1].promote) == ("two_part", True)


def test_a_sound_recipe_goes_before_a_better_one_whose_totals_disagree() -> None:
    found = best_of([trial("bg_nbd", 1.3), trial("two_part", 1.0, faults=("tenth 1 …",))], serving=None)
    assert found is not None
    assert (found[0].recipe, found[1].promote) == ("bg_nbd", True)


def test_nothing_that_does_not_surely_beat_the_formula_is_promoted() -> None:
    found = best_of([trial("bg_nbd", 1.3, against=UNSURE)], serving=None)
    assert found is not None
    assert not found[1].promote
    assert "does not surely beat" in found[1].reasons[0]


def test_faults_are_the_reasons_of_a_refusal() -> None:
    found = best_of([trial("bg_nbd", 1.3, faults=("tenth 1 was off",))], serving=None)
    assert found is not None
    assert (found[1].promote, found[1].reasons) == (False, ("tenth 1 was off",))


def test_who_serves_is_left_only_for_a_recipe_that_surely_does_better() -> None:
    rivals = [trial("bg_nbd", 1.3, spread=0.2), trial("two_part", 1.2, spread=0.2)]
    found = best_of(rivals, serving="bg_nbd")
    assert found is not None
    assert (found[0].recipe, found[1].promote, found[1].against_champion) == ("bg_nbd", True, None)
    surely = best_of([trial("bg_nbd", 1.3), trial("two_part", 1.2)], serving="bg_nbd")
    assert surely is not None
    assert surely[0].recipe == "two_part"
    assert surely[1].against_champion is not None


def test_a_serving_recipe_at_fault_is_left_for_one_that_is_sound() -> None:
    rivals = [trial("bg_nbd", 1.3, faults=("tenth 1 was off",)), trial("two_part", 1.4)]
    found = best_of(rivals, serving="bg_nbd")
    assert found is not None
    assert (found[0].recipe, found[1].promote) == ("two_part", True)


def test_without_a_recipe_nothing_is_chosen() -> None:
    assert best_of([], serving=None) is None
