"""True effect of messages on orders: some customers order more for a week, a few order less."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from assets.sample_shop.world.shop import Bools, Floats, Ints, Shop, is_open

EFFECT_DAYS = 7
# More days than any shop has, so that customer * STRIDE + day sorts by customer, then by day.
STRIDE = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Persuasion:
    """Treated messages to customers with a non-zero effect, oldest first.

    A message of day t acts on the days ``[t, t + 7)``. If persuadability p is above 0, each of these days
    on which the shop is open brings p / 7 more orders (Poisson), and messages add up. If it is below 0,
    each order of these days is not placed with probability -p, however many messages there were.

    Attributes:
        moved: Rows of the customers whose persuadability is not 0, ascending, shape (moved,).
        effect: Their persuadability, shape (moved,).
        receiver: Index into ``moved`` of each message, shape (messages,).
        day: Day of each message, ascending, shape (messages,).
        is_open: Whether the shop trades, shape (days,).
    """

    moved: Ints
    effect: Floats
    receiver: Ints
    day: Ints
    is_open: Bools

    def extra_orders(self, days: range, rng: np.random.Generator) -> tuple[Ints, Ints]:
        """Draw customer and day of the orders caused by messages on ``days``, both of shape (orders,)."""
        first, last = np.searchsorted(self.day, [days.start - EFFECT_DAYS + 1, days.stop])
        receiver, sent = self.receiver[first:last], self.day[first:last]
        begin, end = np.maximum(sent, days.start), np.minimum(sent + EFFECT_DAYS, days.stop)
        expected = np.maximum(self.effect[receiver], 0.0) * (end - begin) / EFFECT_DAYS
        message = np.repeat(np.arange(len(sent)), rng.poisson(expected))
        day = rng.integers(begin[message], end[message])
        opened = self.is_open[day]
        return self.moved[receiver[message]][opened], day[opened]

    def is_placed(self, person: Ints, day: Ints, rng: np.random.Generator) -> Bools:
        """Draw whether each ordinary order is placed despite the messages, shape (orders,).

        Args:
            person: (orders,) rows of the customers.
            day: (orders,) day numbers.
            rng: Random generator.
        """
        sleeping = self.effect[self.receiver] < 0
        sent = np.sort(self.moved[self.receiver[sleeping]] * STRIDE + self.day[sleeping])
        at = person * STRIDE + day
        latest = np.append(-STRIDE, sent)[np.searchsorted(sent, at, side="right")]
        deterred = at - latest < EFFECT_DAYS
        placed = np.ones(len(person), dtype=np.bool_)
        risk = -self.effect[np.searchsorted(self.moved, person[deterred])]
        placed[deterred] = rng.random(int(deterred.sum())) >= risk
        return placed

    def by_day(self, days: range) -> tuple[Floats, Floats]:
        """Expected extra orders, and the share of ordinary orders that are placed, both (moved, days)."""
        shape = (len(self.moved), len(days))
        first, last = np.searchsorted(self.day, [days.start - EFFECT_DAYS + 1, days.stop])
        receiver, sent = self.receiver[first:last], self.day[first:last]
        messages = np.zeros(shape)
        for later in range(EFFECT_DAYS):
            column = sent + later - days.start
            inside = (column >= 0) & (column < len(days))
            flat = receiver[inside] * len(days) + column[inside]
            messages += np.bincount(flat, minlength=shape[0] * shape[1]).reshape(shape)
        opened = self.is_open[days.start : days.stop]
        extra = np.maximum(self.effect, 0.0)[:, None] / EFFECT_DAYS * messages * opened
        return extra, 1.0 - np.maximum(-self.effect, 0.0)[:, None] * (messages > 0)


def persuasion_of(shop: Shop, customers: pd.DataFrame, sends: pd.DataFrame) -> Persuasion:
    """Collect the treated messages that have an effect.

    Args:
        shop: The shop.
        customers: As ``customers_of`` returns them.
        sends: As ``sends_of`` returns them.
    """
    persuadability = customers["persuadability"].to_numpy()
    moved = np.flatnonzero(persuadability)
    row = np.full(len(customers), -1)
    row[moved] = np.arange(len(moved))
    treated = sends.loc[(sends["arm"] == "treated").to_numpy(), ["customer", "day"]]
    receiver = row[treated["customer"].to_numpy()]
    reached = receiver >= 0
    receiver, day = receiver[reached], treated["day"].to_numpy(dtype=np.int64)[reached]
    by_day = np.argsort(day, kind="stable")
    return Persuasion(
        moved=moved,
        effect=persuadability[moved],
        receiver=receiver[by_day],
        day=day[by_day],
        is_open=is_open(shop.days),
    )
