"""Every candidate of an audience is a member or has one reason why not."""

import numpy as np
import pandas as pd
import pytest

from assets.activation.audience import CAPPED, HELD_OUT, NO_CONSENT, select_audience


def scored(count: int = 1_000) -> pd.DataFrame:
    """Value rises with the number; of ten customers one is held out, two refused, one never answered."""
    number = np.arange(count)
    answers = {1: False, 2: False, 3: None}
    consent = pd.array([answers.get(each % 10, True) for each in number], dtype="boolean")
    return pd.DataFrame(
        {
            "customer_id": [f"c{each:05d}" for each in number],
            "value": number.astype(float),
            "consent_ads": consent,
            "is_holdout": number % 10 == 0,
        }
    )


def test_candidates_are_the_best_tenth_in_order_of_value() -> None:
    found = select_audience(scored())
    assert found["rank"].tolist() == list(range(1, 101))
    assert found["customer_id"].iloc[0] == "c00999"
    assert found["value"].is_monotonic_decreasing


def test_every_candidate_is_a_member_or_has_one_reason() -> None:
    found = select_audience(scored(), most=50)
    # Of ten candidates one is held out, two refused, one never answered; the cap admits 50 of the other 60.
    reason, rank = found["suppress_reason"], found["rank"]
    assert reason.isna().sum() == 50
    assert reason.value_counts().to_dict() == {NO_CONSENT: 30, HELD_OUT: 10, CAPPED: 10}
    assert rank[reason.isna()].max() < rank[reason == CAPPED].min()


def test_no_consent_takes_precedence_over_the_holdout() -> None:
    everyone = scored().assign(is_holdout=True)
    assert select_audience(everyone)["suppress_reason"].value_counts().to_dict() == {
        HELD_OUT: 70,
        NO_CONSENT: 30,
    }


@pytest.mark.parametrize(("column", "reason"), [("consent_ads", NO_CONSENT), ("is_holdout", HELD_OUT)])
def test_unknown_consent_or_holdout_excludes_everyone(column: str, reason: str) -> None:
    unknown = scored().assign(consent_ads=True, is_holdout=False)
    unknown[column] = pd.Series(pd.NA, index=unknown.index, dtype="boolean")
    assert set(select_audience(unknown)["suppress_reason"]) == {reason}


def test_no_scores_give_no_audience() -> None:
    assert select_audience(scored(0)).empty
