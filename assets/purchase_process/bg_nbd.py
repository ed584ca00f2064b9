"""BG/NBD: order rates of customers, and the chance to leave unnoticed after an order."""

from collections.abc import Sequence
from typing import NamedTuple, Self

import numpy as np
from scipy.linalg import eigh_tridiagonal
from scipy.special import digamma, expit, gammaln, hyp2f1
from sklearn.base import BaseEstimator

from assets.metrics.arrays import Floats
from assets.purchase_process.likelihood import maximise, refuse_insufficient_data
from assets.purchase_process.purchase_history import NoHeterogeneity, PurchaseHistory, Rows

HORIZONS_DAYS = (30, 90, 365)
NAMES = ("r", "alpha", "a", "b")
START = np.log([0.5, 0.5, 1.0, 2.0])
# The closed form of the expectation divides by a - 1 and, for customers without a repeat, by a + b - 1.
# Both gaps are removable: nearer than this, the mean of both sides is taken, right to the square of it.
SINGULAR = 1e-4
# Up to this a, and from this ratio of window to history on, the closed form is right to 1e-6; beyond, the
# integral over the drop-out chance is, with so many nodes.
MOST_CLOSED = 10.0
SHORT_WINDOW = 0.01
NODES = 48
SMALLEST = 1e-300


class BgNbdParams(NamedTuple):
    """The four parameters: order rates are Gamma(r, alpha) per day, drop-outs Beta(a, b) per order."""

    r: float
    alpha: float
    a: float
    b: float


class BgNbd(BaseEstimator):  # type: ignore[misc]
    """While active, a customer orders at random at a rate; after any order they may leave for good.

    Rates differ between customers as Gamma(r, rate alpha), drop-out chances as Beta(a, b), both apart
    from each other. Wrong when orders are regular (subscriptions), when there are seasons, or when
    customers come back after a pause. A customer without a repeat order cannot have left, by construction:
    the probability of being active is 1, however long ago the only order was.

    Args:
        least_customers: Floor of customers.
        least_repeaters: Floor of customers with a repeat order.

    Attributes:
        r_: Shape of the order rates.
        alpha_: Rate parameter of the order rates, in days.
        a_: First shape of the drop-out chances.
        b_: Second shape of the drop-out chances.
        covariance_: (4, 4) of the logarithms of r, alpha, a, b.
        log_likelihood_: Of all customers, in nats, with time in days; time in weeks would add
            ``ln 7`` per repeat order.
        at_bound_: Parameters that the data drive to zero or infinity.
        n_customers_: Customers fitted on.
        n_repeaters_: Those of them with a repeat order.

    Source: Fader, Hardie & Lee 2005, "Counting your customers" the easy way, Marketing Science 24(2).
    """

    def __init__(self, least_customers: int = 500, least_repeaters: int = 100) -> None:
        self.least_customers = least_customers
        self.least_repeaters = least_repeaters

    def fit(self, X: Rows, y: object = None) -> Self:  # noqa: N803, ARG002 - scikit-learn's names
        """Fit on ``X`` (n, 3): repeat orders, days from first to last order, days since the first order.

        Raises:
            ValueError: when a row is not a possible history.
            InsufficientData: when customers or repeat buyers are too few; names counts and floors.
            NoHeterogeneity: when all customers have the same history.
        """
        histories = PurchaseHistory.of(X)
        self._refuse(histories)
        unit = float(np.average(histories.age, weights=histories.weight))
        scaled = histories.in_units_of(unit)
        found = maximise(lambda logs: log_likelihood(logs, scaled), START, rows=histories.customers)
        self.r_, self.alpha_, self.a_, self.b_ = (
            float(value) for value in np.exp(found.logs) * [1.0, unit, 1.0, 1.0]
        )
        orders = float(histories.weight @ histories.frequency)
        self.log_likelihood_ = found.log_likelihood - orders * float(np.log(unit))
        self.covariance_ = found.covariance
        self.at_bound_ = found.at_bound(NAMES)
        self.n_customers_, self.n_repeaters_ = histories.customers, histories.repeaters
        return self

    def _refuse(self, histories: PurchaseHistory) -> None:
        refuse_insufficient_data(
            [
                (histories.customers, self.least_customers, "customers"),
                (histories.repeaters, max(self.least_repeaters, 1), "customers with a repeat order"),
            ]
        )
        if len(histories.weight) == 1:
            raise NoHeterogeneity(
                f"all {histories.customers} customers have the same history: {histories.frequency[0]:g} "
                f"repeat orders, the last after {histories.recency[0]:g} of {histories.age[0]:g} days"
            )

    @property
    def buying(self) -> BgNbdParams:
        """The fitted parameters."""
        return BgNbdParams(self.r_, self.alpha_, self.a_, self.b_)

    def drawn(self, draws: int, rng: np.random.Generator) -> list[BgNbdParams]:
        """Parameters as likely as the data leave them: normal in logarithms around the maximum."""
        logs = rng.multivariate_normal(np.log(self.buying), self.covariance_, size=draws)
        return [BgNbdParams(*row) for row in np.exp(logs).tolist()]

    def probability_alive(self, X: Rows) -> Floats:  # noqa: N803 - scikit-learn's name
        """Chance that each customer of ``X`` (n, 3) is still active on the as-of date, (n,)."""
        histories = PurchaseHistory.of(X)
        return alive(self.buying, histories)[histories.place]

    def expected_purchases(
        self,
        X: Rows,  # noqa: N803 - scikit-learn's name
        horizons_days: Sequence[float] = HORIZONS_DAYS,
    ) -> Floats:
        """Mean number of orders in each of the next ``horizons_days``, as (n, horizons)."""
        histories = PurchaseHistory.of(X)
        return expected_orders(self.buying, histories, horizons_days=horizons_days)[histories.place]

    def order_probability(self, X: Rows, *, days: float) -> Floats:  # noqa: N803 - scikit-learn's name
        """Chance of at least one order within ``days`` of each customer of ``X`` (n, 3), (n,).

        An active customer leaves only after an order, so that the first one depends on the rate alone.
        """
        histories = PurchaseHistory.of(X)
        waited, until = self.alpha_ + histories.age, self.alpha_ + histories.age + days
        orders = -np.expm1((self.r_ + histories.frequency) * (np.log(waited) - np.log(until)))
        return np.asarray((alive(self.buying, histories) * orders)[histories.place], dtype=np.float64)

    def next_order_days(
        self,
        X: Rows,  # noqa: N803 - scikit-learn's name
        chances: Sequence[float] | Floats = (0.1, 0.5, 0.9),
    ) -> Floats:
        """Days until the next order of customers who are still active, at each of ``chances``, (n, chances).

        The median is the expected date: the mean is infinite for customers with ``r + x`` of at most 1.
        Given that they are active: with a low :meth:`probability_alive` the order may never come.

        Args:
            X: Customers.
            chances: (k,), or (n, k) where each customer has others.
        """
        histories = PurchaseHistory.of(X)
        frequency, age = (each[histories.place, None] for each in (histories.frequency, histories.age))
        with np.errstate(over="ignore", divide="ignore"):
            exponent = -np.log1p(-np.asarray(chances)) / (self.r_ + frequency)
            return np.asarray((self.alpha_ + age) * np.expm1(exponent), dtype=np.float64)

    def no_order_probability(self, X: Rows, days: float) -> Floats:  # noqa: N803 - scikit-learn's name
        """Chance that customers ``X`` (n, 3) who are active order nothing within ``days``, (n,)."""
        histories = PurchaseHistory.of(X)
        silent = (self.r_ + histories.frequency) * np.log1p(days / (self.alpha_ + histories.age))
        return np.asarray(np.exp(-silent)[histories.place])

    def orders_of_buyers(self, X: Rows, days: float) -> Floats:  # noqa: N803 - scikit-learn's name
        """Mean orders within ``days`` of customers ``X`` (n, 3) who place at least one, (n,), at least 1.

        Those who order are active, so that the chance of being active cancels.
        """
        histories = PurchaseHistory.of(X)
        first, place = histories.pairs.first, histories.pairs.place[histories.place]
        frequency, age = histories.frequency[first], histories.age[first]
        mean = orders_if_alive(self.buying, frequency, age=age, days=days)
        some = -np.expm1(-(self.r_ + frequency) * np.log1p(days / (self.alpha_ + age)))
        return np.asarray(np.maximum(mean / some, 1.0)[place])

    def silence_probability(self, X: Rows) -> Floats:  # noqa: N803 - scikit-learn's name
        """Chance, right after the last order, that an active customer is silent for so long, (n,) in (0, 1].

        Below 0.1 a customer is overdue: nine of ten active ones like them would have ordered by now.
        """
        histories = PurchaseHistory.of(X)
        silence = np.log(self.alpha_ + histories.recency) - np.log(self.alpha_ + histories.age)
        return np.asarray(np.exp((self.r_ + histories.frequency) * silence)[histories.place])


def log_likelihood(logs: Floats, histories: PurchaseHistory) -> tuple[float, Floats]:
    """Log-likelihood of ``histories`` and its gradient (4,) in ``logs``, the logarithms of r, alpha, a, b.

    Gamma functions depend on x alone and are taken once per distinct x; per history there are only
    logarithms, so nothing overflows however many orders a customer has.

    Source: Fader, Hardie & Lee 2005, equation 6, with ln(e^A3 + e^A4) = A3 + ln(1 + e^(A4 - A3)).
    """
    r, alpha, a, b = np.exp(logs)
    x, weight = histories.frequency, histories.weight
    after_age, after_last = np.log(alpha + histories.age), np.log(alpha + histories.recency)
    odds = _log_odds_gone(BgNbdParams(r, alpha, a, b), histories)
    gone = weight * expit(odds)
    value, by_r, by_a, by_b = _by_frequency(BgNbdParams(r, alpha, a, b), histories)
    value += float(weight @ (r * np.log(alpha) - (r + x) * after_age + np.logaddexp(0.0, odds)))
    by_r += float(weight @ (np.log(alpha) - after_age) + gone @ (after_age - after_last))
    nearer = 1 / (alpha + histories.recency) - 1 / (alpha + histories.age)
    by_alpha = float(weight @ (r / alpha - (r + x) / (alpha + histories.age)) - gone @ ((r + x) * nearer))
    by_a += float(gone.sum()) / a
    by_b -= float(gone @ (1 / np.maximum(b + x - 1, b)))
    return value, np.array([by_r * r, by_alpha * alpha, by_a * a, by_b * b])


def _by_frequency(buying: BgNbdParams, histories: PurchaseHistory) -> tuple[float, float, float, float]:
    """The part of the likelihood that x alone decides, and its derivatives in r, a and b."""
    r, _, a, b = buying
    x = histories.frequency[histories.counts.first]
    weight = np.bincount(histories.counts.place, histories.weight)
    counted = gammaln(r + x) - gammaln(r) + gammaln(b + x) - gammaln(b)
    value = counted + gammaln(a + b) - gammaln(a + b + x)
    stayed = digamma(a + b) - digamma(a + b + x)
    return (
        float(weight @ value),
        float(weight @ (digamma(r + x) - digamma(r))),
        float(weight @ stayed),
        float(weight @ (stayed + digamma(b + x) - digamma(b))),
    )


def _log_odds_gone(buying: BgNbdParams, histories: PurchaseHistory) -> Floats:
    """Log-odds of having left after the last order, (u,); minus infinity without a repeat order."""
    r, alpha, a, b = buying
    x = histories.frequency
    silence = np.log(alpha + histories.age) - np.log(alpha + histories.recency)
    odds = np.log(a) - np.log(np.maximum(b + x - 1, b)) + (r + x) * silence
    return np.where(x > 0, odds, -np.inf)


def alive(buying: BgNbdParams, histories: PurchaseHistory) -> Floats:
    """Chance that customers of each history are still active, (u,), in [0, 1].

    Source: Fader & Hardie 2008, Computing P(alive) using the BG/NBD model.
    """
    return np.asarray(expit(-_log_odds_gone(buying, histories)), dtype=np.float64)


def expected_orders(
    buying: BgNbdParams,
    histories: PurchaseHistory,
    *,
    horizons_days: Sequence[float],
    active: Floats | None = None,
) -> Floats:
    """Mean orders of each history within each horizon, as (u, horizons).

    Args:
        buying: Parameters.
        histories: The u histories.
        horizons_days: Positive days.
        active: (u,) chance of being active; by default as :func:`alive` has it.
    """
    pairs = histories.pairs
    frequency, age = histories.frequency[pairs.first], histories.age[pairs.first]
    orders = [orders_if_alive(buying, frequency, age=age, days=days) for days in horizons_days]
    still = alive(buying, histories) if active is None else active
    return np.asarray(np.column_stack(orders)[pairs.place] * still[:, None], dtype=np.float64)


def orders_if_alive(buying: BgNbdParams, frequency: Floats, *, age: Floats, days: float) -> Floats:
    """Mean orders within ``days`` of customers known to be active, (u,).

    Args:
        buying: Parameters.
        frequency: (u,) repeat orders x.
        age: (u,) days since the first order, T.
        days: Length of the window.

    Source: Fader, Hardie & Lee 2005, equation 10, after Euler's transformation of its hypergeometric
    function: the powers of (r + x), which overflow for frequent buyers, cancel. Where drop-out chances hardly
    differ or the window is short against the history, that form overflows or cancels itself: there the
    expectation is integrated over the drop-out chance.
    """
    relative = days / (buying.alpha + age)
    found = np.full(frequency.size, np.nan)
    closed = (relative >= SHORT_WINDOW) & (buying.a <= MOST_CLOSED)
    if closed.any():
        found[closed] = _closed_form(buying, frequency[closed], relative=relative[closed])
    rest = np.flatnonzero(~np.isfinite(found))
    for x in np.unique(frequency[rest]):
        rows = rest[frequency[rest] == x]
        chance, weight = beta_quadrature(buying.a, buying.b + float(x))
        silent = np.log1p(relative[rows, None] * chance)
        found[rows] = -np.expm1(-(buying.r + x) * silent) / chance @ weight
    return found


def _closed_form(buying: BgNbdParams, frequency: Floats, *, relative: Floats) -> Floats:
    nearest = min(abs(buying.a - 1), abs(buying.a + buying.b - 1))
    sides = (0.0,) if nearest > SINGULAR else (-2 * SINGULAR, 2 * SINGULAR)
    z, found = relative / (1 + relative), []
    for side in sides:
        r, _, a, b = buying._replace(a=buying.a + side)
        most = a + b + frequency - 1
        with np.errstate(over="ignore", invalid="ignore"):
            below = np.exp((a - 1) * np.log1p(-z)) * hyp2f1(a - 1, a + b - 1 - r, most, z)
            found.append(most / (a - 1) * (1 - below))
    return np.asarray(np.mean(found, axis=0), dtype=np.float64)


def beta_quadrature(a: float, b: float) -> tuple[Floats, Floats]:
    """Nodes in (0, 1) and weights (``NODES``,) that integrate smooth functions over a Beta(a, b) density.

    The weights are squares of the eigenvectors' first elements: nothing overflows at large a or b.

    Source: Golub & Welsch 1969, Calculation of Gauss quadrature rules, for Jacobi polynomials.

    The mean of Beta(2, 6) is 1/4, its second moment 1/12:

    >>> node, weight = beta_quadrature(2.0, 6.0)
    >>> round(float(node @ weight), 12), round(float(node**2 @ weight), 12)
    (0.25, 0.083333333333)
    """
    k, total = np.arange(1, NODES), a + b - 2
    twice = 2 * k + total
    centre = ((a - 1) ** 2 - (b - 1) ** 2) / (twice * (twice + 2))
    with np.errstate(divide="ignore", invalid="ignore"):
        squares = 4 * k * (k + a - 1) * (k + b - 1) * (k + total) / (twice**2 * (twice**2 - 1))
    squares[0] = 4 * a * b / ((a + b) ** 2 * (a + b + 1))
    nodes, vectors = eigh_tridiagonal(np.r_[(a - b) / (a + b), centre], np.sqrt(squares))
    return np.maximum((nodes + 1) / 2, SMALLEST), vectors[0] ** 2
