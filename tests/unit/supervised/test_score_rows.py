"""Score rows: probabilities, intervals, ranks and reason codes of one cohort."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from assets.features import customers
from assets.features.groups import FeatureGroup
from assets.features.matrix import UNKNOWN, LeakDetected
from assets.features.wording import WORDING
from assets.keys import Key
from assets.lifecycle.cohort import Exclusion
from assets.metrics.classification import log_odds
from assets.metrics.ranking import ranks
from assets.prior_shift.forecast import PriorShiftForecast
from assets.supervised.capability import SupervisedCapability
from assets.supervised.fitting.train import Fitted
from assets.supervised.problem import PredictionProblem
from assets.supervised.scoring.reason_codes import reason_codes
from assets.supervised.scoring.score_rows import (
    SCORE_TYPES,
    PriorShift,
    ServingState,
    add_ranks,
    build_score_rows,
)
from tests.unit.supervised.conftest import Trained
from tests.unit.supervised.world import PROBLEM

SHIFT = PriorShift(shift=0.4, sd=0.1, degrees_of_freedom=9.0)


def score_cohort(
    problem: PredictionProblem, fitted: Fitted, *, features: pd.DataFrame, shift: PriorShift
) -> pd.DataFrame:
    """Score rows with ranks, as the lifecycle gets them."""
    return add_ranks(problem, build_score_rows(problem, fitted, features=features, shift=shift))


@pytest.fixture(scope="module")
def today(trained: Trained) -> pd.DataFrame:
    newest = trained.rows["as_of_date"] == trained.rows["as_of_date"].max()
    return pd.DataFrame(trained.rows.loc[newest])


@pytest.fixture(scope="module")
def scored(trained: Trained, today: pd.DataFrame) -> pd.DataFrame:
    return score_cohort(PROBLEM, trained.candidate, features=today, shift=SHIFT)


def test_every_score_column_is_there(scored: pd.DataFrame) -> None:
    assert set(SCORE_TYPES) <= set(scored.columns)


def test_the_prior_shift_moves_every_probability_by_the_same_log_odds(scored: pd.DataFrame) -> None:
    moved = log_odds(scored["probability"].to_numpy()) - log_odds(scored["probability_raw"].to_numpy())
    assert moved == pytest.approx(np.full(1_000, 0.4))


def test_every_probability_lies_within_its_interval(scored: pd.DataFrame) -> None:
    assert (scored["prob_lo"] < scored["probability"]).all()
    assert (scored["probability"] < scored["prob_hi"]).all()


def test_the_interval_moves_with_the_prior_shift(
    trained: Trained, today: pd.DataFrame, scored: pd.DataFrame
) -> None:
    unmoved = score_cohort(PROBLEM, trained.candidate, features=today, shift=replace(SHIFT, shift=0.0))
    for end in ("prob_lo", "prob_hi"):
        moved = log_odds(scored[end].to_numpy()) - log_odds(unmoved[end].to_numpy())
        assert moved == pytest.approx(np.full(1_000, 0.4))


def test_an_uncertain_prior_shift_widens_every_interval(
    trained: Trained, today: pd.DataFrame, scored: pd.DataFrame
) -> None:
    uncertain = score_cohort(PROBLEM, trained.candidate, features=today, shift=PriorShift(shift=0.4, sd=0.5))
    assert (uncertain["prob_lo"] < scored["prob_lo"]).all()
    assert (uncertain["prob_hi"] > scored["prob_hi"]).all()


def test_the_interval_has_the_quantile_of_the_forecasts_t(trained: Trained, today: pd.DataFrame) -> None:
    # So uncertain that calibration adds less than a thousandth; t(4) has 2.776 at 97.5 %, the normal 1.960.
    wide = {
        degrees: score_cohort(
            PROBLEM, trained.candidate, features=today,
            shift=PriorShift(shift=0.0, sd=3.0, degrees_of_freedom=degrees),
        )
        for degrees in (4.0, float("inf"))
    }  # fmt: skip
    for degrees, quantile in ((4.0, 2.776), (float("inf"), 1.960)):
        reach = log_odds(wide[degrees]["probability"].to_numpy()) - log_odds(
            wide[degrees]["prob_lo"].to_numpy()
        )
        assert np.median(reach) == pytest.approx(3.0 * quantile, rel=0.005)


def test_deciles_percentiles_and_tiers_are_of_equal_size_and_best_first(scored: pd.DataFrame) -> None:
    assert scored["decile"].value_counts().to_dict() == dict.fromkeys(range(1, 11), 100)
    assert scored["percentile"].value_counts().to_dict() == dict.fromkeys(range(1, 101), 10)
    assert scored["tier"].value_counts().to_dict() == {"high": 100, "medium": 300, "low": 600}
    best = scored.loc[scored["percentile"] == 1, "probability"]
    assert best.min() >= scored.loc[scored["percentile"] > 1, "probability"].max()
    assert (scored["score"].min(), scored["score"].max()) == (0, 100)


def test_lift_is_relative_to_the_mean_and_value_is_money(scored: pd.DataFrame, today: pd.DataFrame) -> None:
    assert scored["lift"].mean() == pytest.approx(1.0)
    amount = today["average_order_amount_365d"].to_numpy()
    np.testing.assert_allclose(scored["expected_value"], scored["probability"] * amount)
    assert scored["expected_value"].isna().sum() == np.isnan(amount).sum() > 0


def test_the_order_of_the_rows_changes_nothing(
    trained: Trained, today: pd.DataFrame, scored: pd.DataFrame
) -> None:
    backwards = score_cohort(PROBLEM, trained.candidate, features=today[::-1], shift=SHIFT)
    pd.testing.assert_frame_equal(
        backwards.sort_values("customer_id", ignore_index=True),
        scored.sort_values("customer_id", ignore_index=True),
    )


def test_ties_are_broken_by_the_customer_and_not_by_the_row() -> None:
    customers = np.array([f"c{number}" for number in range(50)], dtype=object)
    found = ranks(np.full(50, 0.2), customers)
    assert sorted(found) == list(range(1, 51))
    assert ranks(np.full(50, 0.2), customers[::-1]).tolist() == found[::-1].tolist()
    assert found.tolist() != sorted(found)


def test_the_only_reason_code_of_the_baseline_is_recency(trained: Trained, today: pd.DataFrame) -> None:
    rows = score_cohort(PROBLEM, trained.baseline, features=today, shift=PriorShift())
    # It reads recency alone.
    assert set(rows["reason_1_code"].dropna()) == {"days_since_order"}
    assert rows["reason_2_code"].isna().all()


def test_one_row_is_scored_without_a_warehouse(
    trained: Trained, today: pd.DataFrame, scored: pd.DataFrame
) -> None:
    forecast = PriorShiftForecast(
        shift=SHIFT.shift, sd=SHIFT.sd, degrees_of_freedom=9.0, n_periods=9, has_season=False, components={}
    )
    state = ServingState(forecast=forecast, best_f1=trained.candidate.best_f1)
    alone = SupervisedCapability(PROBLEM).score(trained.candidate, today.head(1), state)
    pd.testing.assert_frame_equal(alone, scored[alone.columns].head(1))


def test_no_customers_give_no_rows(trained: Trained, today: pd.DataFrame) -> None:
    rows = score_cohort(PROBLEM, trained.candidate, features=today.head(0), shift=SHIFT)
    assert set(SCORE_TYPES) <= set(rows.columns)
    assert len(rows) == 0


def test_two_as_of_dates_at_once_are_refused(trained: Trained) -> None:
    with pytest.raises(ValueError, match="26 as-of dates"):
        score_cohort(PROBLEM, trained.candidate, features=trained.rows, shift=SHIFT)


def test_a_fact_from_the_future_stops_the_scoring(trained: Trained, today: pd.DataFrame) -> None:
    late = today.assign(newest_known_at=today["as_of_at"])
    with pytest.raises(LeakDetected, match="1000 of 1000"):
        score_cohort(PROBLEM, trained.candidate, features=late, shift=SHIFT)


def test_a_prior_shift_is_finite() -> None:
    with pytest.raises(ValueError, match="must be finite"):
        PriorShift(shift=float("nan"))


def linear() -> Fitted:
    """Log-odds 1 x orders - 2 x days, and the reference row has 1 order and 0 days."""
    frame = pd.DataFrame({"orders": [0.0, 1.0], "days": [1.0, 0.0]})
    model = LogisticRegression().fit(frame, [0, 1])
    model.coef_, model.intercept_ = np.array([[1.0, -2.0]]), np.array([0.0])
    return Fitted(
        problem="p",
        model=model,
        method="none",
        reference={"orders": 1.0, "days": 0.0},
        bins=(),
        lowest=0.0,
        best_f1=0.5,
        is_fallback=True,
    )


def test_a_reason_code_is_the_change_in_log_odds_from_the_reference_row() -> None:
    groups = (
        FeatureGroup(name="frequency", columns=("orders",), description=""),
        FeatureGroup(name="recency", columns=("days",), description=""),
    )
    codes = reason_codes(linear(), pd.DataFrame({"orders": [4.0, 1.0], "days": [0.5, 0.0]}), groups=groups)
    # First customer: 1 x (4 - 1) = +3 by orders, -2 x 0.5 = -1 by days: shares 3/4 and 1/4.
    first = codes.iloc[0]
    assert (first["reason_1_code"], first["reason_1_value"], first["reason_1_direction"]) == (
        "orders",
        "4",
        "raises",
    )
    assert (first["reason_2_code"], first["reason_2_value"], first["reason_2_direction"]) == (
        "days",
        "0.50",
        "lowers",
    )
    assert (first["reason_1_importance"], first["reason_2_importance"]) == (
        pytest.approx(0.75),
        pytest.approx(0.25),
    )
    # The second is the reference row: no group moves its score.
    assert codes.iloc[1].isna().all()
    assert codes["reason_3_code"].isna().all()


def test_a_column_that_is_the_same_for_everyone_is_no_reason() -> None:
    group = FeatureGroup(name="messages", columns=("days", "orders"), description="")
    fitted = replace(linear(), reference={"orders": 1.0, "days": None})
    # Days count -2 each and are left alone: the effect is 1 x (4 - 1), the code the column that differs.
    codes = reason_codes(fitted, pd.DataFrame({"orders": [4.0], "days": [0.5]}), groups=(group,)).iloc[0]
    assert (codes["reason_1_code"], codes["reason_1_value"]) == ("orders", "4")
    nothing = replace(linear(), reference={"orders": None, "days": None})
    assert (
        reason_codes(nothing, pd.DataFrame({"orders": [4.0], "days": [0.5]}), groups=(group,))
        .isna()
        .all(None)
    )


def test_reasons_are_sentences_beside_a_typical_customer(trained: Trained, scored: pd.DataFrame) -> None:
    eligible = scored.loc[scored["reason_1_code"].eq("days_since_order")].iloc[0]
    days, typical = (
        f"{float(str(value)):,.0f}"
        for value in (eligible["reason_1_value"], trained.candidate.reference["days_since_order"])
    )
    assert eligible["reason_1_sentence"] == f"last order {days} days ago; typical: {typical} days"


@pytest.mark.parametrize("feature", [*customers.NUMERIC, *customers.CATEGORICAL])
def test_every_feature_has_words_of_its_own(feature: str) -> None:
    words = WORDING[feature]
    assert words.says.count("{}") == 1
    texts = [words.sentence(value, typical=None) for value in (None, 0.0, 1.0, 2.5)]
    assert all(text and "_" not in text and "{" not in text and "nan" not in text for text in texts)


def test_no_words_are_left_of_a_feature_that_is_gone() -> None:
    assert set(WORDING) == {*customers.NUMERIC, *customers.CATEGORICAL}


def test_the_sentence_of_an_unknown_category_says_unknown(trained: Trained) -> None:
    row = trained.test.features.head(1).assign(country=pd.Categorical([UNKNOWN]))
    group = FeatureGroup(name="place", columns=("country",), description="")
    texts = reason_codes(trained.candidate, row, groups=(group,))["reason_1_sentence"].dropna()
    assert texts.str.startswith("country unknown; typical: ").all()


def test_a_missing_value_is_shown_as_unknown(trained: Trained) -> None:
    blank = trained.test.features.head(1).assign(
        orders_365d=np.nan, country=pd.Categorical(["unknown"]), days_since_order=np.nan
    )
    codes = reason_codes(trained.candidate, blank, groups=PROBLEM.reason_groups).iloc[0]
    shown = {codes[f"reason_{place}_code"]: codes[f"reason_{place}_value"] for place in (1, 2, 3)}
    assert shown["orders_365d"] == "unknown"


def test_chunks_give_the_same_reason_codes(trained: Trained, monkeypatch: pytest.MonkeyPatch) -> None:
    features = trained.test.features.head(100)
    whole = reason_codes(trained.candidate, features, groups=PROBLEM.reason_groups)
    monkeypatch.setattr("assets.supervised.scoring.reason_codes.CHUNK_ROWS", 7)
    pd.testing.assert_frame_equal(
        reason_codes(trained.candidate, features, groups=PROBLEM.reason_groups), whole
    )


WITH_EXCLUSION = replace(
    PROBLEM,
    exclusions=(
        Exclusion(table=Key("intermediate", "gone"), passthrough_columns=(("days_silent", "Int64"),)),
    ),
)
PREDICTED = list(SCORE_TYPES)


def test_ineligible_rows_have_the_reason_and_no_prediction(trained: Trained, today: pd.DataFrame) -> None:
    gone = np.arange(len(today)) % 4 == 0
    features = today.assign(
        ineligible_reason=np.where(gone, "already_churned", None), days_silent=np.arange(len(today))
    )
    scored = score_cohort(WITH_EXCLUSION, trained.candidate, features=features, shift=SHIFT)
    assert list(scored["customer_id"]) == list(today["customer_id"])
    assert (scored["is_eligible"] == ~gone).all()
    assert list(scored["days_silent"]) == list(range(len(today)))
    assert set(scored.loc[gone, "ineligible_reason"]) == {"already_churned"}
    assert scored.loc[~gone, "ineligible_reason"].isna().all()
    assert scored.loc[gone, PREDICTED].isna().all(axis=None)
    # Eligible rows are the same as without the ineligible ones.
    alone = score_cohort(PROBLEM, trained.candidate, features=today.loc[~gone], shift=SHIFT)
    same = [name for name in PREDICTED if name != "percentile_population"]
    pd.testing.assert_frame_equal(
        scored.loc[~gone, same].reset_index(drop=True), alone[same], check_dtype=False
    )


def test_without_an_ineligible_row_nothing_changes(
    today: pd.DataFrame, trained: Trained, scored: pd.DataFrame
) -> None:
    with_reasons = today.assign(ineligible_reason=None)
    again = score_cohort(PROBLEM, trained.candidate, features=with_reasons, shift=SHIFT)
    pd.testing.assert_frame_equal(again, scored)
    assert scored["is_eligible"].all()
    assert set(scored["percentile_population"]) == {"every customer with a purchase before as_of_date"}
    assert set(scored["tier_rule"]) == {"high: best 10 % by probability; medium: next 30 %; low: the rest"}
