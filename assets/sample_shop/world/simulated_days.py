"""State of the simulation for some days, from which visits are simulated."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedDays:
    """State of the simulation for a half-open range of days.

    Attributes:
        customers: All customers who ever sign up, as ``customers_of`` returns them; row = customer number.
        interest: Whether each customer is interested, shape (customers, weeks), bool; column w holds for
            the days ``[7 * w, 7 * w + 7)``.
        orders: Orders placed in these days: order_id, customer (row of ``customers``; -1 for a guest),
            day (0 is the shop's first), second (of the day), ordered_at (local wall clock), channel,
            country, theme (the affinity group of the order).
        lines: Articles of those orders, without postage and returns: order (row of ``orders``), order_id,
            customer, day, ordered_at, product (row of ``products``), product_id, quantity, unit_price,
            channel, country.
        products: The whole catalogue, as ``catalogue`` returns it; ``launched_day`` may lie inside or
            after these days.
        sends: Messages sent in these days and in the seven days before them (a message may be opened or
            clicked on a later day): the columns of ``sends_of``.
    """

    customers: pd.DataFrame
    interest: npt.NDArray[np.bool_]
    orders: pd.DataFrame
    lines: pd.DataFrame
    products: pd.DataFrame
    sends: pd.DataFrame
