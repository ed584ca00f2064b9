"""What customers allow: an answer to each purpose at sign-up, changed later by some."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from assets.sample_shop.world.shop import Bools, Floats, Shop

DAY_SECONDS = 86_400
CHANGED_FROM_SECOND, CHANGING_SECONDS = 8 * 3600, 12 * 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class Purpose:
    """How people answer: ``granted`` at sign-up; then shares of those who withdraw or grant later.

    Changes come after ``DAYS_TO_CHANGE`` on average, so that only a part of them falls into the
    shop's days; ``undone`` is the share of changes that are taken back as slowly again.
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
    """One purpose's answers, each of shape (customers,): the first one, and the days on which it turned.

    ``changed_day`` and ``changed_back_day`` are day numbers of the shop, infinite when it never did.
    """

    at_sign_up: Bools
    changed_day: Floats
    changed_back_day: Floats

    def granted_throughout(self, day: int) -> Bools:
        """Who allows it at the start of ``day`` and still at its end, shape (customers,)."""
        at_start = self.at_sign_up ^ (self.changed_day < day) ^ (self.changed_back_day < day)
        at_end = self.at_sign_up ^ (self.changed_day <= day) ^ (self.changed_back_day <= day)
        return at_start & at_end


def answers_to(purpose: Purpose, shop: Shop, customers: pd.DataFrame) -> Answers:
    """What each customer answers to ``purpose``; the same shop and customers give the same answers.

    It takes no generator: campaigns ask for it as well, and must hear what the export says.
    """
    rng = shop.rng("consents", PURPOSES.index(purpose))
    count = len(customers)
    at_sign_up = rng.random(count) < purpose.granted
    fickle = rng.random(count) < np.where(at_sign_up, purpose.withdrawn, purpose.granted_later)
    undone = fickle & (rng.random(count) < purpose.undone)
    start = np.maximum(customers["signed_up_day"].to_numpy(), 0) + 1
    changed = start + np.floor(rng.exponential(DAYS_TO_CHANGE, count))
    back = changed + 1 + np.floor(rng.exponential(DAYS_TO_CHANGE, count))
    days = shop.day_count
    return Answers(
        at_sign_up=at_sign_up,
        changed_day=np.where(fickle & (changed < days), changed, np.inf),
        changed_back_day=np.where(undone & (back < days), back, np.inf),
    )


def consents_of(shop: Shop, customers: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Every answer of every customer, oldest first.

    Returns:
        customer_id, purpose (advertising, profiling), is_granted, recorded_at (local wall clock): on the
        day of sign-up, which may lie before the shop's first day, or on a later one of the shop's days.
    """
    records = pd.concat([_records(one, shop, customers) for one in PURPOSES], ignore_index=True)
    # A first answer is part of signing up; a later one comes at any time of the waking day.
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
