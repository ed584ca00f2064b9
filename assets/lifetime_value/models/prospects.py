"""What a recipe says of customers, whichever recipe it is."""

from dataclasses import dataclass

from assets.metrics.arrays import Floats

NEXT_ORDER_CHANCES = (0.1, 0.5, 0.9)


@dataclass(frozen=True, slots=True, kw_only=True)
class ValuePrediction:
    """What n customers are expected to do within h horizons; ``nan`` where a recipe cannot say.

    Attributes:
        value: (n, h) mean amount, in shop currency.
        value_lo: (n, h) lower end of the interval, at most the mean.
        value_hi: (n, h) upper end, at least the mean.
        orders: (n, h) mean days with an order.
        alive: (n,) chance of being a customer still.
        next_order_days: (n, 3) days to the next order at ``NEXT_ORDER_CHANCES``, given alive.
        silence: (n,) chance that one who is alive is silent for so long.
    """

    value: Floats
    value_lo: Floats
    value_hi: Floats
    orders: Floats
    alive: Floats
    next_order_days: Floats
    silence: Floats
