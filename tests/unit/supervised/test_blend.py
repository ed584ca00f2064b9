"""A blend averages log-odds, and its weights come from dates that its members have not seen."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from assets.metrics.arrays import Floats
from assets.metrics.classification import auc, log_odds
from assets.supervised.fitting import blend
from assets.supervised.fitting.blend import LogOddsBlend, validated_weights
from assets.supervised.fitting.train import fit_ranker
from tests.unit.supervised.conftest import Trained
from tests.unit.supervised.world import PROBLEM


class Stated:
    """A model whose probability is a column of the features."""

    def __init__(self, column: str) -> None:
        self.column = column

    def predict_proba(self, rows: pd.DataFrame) -> Floats:
        probability = rows[self.column].to_numpy(dtype=np.float64)
        return np.column_stack([1 - probability, probability])


def stated(trained: Trained, *, better: str, seed: int = 0) -> tuple[LogOddsBlend, pd.DataFrame]:
    """Two models beside the truth, of which one has no noise."""
    rng = np.random.default_rng(seed)
    rows = trained.rows.loc[np.isin(trained.rows["as_of_date"], trained.test.as_of)]
    truth = log_odds(rows["truth"].to_numpy())
    noise = {"first": 1.5 * (better != "first"), "second": 1.5 * (better != "second")}
    frame = pd.DataFrame(
        {name: 1 / (1 + np.exp(-(truth + size * rng.normal(size=len(rows))))) for name, size in noise.items()}
    )
    return LogOddsBlend(members=[Stated("first"), Stated("second")], weights=(0.5, 0.5)), frame


def test_the_blend_is_the_weighted_mean_of_the_log_odds(monkeypatch: pytest.MonkeyPatch) -> None:
    # Log-odds of 0.5 and 0.8 are 0 and log 4: three quarters of log 4 are odds of 2.828.
    rows = pd.DataFrame({"first": [0.5, 0.5, 0.5], "second": [0.8, 0.5, 0.2]})
    model = LogOddsBlend(members=[Stated("first"), Stated("second")], weights=(0.25, 0.75))
    expected = [2.828427 / 3.828427, 0.5, 1 / 3.828427]
    assert model.predict_proba(rows)[:, 1] == pytest.approx(expected, abs=1e-6)
    monkeypatch.setattr(blend, "CHUNK_ROWS", 2)
    assert model.predict_proba(rows)[:, 1] == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(
    ("better", "weights"), [("first", {(1.0, 0.0), (0.75, 0.25)}), ("second", {(0.0, 1.0), (0.25, 0.75)})]
)
def test_the_better_model_has_the_larger_weight(
    trained: Trained, better: str, weights: set[tuple[float, ...]]
) -> None:
    model, frame = stated(trained, better=better)
    assert validated_weights(model, replace(trained.test, features=frame)) in weights


def test_equally_good_models_with_errors_of_their_own_are_averaged(trained: Trained) -> None:
    model, frame = stated(trained, better="neither")
    assert validated_weights(model, replace(trained.test, features=frame)) == (0.5, 0.5)


def test_the_blend_ranks_at_least_as_well_as_its_members(trained: Trained) -> None:
    ranker = fit_ranker(PROBLEM, trained.train)
    test = trained.test
    members = [auc(test.outcome, each.predict_proba(test.features)[:, 1]) for each in ranker.members]
    assert auc(test.outcome, ranker.predict_proba(test.features)[:, 1]) > max(members) - 0.002
