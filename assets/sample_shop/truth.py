"""The truth we chose: each customer's probability to order in the next days, given the state that morning."""

import numpy as np
import pandas as pd

from assets.sample_shop.customers import trade_by_segment
from assets.sample_shop.orders import alive_days
from assets.sample_shop.shop import Floats, Shop

HORIZON_DAYS = 30
DAYS_PER_WEEK = 7


def purchase_probabilities(
    shop: Shop, customers: pd.DataFrame, *, horizon_days: int = HORIZON_DAYS
) -> pd.DataFrame:
    r"""True probability of at least one order in ``[as_of_date, as_of_date + horizon_days)``.

    By days: let q = 1 - exp(-hazard) be the risk of stopping at the end of a day, and m_d = rate * trade_d
    the expected orders on day d. The probability N_d of *no* order from day d to the end of the window,
    for someone alive on the morning of d, is

        N_d = exp(-m_d) * ((1 - q) * N_{d+1} + q),    N_end = 1,

    and the answer is 1 - N_d for the living, 0 for those who have stopped. It is the sum over steps of
    the integral of hazard * exp(-hazard * u) * exp(-rate * T(u)) that continuous time would give.

    Returns:
        customer_id, as_of_date (Mondays whose window lies inside the shop's days), is_alive, probability;
        everyone who signed up before the as-of day.
    """
    # The last window must end inside the simulated days, or the truth would have no outcome to meet.
    mornings = np.arange(
        -shop.first_day.weekday() % DAYS_PER_WEEK, len(shop.days) - horizon_days + 1, DAYS_PER_WEEK
    )
    return pd.concat(
        [_on(shop, customers, morning=int(morning), horizon_days=horizon_days) for morning in mornings],
        ignore_index=True,
    )


def _on(shop: Shop, customers: pd.DataFrame, *, morning: int, horizon_days: int) -> pd.DataFrame:
    known = customers[customers["signed_up_day"] < morning]
    _, end = alive_days(known, days=len(shop.days) + 1)
    alive = end > morning
    trade = trade_by_segment(shop.days[morning : morning + horizon_days])
    probability = np.where(alive, 1.0 - _no_order(known, trade), 0.0)
    return pd.DataFrame(
        {
            "customer_id": known["customer_id"],
            "as_of_date": shop.days[morning].date(),
            "is_alive": alive,
            "probability": probability,
        }
    )


def _no_order(customers: pd.DataFrame, trade: Floats) -> Floats:
    rate, stop = customers["rate"].to_numpy(), -np.expm1(-customers["hazard"].to_numpy())
    segment = customers["segment"].to_numpy()
    nothing: Floats = np.ones(len(customers))
    for day in reversed(range(trade.shape[1])):
        nothing = np.exp(-rate * trade[segment, day]) * ((1.0 - stop) * nothing + stop)
    return nothing
