"""Consents: an answer to each purpose at sign-up, which some customers change later."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from assets.sample_shop.world.shop import Bools, Floats, Shop

DAY_SECONDS = 86_400
CHANGED_FROM_SECOND, CHANGING_SECONDS = 8 * 3600, 12 * 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class Purpose:
    """Answers to one purpose: share ``granted`` at sign-up; shares that are withdrawn or granted later.

    Changes come after ``DAYS_TO_CHANGE`` on average, so that only a part of them falls into the
    simulated days; ``undone`` is the share of changes that are reversed after as long again.
    """

    name: str
    granted: float
    withdrawn: float
    granted_later: float
    undone: float


ADVERTISING = Purpose(name="advertising", granted=0.70, withdrawn=0.15, granted_later=0.08, undone=0.30)
PROFILING = Purpose(name="profiling", granted=0.90, withdrawn=0.06, granted_later=0.15, undone=0.20)
PURPOSES = (ADVERTISING, PROFILING)
DAYS_TO_CHANGE = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """Answers to one purpose, each of shape (customers,): the first one, and the days of its changes.

    ``changed_day`` and ``changed_back_day`` are day numbers of the shop, infinite without a change.
    """

    at_sign_up: Bools
    changed_day: Floats
    changed_back_day: Floats

    def granted_throughout(self, day: int) -> Bools:
        """Whether each customer allows it at the start and at the end of ``day``, shape (customers,)."""
        at_start = self.at_sign_up ^ (self.changed_day < day) ^ (self.changed_back_day < day)
        at_end = self.at_sign_up ^ (self.changed_day <= day) ^ (self.changed_back_day <= day)
        return at_start & at_end


def answers_to(purpose: Purpose, shop: Shop, customers: pd.DataFrame) -> Answers:
    """Simulate each customer's answers to ``purpose``; equal arguments give equal answers.

    It takes no generator, so that campaigns and the consent export get the same answers.

    Args:
        purpose: The purpose of the consent.
        shop: The shop.
        customers: As ``customers_of`` returns them.
    """
    rng = shop.rng("consents", PURPOSES.index(purpose))
    count = len(customers)
    at_sign_up = rng.random(count) < purpose.granted
    changes = rng.random(count) < np.where(at_sign_up, purpose.withdrawn, purpose.granted_later)
    undone = changes & (rng.random(count) < purpose.undone)
    start = np.maximum(customers["signed_up_day"].to_numpy(), 0) + 1
    changed = start + np.floor(rng.exponential(DAYS_TO_CHANGE, count))
    back = changed + 1 + np.floor(rng.exponential(DAYS_TO_CHANGE, count))
    days = shop.day_count
    return Answers(
        at_sign_up=at_sign_up,
        changed_day=np.where(changes & (changed < days), changed, np.inf),
        changed_back_day=np.where(undone & (back < days), back, np.inf),
    )


def consents_of(shop: Shop, customers: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Return all answers of all customers, oldest first.

    Args:
        shop: The shop.
        customers: As ``customers_of`` returns them.
        rng: Random generator.

    Returns:
        customer_id, purpose (advertising, profiling), is_granted, recorded_at (local wall clock): on the
        day of sign-up, which may lie before the shop's first day, or on a later one of the shop's days.
    """
    records = pd.concat([_records(one, shop, customers) for one in PURPOSES], ignore_index=True)
    # The first answer is given at sign-up; a later one at any time of the day.
    signed_up = np.tile(customers["signed_up_second"].to_numpy(), len(PURPOSES))
    second = CHANGED_FROM_SECOND + rng.integers(CHANGING_SECONDS, size=len(records))
    second[records["is_first"]] = signed_up
    recorded = records.assign(recorded_at=shop.moments(records["day"], second))
    return recorded.sort_values(["recorded_at", "customer_id", "purpose"], ignore_index=True)[
        ["customer_id", "purpose", "is_granted", "recorded_at"]
    ]


def _records(purpose: Purpose, shop: Shop, customers: pd.DataFrame) -> pd.DataFrame:
    """One row per answer to ``purpose``: customer_id, purpose, is_granted, day, is_first."""
    answers = answers_to(purpose, shop, customers)
    first = pd.DataFrame(
        {
            "customer_id": customers["customer_id"].to_numpy(),
            "purpose": purpose.name,
            "is_granted": answers.at_sign_up,
            "day": customers["signed_up_day"].to_numpy(),
            "is_first": True,
        }
    )
    changed = first.assign(day=answers.changed_day, is_granted=~answers.at_sign_up, is_first=False)
    back = first.assign(day=answers.changed_back_day, is_first=False)
    later = pd.concat([changed, back])
    later = later[np.isfinite(later["day"])].astype({"day": np.int64})
    return pd.concat([first, later], ignore_index=True)
