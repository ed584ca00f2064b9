"""A blend averages log-odds, and its weights come from dates that its members have not seen."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from assets.metrics.arrays import Floats
from assets.metrics.classification import auc, log_odds
from assets.supervised.fitting import blend
from assets.supervised.fitting.blend import LogOddsBlend, validated_weights
from assets.supervised.fitting.rankers import BLEND, RANKERS, fit_members
from tests.unit.supervised.conftest import Trained
from tests.unit.supervised.world import PROBLEM


class Stated:
    """A model whose probability is a column of the features."""

    def __init__(self, column: str) -> None:
        self.column = column

    def predict_proba(self, rows: pd.DataFrame) -> Floats:
        probability = rows[self.column].to_numpy(dtype=np.float64)
        return np.column_stack([1 - probability, probability])


def stated(trained: Trained, *, better: str, seed: int = 0) -> tuple[dict[str, Stated], pd.DataFrame]:
    """Two models beside the truth, of which one has no noise."""
    rng = np.random.default_rng(seed)
    rows = trained.rows.loc[np.isin(trained.rows["as_of_date"], trained.test.as_of)]
    truth = log_odds(rows["truth"].to_numpy())
    noise = {"first": 1.5 * (better != "first"), "second": 1.5 * (better != "second")}
    frame = pd.DataFrame(
        {name: 1 / (1 + np.exp(-(truth + size * rng.normal(size=len(rows))))) for name, size in noise.items()}
    )
    return {"first": Stated("first"), "second": Stated("second")}, frame


def test_the_blend_is_the_weighted_mean_of_the_log_odds(monkeypatch: pytest.MonkeyPatch) -> None:
    # Log-odds of 0.5 and 0.8 are 0 and log 4: three quarters of log 4 are odds of 2.828.
    rows = pd.DataFrame({"first": [0.5, 0.5, 0.5], "second": [0.8, 0.5, 0.2]})
    members = {"first": Stated("first"), "second": Stated("second"), "unread": None}
    model = LogOddsBlend(members, weights={"first": 0.25, "second": 0.75, "unread": 0.0})
    expected = [2.828427 / 3.828427, 0.5, 1 / 3.828427]
    assert model.predict_proba(rows)[:, 1] == pytest.approx(expected, abs=1e-6)
    monkeypatch.setattr(blend, "CHUNK_ROWS", 2)
    assert model.predict_proba(rows)[:, 1] == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(
    ("better", "share"), [("first", {1.0, 0.75}), ("second", {0.0, 0.25}), ("neither", {0.5})]
)
def test_the_better_model_has_the_larger_weight_and_equally_good_ones_are_averaged(
    trained: Trained, better: str, share: set[float]
) -> None:
    members, frame = stated(trained, better=better)
    weights = validated_weights(members, replace(trained.test, features=frame))
    assert weights["first"] in share
    assert sum(weights.values()) == 1


def test_a_single_member_has_the_whole_weight(trained: Trained) -> None:
    members, frame = stated(trained, better="first")
    alone = {"second": members["second"]}
    assert validated_weights(alone, replace(trained.test, features=frame)) == {"second": 1.0}


def test_the_blend_ranks_at_least_as_well_as_its_members(trained: Trained) -> None:
    test, members = trained.test, fit_members(PROBLEM, trained.train, names=RANKERS[BLEND])
    assert list(members) == ["boosting", "splines"]  # the small world has no order histories
    reached = [auc(test.outcome, each.predict_proba(test.features)[:, 1]) for each in members.values()]
    blended = LogOddsBlend(members, weights=dict.fromkeys(members, 0.5))
    assert auc(test.outcome, blended.predict_proba(test.features)[:, 1]) > max(reached) - 0.002
