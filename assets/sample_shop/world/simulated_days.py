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
        orders: Orders placed in these days, as ``orders_of`` returns them.
        lines: Articles of those orders, as ``articles_of`` returns them, without postage and returns.
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
