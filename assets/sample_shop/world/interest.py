"""Interest: a weekly state of each customer, visible in visits before it is visible in orders."""

import numpy as np

from assets.sample_shop.world.shop import Bools, Floats, Shop

INTERESTED_SHARE = 0.25
LOSES_INTEREST = 0.2
GAINS_INTEREST = LOSES_INTEREST * INTERESTED_SHARE / (1.0 - INTERESTED_SHARE)
# Mean 1 over customers: 0.75 * 0.4 + 0.25 * 2.8, so that rates keep their meaning.
ORDER_FACTORS: Floats = np.array([0.4, 2.8])


def interest_of(shop: Shop) -> Bools:
    """Whether each customer is interested in each week, shape (customers, weeks).

    A stationary two-state Markov chain by week: a quarter is interested, for five weeks on average.
    """
    rng = shop.rng("interest")
    states = np.empty((shop.customers, shop.weeks), dtype=np.bool_)
    state = rng.random(shop.customers, dtype=np.float32) < INTERESTED_SHARE
    for week in range(shop.weeks):
        states[:, week] = state
        luck = rng.random(shop.customers, dtype=np.float32)
        state = np.where(state, luck >= LOSES_INTEREST, luck < GAINS_INTEREST)
    return states
