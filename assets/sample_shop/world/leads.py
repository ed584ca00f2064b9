"""Leads of business customers: attributes, outcome and amount."""

import json
from collections.abc import Mapping

import numpy as np
import pandas as pd
from scipy.special import expit

from assets.sample_shop.messages.consents import DAY_SECONDS
from assets.sample_shop.world.shop import Floats, Ints, Shop

CUSTOMERS_PER_LEAD = 10
# Share of the leads, and contribution of the value to the log-odds of winning.
Shares = Mapping[str, tuple[float, float]]
ORIGINS: Shares = {
    "website": (0.40, 0.0),
    "trade_fair": (0.20, 0.5),
    "referral": (0.15, 0.9),
    "cold_call": (0.25, -0.7),
}
INDUSTRIES: Shares = {
    "retail": (0.35, 0.4),
    "hospitality": (0.25, 0.2),
    "events": (0.15, 0.0),
    "offices": (0.25, -0.3),
}
COUNTRIES: Shares = {"United Kingdom": (0.80, 0.1), "Ireland": (0.08, 0.0), "Germany": (0.12, -0.4)}
BASE_LOG_ODDS = -2.9
LOG_ODDS_OF_DEMO, LOG_ODDS_PER_PAGE, LOG_ODDS_PER_LOG_SIZE = 1.3, 0.08, 0.15
MEDIAN_EMPLOYEES, SIZE_SPREAD = 25.0, 1.2
MEAN_PAGES, DEMO_SHARE = 6.0, 0.25
# Median amount of a company of median size; at twice the size the amount is 1.5 times as large.
MEDIAN_AMOUNT, AMOUNT_SPREAD, AMOUNT_PER_SIZE = 600.0, 0.6, 0.6
SHORTEST_DAYS, LONGEST_DAYS = 5, 90
OFFICE_FROM_SECOND, OFFICE_SECONDS = 9 * 3600, 8 * 3600


def leads_of(shop: Shop, rng: np.random.Generator) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Simulate the leads, oldest first, and their true probabilities: one per ten customers.

    The probability of winning is logistic in origin, company size, industry, country, pages viewed and
    demonstration requested; a lead is won 5 to 90 days after its creation. Leads won after the shop's
    last day are still open.

    Args:
        shop: The shop.
        rng: Random generator.

    Returns:
        The export: lead_id, created_at (local wall clock), origin, attributes (JSON: company_size in
        employees, industry, pages_viewed, requested_demo, country), won_at, won_amount (shop currency;
        both missing when not won). The truth: lead_id, probability (of being won at any time).
    """
    facts = _facts(max(1, shop.customers // CUSTOMERS_PER_LEAD), rng)
    count, probability = len(facts), expit(_log_odds(facts))
    created = np.sort(rng.integers(shop.day_count, size=count)) * DAY_SECONDS + _office_second(count, rng)
    waited = rng.integers(SHORTEST_DAYS, LONGEST_DAYS, size=count)
    won = (created // DAY_SECONDS + waited) * DAY_SECONDS + _office_second(count, rng)
    is_won = (rng.random(count) < probability) & (won < shop.day_count * DAY_SECONDS)
    lead_id = [f"L{1 + number:06d}" for number in range(count)]
    export = pd.DataFrame(
        {
            "lead_id": lead_id,
            "created_at": _moment(shop, created),
            "origin": facts["origin"],
            "attributes": [json.dumps(one) for one in facts.drop(columns="origin").to_dict("records")],
            "won_at": _moment(shop, won).where(is_won),
            "won_amount": np.where(is_won, _amounts(facts, rng), np.nan),
        }
    ).sort_values(["created_at", "lead_id"], ignore_index=True)
    return export, pd.DataFrame({"lead_id": lead_id, "probability": probability})


def _facts(count: int, rng: np.random.Generator) -> pd.DataFrame:
    """Draw origin and attributes of each lead."""
    size = np.exp(np.log(MEDIAN_EMPLOYEES) + SIZE_SPREAD * rng.standard_normal(count))
    return pd.DataFrame(
        {
            "origin": _one_of(ORIGINS, count, rng),
            "company_size": np.maximum(1, np.round(size)).astype(np.int64),
            "industry": _one_of(INDUSTRIES, count, rng),
            # A gamma mixture: most view a few pages, some the whole site.
            "pages_viewed": 1 + rng.poisson(rng.gamma(1.5, (MEAN_PAGES - 1.0) / 1.5, count)),
            "requested_demo": rng.random(count) < DEMO_SHARE,
            "country": _one_of(COUNTRIES, count, rng),
        }
    )


def _one_of(shares: Shares, count: int, rng: np.random.Generator) -> pd.Series:
    chosen = rng.choice(len(shares), size=count, p=[share for share, _ in shares.values()])
    return pd.Series(np.array(list(shares), dtype=object)[chosen])


def _log_odds(facts: pd.DataFrame) -> Floats:
    """Log-odds of winning, shape (leads,)."""
    named = sum(
        facts[column].map({value: added for value, (_, added) in shares.items()}).to_numpy(np.float64)
        for column, shares in (("origin", ORIGINS), ("industry", INDUSTRIES), ("country", COUNTRIES))
    )
    return np.asarray(
        BASE_LOG_ODDS
        + named
        + LOG_ODDS_OF_DEMO * facts["requested_demo"].to_numpy()
        + LOG_ODDS_PER_PAGE * facts["pages_viewed"].to_numpy()
        + LOG_ODDS_PER_LOG_SIZE * np.log(facts["company_size"].to_numpy())
    )


def _amounts(facts: pd.DataFrame, rng: np.random.Generator) -> Floats:
    relative = facts["company_size"].to_numpy() / MEDIAN_EMPLOYEES
    noise = np.exp(AMOUNT_SPREAD * rng.standard_normal(len(facts)))
    return np.round(MEDIAN_AMOUNT * relative**AMOUNT_PER_SIZE * noise, 2)


def _office_second(count: int, rng: np.random.Generator) -> Ints:
    return OFFICE_FROM_SECOND + rng.integers(OFFICE_SECONDS, size=count)


def _moment(shop: Shop, second: Ints) -> pd.Series:
    """Local wall clock at each second since the shop's first midnight, shape (leads,)."""
    return pd.Series(pd.Timestamp(shop.first_day) + pd.to_timedelta(second, unit="s"))
