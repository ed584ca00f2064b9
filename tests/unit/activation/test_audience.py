"""Who is in an audience, and that every customer asked about is accounted for."""

import numpy as np
import pandas as pd
import pytest

from assets.activation.audience import CAPPED, HELD_OUT, MEMBER, NO_CONSENT, audience_of


def scored(count: int = 1_000) -> pd.DataFrame:
    """Worth more the higher their number; of ten one is held out, two said no, one never answered."""
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


def test_the_best_tenth_is_asked_about_best_first() -> None:
    found = audience_of(scored())
    assert found["rank"].tolist() == list(range(1, 101))
    assert found["customer_id"].iloc[0] == "c00999"
    assert found["value"].is_monotonic_decreasing


def test_everyone_asked_about_has_one_fate() -> None:
    found = audience_of(scored(), most=50)
    # Of each ten one is held out, two said no and one said nothing; of the other sixty fifty fit.
    assert found["fate"].value_counts().to_dict() == {MEMBER: 50, NO_CONSENT: 30, HELD_OUT: 10, CAPPED: 10}
    assert found.loc[found["fate"] == MEMBER, "rank"].max() < found.loc[found["fate"] == CAPPED, "rank"].min()


def test_who_said_no_is_not_counted_as_held_out() -> None:
    everyone = scored().assign(is_holdout=True)
    assert audience_of(everyone)["fate"].value_counts().to_dict() == {HELD_OUT: 70, NO_CONSENT: 30}


@pytest.mark.parametrize(("column", "fate"), [("consent_ads", NO_CONSENT), ("is_holdout", HELD_OUT)])
def test_what_is_not_known_leaves_nobody_in(column: str, fate: str) -> None:
    unknown = scored().assign(consent_ads=True, is_holdout=False)
    unknown[column] = pd.Series(pd.NA, index=unknown.index, dtype="boolean")
    assert set(audience_of(unknown)["fate"]) == {fate}


def test_nobody_scored_makes_no_audience() -> None:
    assert audience_of(scored(0)).empty
