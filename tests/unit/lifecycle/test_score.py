"""The scored rows are what a marketer may act on: summed, ranked, explained, held out."""

from dataclasses import replace
from datetime import datetime

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from sklearn.linear_model import LogisticRegression

from assets.features.groups import FeatureGroup
from assets.features.matrix import LeakDetected
from assets.keys import Key
from assets.lifecycle.exclusion import Exclusion
from assets.lifecycle.store.schemas import SCORE_TYPES
from assets.metrics.classification import log_odds
from assets.supervised.fitting.train import Fitted
from assets.supervised.scoring.reason_codes import reasons
from assets.supervised.scoring.score_rows import PriorShift, ScoreProvenance, ranks, score
from tests.unit.lifecycle.conftest import Trial
from tests.unit.lifecycle.world import PROBLEM

RUN = ScoreProvenance(
    run_id="run-1",
    scored_at=datetime(2026, 1, 5),  # noqa: DTZ001 - tables hold naive UTC
    model_version="v1",
    quality_grade="Good",
)
LEVEL = PriorShift(shift=0.4, sd=0.1)


@pytest.fixture(scope="module")
def today(trial: Trial) -> pd.DataFrame:
    newest = trial.rows["as_of_date"] == trial.rows["as_of_date"].max()
    return pd.DataFrame(trial.rows.loc[newest])


@pytest.fixture(scope="module")
def scored(trial: Trial, today: pd.DataFrame) -> pd.DataFrame:
    return score(PROBLEM, trial.candidate, features=today, level=LEVEL, run=RUN)


def test_the_columns_and_types_are_the_published_ones(scored: pd.DataFrame) -> None:
    assert list(scored.columns) == list(SCORE_TYPES)
    # An untyped all-missing column would become an integer in DuckDB.
    schema = pa.Table.from_pandas(scored, preserve_index=False).schema
    assert not [field.name for field in schema if pa.types.is_null(field.type)]


def test_it_is_said_whether_customers_go_by_ids_or_by_tokens(
    trial: Trial, today: pd.DataFrame, scored: pd.DataFrame
) -> None:
    tokens = today.assign(customer_id=[f"token_{number:064x}" for number in range(len(today))])
    told = score(PROBLEM, trial.candidate, features=tokens, level=LEVEL, run=RUN)
    assert set(scored["id_type"]) == {"customer_id"}
    assert set(told["id_type"]) == {"token"}


def test_the_level_moves_everybody_by_the_same_log_odds(scored: pd.DataFrame) -> None:
    moved = log_odds(scored["probability"].to_numpy()) - log_odds(scored["probability_raw"].to_numpy())
    assert moved == pytest.approx(np.full(1_000, 0.4))


def test_every_probability_lies_within_its_interval(scored: pd.DataFrame) -> None:
    assert (scored["prob_lo"] < scored["probability"]).all()
    assert (scored["probability"] < scored["prob_hi"]).all()


def test_the_interval_moves_with_the_level(trial: Trial, today: pd.DataFrame, scored: pd.DataFrame) -> None:
    unmoved = score(PROBLEM, trial.candidate, features=today, level=PriorShift(shift=0.0, sd=0.1), run=RUN)
    for end in ("prob_lo", "prob_hi"):
        moved = log_odds(scored[end].to_numpy()) - log_odds(unmoved[end].to_numpy())
        assert moved == pytest.approx(np.full(1_000, 0.4))


def test_an_unsure_level_widens_every_interval(
    trial: Trial, today: pd.DataFrame, scored: pd.DataFrame
) -> None:
    unsure = score(PROBLEM, trial.candidate, features=today, level=PriorShift(shift=0.4, sd=0.5), run=RUN)
    assert (unsure["prob_lo"] < scored["prob_lo"]).all()
    assert (unsure["prob_hi"] > scored["prob_hi"]).all()


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
    trial: Trial, today: pd.DataFrame, scored: pd.DataFrame
) -> None:
    backwards = score(PROBLEM, trial.candidate, features=today[::-1], level=LEVEL, run=RUN)
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


def test_silence_is_not_consent(trial: Trial, today: pd.DataFrame, scored: pd.DataFrame) -> None:
    assert scored["consent_ads"].isna().all()
    asked = today.assign(consent_ads=pd.array([True, None] * 500, dtype="boolean"))
    answered = score(PROBLEM, trial.candidate, features=asked, level=LEVEL, run=RUN)
    assert answered["consent_ads"].head(2).tolist() == [True, pd.NA]


def test_the_fallback_says_that_it_is_one(trial: Trial, today: pd.DataFrame) -> None:
    rows = score(PROBLEM, trial.naive, features=today, level=PriorShift(), run=RUN)
    assert set(rows["status"]) == {"fallback_model"}
    # It knows recency and nothing else, so that is its only reason.
    assert set(rows["reason_1_code"].dropna()) == {"days_since_order"}
    assert rows["reason_2_code"].isna().all()


def test_no_customers_give_no_rows(trial: Trial, today: pd.DataFrame) -> None:
    rows = score(PROBLEM, trial.candidate, features=today.head(0), level=LEVEL, run=RUN)
    assert list(rows.columns) == list(SCORE_TYPES)
    assert len(rows) == 0


def test_two_mornings_at_once_are_refused(trial: Trial) -> None:
    with pytest.raises(ValueError, match="26 as-of days"):
        score(PROBLEM, trial.candidate, features=trial.rows, level=LEVEL, run=RUN)


def test_a_fact_from_the_future_stops_the_scoring(trial: Trial, today: pd.DataFrame) -> None:
    late = today.assign(newest_known_at=today["as_of_at"])
    with pytest.raises(LeakDetected, match="1000 of 1000"):
        score(PROBLEM, trial.candidate, features=late, level=LEVEL, run=RUN)


def test_a_level_must_be_a_number() -> None:
    with pytest.raises(ValueError, match="must be finite"):
        PriorShift(shift=float("nan"))


def linear() -> Fitted:
    """Log-odds 1 x orders - 2 x days, and the typical customer has 1 order and 0 days."""
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
        is_fallback=True,
    )


def test_a_reason_is_the_change_in_log_odds_from_the_typical_customer() -> None:
    groups = (
        FeatureGroup(name="frequency", columns=("orders",), description=""),
        FeatureGroup(name="recency", columns=("days",), description=""),
    )
    told = reasons(linear(), pd.DataFrame({"orders": [4.0, 1.0], "days": [0.5, 0.0]}), groups=groups)
    # First customer: 1 x (4 - 1) = +3 by orders, -2 x 0.5 = -1 by days: shares 3/4 and 1/4.
    first = told.iloc[0]
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
    # The second is the typical customer: nothing to say.
    assert told.iloc[1].isna().all()
    assert told["reason_3_code"].isna().all()


def test_a_missing_value_is_told_as_unknown(trial: Trial) -> None:
    blank = trial.test.features.head(1).assign(
        orders_365d=np.nan, country=pd.Categorical(["unknown"]), days_since_order=np.nan
    )
    told = reasons(trial.candidate, blank, groups=PROBLEM.reason_groups).iloc[0]
    shown = {told[f"reason_{place}_code"]: told[f"reason_{place}_value"] for place in (1, 2, 3)}
    assert shown["orders_365d"] == "unknown"


def test_chunks_tell_the_same_reasons(trial: Trial, monkeypatch: pytest.MonkeyPatch) -> None:
    features = trial.test.features.head(100)
    whole = reasons(trial.candidate, features, groups=PROBLEM.reason_groups)
    monkeypatch.setattr("assets.supervised.scoring.reason_codes.CHUNK_ROWS", 7)
    pd.testing.assert_frame_equal(reasons(trial.candidate, features, groups=PROBLEM.reason_groups), whole)


def test_a_status_of_the_run_is_kept(trial: Trial, today: pd.DataFrame) -> None:
    rows = score(PROBLEM, trial.candidate, features=today, level=LEVEL, run=replace(RUN, status="stale"))
    assert set(rows["status"]) == {"stale"}


ASKED_OF_FEWER = replace(
    PROBLEM,
    exclusions=(
        Exclusion(table=Key("intermediate", "gone"), passthrough_columns=(("days_silent", "Int64"),)),
    ),
)
# From the identity on, whatever follows from a probability.
FOLLOWS = list(SCORE_TYPES)[list(SCORE_TYPES).index("probability") :]


def test_who_is_not_asked_about_is_told_why_and_nothing_else(trial: Trial, today: pd.DataFrame) -> None:
    gone = np.arange(len(today)) % 4 == 0
    told = today.assign(
        ineligible_reason=np.where(gone, "already_churned", None), days_silent=np.arange(len(today))
    )
    scored = score(ASKED_OF_FEWER, trial.candidate, features=told, level=LEVEL, run=RUN)
    assert list(scored["customer_id"]) == list(today["customer_id"])
    assert (scored["is_eligible"] == ~gone).all()
    assert list(scored["days_silent"]) == list(range(len(today)))
    assert set(scored.loc[gone, "ineligible_reason"]) == {"already_churned"}
    assert scored.loc[~gone, "ineligible_reason"].isna().all()
    assert scored.loc[gone, FOLLOWS].isna().all(axis=None)
    # To everybody else it is said what would be said if the others were not there.
    alone = score(PROBLEM, trial.candidate, features=today.loc[~gone], level=LEVEL, run=RUN)
    same = [name for name in FOLLOWS if name != "percentile_population"]
    pd.testing.assert_frame_equal(scored.loc[~gone, same].reset_index(drop=True), alone[same])


def test_without_exclusions_nothing_changes(today: pd.DataFrame, trial: Trial, scored: pd.DataFrame) -> None:
    with_reasons = today.assign(ineligible_reason=None)
    again = score(PROBLEM, trial.candidate, features=with_reasons, level=LEVEL, run=RUN)
    pd.testing.assert_frame_equal(again, scored)
    assert scored["is_eligible"].all()
    assert set(scored["percentile_population"]) == {"every customer with a purchase before as_of_date"}
    assert set(scored["tier_rule"]) == {"high: best 10 % by probability; medium: next 30 %; low: the rest"}
