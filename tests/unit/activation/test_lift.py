"""The intervals of measured lift cover the true effect of messages in the sample shop."""

from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest

from assets.activation.lift import WINDOW_DAYS, lift_of, lift_table
from assets.sample_shop.truth import _no_order
from assets.sample_shop.world.history import Population, population_of
from assets.sample_shop.world.orders import orders_of
from assets.sample_shop.world.persuasion import EFFECT_DAYS, persuasion_of
from assets.sample_shop.world.shop import Shop

SHOP = Shop(customers=4_000, first_day=date(2023, 1, 2), last_day=date(2023, 12, 31), seed=5)


@pytest.fixture(scope="module")
def population() -> Population:
    return population_of(SHOP)


@pytest.fixture(scope="module")
def rows(population: Population) -> pd.DataFrame:
    """Every message whose week ended within the simulated days, and whether an order followed."""
    orders = pd.concat([orders_of(SHOP, population.demand, month) for month in SHOP.months])
    ordered = np.zeros((SHOP.customers, SHOP.day_count), dtype=np.bool_)
    known = orders[orders["customer"] >= 0]
    ordered[known["customer"], known["day"]] = True
    sends = population.sends[population.sends["day"] + WINDOW_DAYS <= SHOP.day_count]
    within = sends["day"].to_numpy()[:, None] + np.arange(WINDOW_DAYS)
    return pd.DataFrame(
        {
            "experiment": "messages",
            "name": sends["campaign_id"].astype(str),
            "customer_id": sends["customer"].astype(str),
            "customer": sends["customer"],
            "day": sends["day"],
            "is_contacted": sends["arm"] == "treated",
            "has_ordered": ordered[sends["customer"].to_numpy()[:, None], within].any(axis=1),
        }
    )


def true_effect(population: Population, campaign: pd.DataFrame) -> float:
    """Mean change of the probability to order in the week if all of ``campaign`` are contacted, or none."""
    day = int(campaign["day"].iloc[0])
    chosen = np.sort(campaign["customer"].to_numpy(dtype=np.int64))
    others = population.sends[population.sends["day"] != day][["customer", "day", "arm"]]
    is_alive = (
        population.demand.customers["signed_up_day"] + 1 + np.floor(population.demand.customers["lifetime"])
        > day
    )
    living = chosen[is_alive.to_numpy()[chosen]]
    silent = []
    for arm in ("treated", "control"):
        mine = pd.DataFrame({"customer": chosen, "day": day, "arm": arm})
        moved = persuasion_of(SHOP, population.demand.customers, pd.concat([others, mine]))
        demand = replace(population.demand, persuasion=moved)
        silent.append(_no_order(demand, living, window=range(day, day + WINDOW_DAYS)).sum())
    return float((silent[1] - silent[0]) / len(chosen))


def test_the_window_is_the_week_in_which_messages_act() -> None:
    assert WINDOW_DAYS == EFFECT_DAYS


def test_the_intervals_cover_the_true_mean_effects(population: Population, rows: pd.DataFrame) -> None:
    found = lift_table(rows).set_index("name")
    # Only days with one campaign: then all messages of the day belong to it.
    of_a_day = rows.groupby("day")["name"].transform("nunique")
    campaigns = dict(list(rows[of_a_day == 1].groupby("name")))
    assert len(campaigns) >= 25
    truth = pd.Series({name: true_effect(population, part) for name, part in campaigns.items()})
    weights = pd.Series({name: len(part) for name, part in campaigns.items()})
    overall = float((truth * weights).sum() / weights.sum())
    whole = found.loc["all"]
    assert overall > 0.005, "the shop's messages bring orders"
    assert whole["ci_lo"] <= overall <= whole["ci_hi"]
    assert whole["ci_lo"] > 0, "and enough of them to be seen"
    judged = found.loc[truth.index].dropna(subset=["ci_lo"])
    missed = ~truth[judged.index].between(judged["ci_lo"], judged["ci_hi"])
    # Of 30 honest 95 % intervals more than five miss once in two hundred times.
    assert missed.sum() <= 5, judged[missed]


def test_no_effect_is_found_where_contact_is_random(rows: pd.DataFrame) -> None:
    drawn = np.random.default_rng(1).permuted(rows["is_contacted"].to_numpy())
    found = lift_of(rows.assign(is_contacted=drawn))
    assert float(str(found["ci_lo"])) < 0 < float(str(found["ci_hi"]))
    assert float(str(found["p_value"])) > 0.05


def test_repeated_rows_of_a_customer_do_not_narrow_the_interval() -> None:
    number = np.arange(400)
    once = pd.DataFrame(
        {"customer_id": number.astype(str), "is_contacted": number % 2 == 0, "has_ordered": number % 10 < 3}
    )
    widths = [
        float(str(found["ci_hi"])) - float(str(found["ci_lo"]))
        for found in (lift_of(once), lift_of(pd.concat([once] * 4)))
    ]
    # Four copies of the same customers hold no more information than one.
    assert widths[1] == pytest.approx(widths[0])


def test_the_figures_of_a_small_shop_by_hand() -> None:
    # 60 of 200 contacted and 20 of 100 held out ordered: 0.30 against 0.20, error sqrt(.21/200 + .16/100).
    rows = pd.DataFrame(
        {
            "customer_id": np.arange(300).astype(str),
            "is_contacted": np.arange(300) < 200,
            "has_ordered": np.r_[np.arange(200) < 60, np.arange(100) < 20],
        }
    )
    found = lift_of(rows)
    error = np.sqrt(0.21 / 200 + 0.16 / 100)
    assert found["difference"] == pytest.approx(0.10)
    assert found["ci_lo"] == pytest.approx(0.10 - 1.959964 * error)
    assert found["relative_lift"] == pytest.approx(0.5)
    assert (found["contacted"], found["control_conversions"]) == (200, 20)


def test_few_orders_give_no_interval() -> None:
    rows = pd.DataFrame(
        {
            "customer_id": ["a", "b", "c"],
            "is_contacted": [True, True, False],
            "has_ordered": [True, False, False],
        }
    )
    assert np.isnan(float(str(lift_of(rows)["ci_lo"])))


def test_no_experiment_gives_no_row() -> None:
    empty = pd.DataFrame(columns=["experiment", "name", "customer_id", "is_contacted", "has_ordered"])
    assert lift_table(empty).empty
