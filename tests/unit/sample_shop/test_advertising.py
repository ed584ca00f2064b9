"""Advertising causes the stated number of sign-ups, and most customers report its channel."""

from datetime import date

import numpy as np
import pytest

from assets.sample_shop.world.advertising import (
    AD_CHANNELS,
    ad_spend_of,
    adstock,
    channel_contributions,
    contributions_of,
    spend_of,
)
from assets.sample_shop.world.customers import MISREPORTED_SHARE, customers_of, sign_ups_of
from assets.sample_shop.world.shop import Shop, is_open

SHOP = Shop(customers=20_000, first_day=date(2023, 1, 2), last_day=date(2024, 12, 31), seed=2)
NAMES = [channel.name for channel in AD_CHANNELS]


def test_adstock_halves_each_day_with_decay_one_half() -> None:
    # 10; 0 + 5; 4 + 2.5.
    assert adstock(np.array([10.0, 0.0, 4.0]), decay=0.5) == pytest.approx([10.0, 5.0, 6.5])


def test_spend_far_above_the_middle_reaches_the_ceiling_and_no_spend_causes_nothing() -> None:
    spend = spend_of(SHOP)
    average = SHOP.customers / (SHOP.day_count + 365)
    for row, channel in enumerate(AD_CHANNELS):
        much = contributions_of(SHOP, spend * 1e6)[row]
        # Once there has been a first day with spend on an open day.
        assert much[50:].max() == pytest.approx(channel.ceiling * average, rel=1e-3)
    assert contributions_of(SHOP, np.zeros_like(spend)).sum() == 0
    assert contributions_of(SHOP, spend)[:, ~is_open(SHOP.days)].sum() == 0


def test_sign_ups_follow_the_contributions() -> None:
    expected = contributions_of(SHOP, spend_of(SHOP))
    day, cause = sign_ups_of(SHOP)
    assert len(day) == SHOP.customers
    assert (cause[day < 0] == -1).all()
    # Of a fixed number of sign-ups, each channel's are binomial: at most Poisson spread; four sigma.
    for row in range(len(NAMES)):
        assert (cause == row).sum() == pytest.approx(
            expected[row].sum(), abs=4 * np.sqrt(expected[row].sum())
        )
    # On the days on which search contributes most, it brings more than on those on which it brings least.
    busy = expected[0] > np.median(expected[0])
    by_day = np.bincount(day[cause == 0], minlength=SHOP.day_count)
    ratio = by_day[busy].sum() / by_day[~busy].sum()
    assert ratio == pytest.approx(expected[0][busy].sum() / expected[0][~busy].sum(), rel=0.2)


def test_most_customers_report_the_channel_that_caused_their_sign_up() -> None:
    customers, (_, cause) = customers_of(SHOP), sign_ups_of(SHOP)
    reported = customers["acquisition_channel"].to_numpy()
    for row, name in enumerate(NAMES[1:], start=1):
        of_channel = reported[cause == row]
        sigma = np.sqrt(MISREPORTED_SHARE * (1 - MISREPORTED_SHARE) / len(of_channel))
        assert (of_channel != name).mean() == pytest.approx(MISREPORTED_SHARE, abs=4 * sigma)
        # No unpaid sign-up reports a channel that is always paid.
        assert name not in set(reported[cause == -1])


def test_channels_are_on_and_off_by_the_week_and_apart() -> None:
    spend = spend_of(SHOP)
    weekly = spend[:, : SHOP.day_count // 7 * 7].reshape(len(NAMES), -1, 7).sum(axis=2)
    assert ((weekly == 0).mean(axis=1) > 0.05).all()
    # 104 weeks of independent flights: correlations within four standard errors, 4 / sqrt(104) = 0.39.
    between = np.corrcoef(weekly) - np.eye(len(NAMES))
    assert np.abs(between).max() < 0.39


def test_the_export_has_the_spend_and_the_truth_has_every_day() -> None:
    spend = spend_of(SHOP)
    export = ad_spend_of(SHOP, spend)
    assert export["cost_amount"].sum() == pytest.approx(spend.sum())
    assert (export["cost_amount"] > 0).all()
    assert (export["impressions"] >= export["clicks"]).all()
    expected = contributions_of(SHOP, spend)
    truth = channel_contributions(SHOP, expected, first_order_amount=30.0)
    assert len(truth) == len(NAMES) * SHOP.day_count
    social = truth[truth["channel"] == "social"]
    assert social["sign_ups"].to_numpy() == pytest.approx(expected[1])
    assert social["amount"].sum() == pytest.approx(30.0 * expected[1].sum())
