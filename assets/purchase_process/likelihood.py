"""Maximum likelihood of positive parameters, with the covariance at the maximum."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize

from assets.lifecycle.capability import InsufficientData
from assets.metrics.arrays import Floats

# Parameters are sought within a factor of 8,000 of 1, in units in which an ordinary one is near 1.
FURTHEST = 9.0
# A direction in which the data decide nothing is given a standard deviation of one in log units, a
# factor of 2.7, in place of an infinite one.
LEAST_INFORMATION = 1.0
DIFFERENCE = 1e-4

# Logarithms of k parameters to the log-likelihood and its gradient (k,) in those logarithms.
LogLikelihood = Callable[[Floats], tuple[float, Floats]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Maximum:
    """Where a likelihood is highest.

    Attributes:
        logs: (k,) natural logarithms of the parameters.
        log_likelihood: Of all customers together, in nats.
        covariance: (k, k) of ``logs``: the inverse of the observed information.
    """

    logs: Floats
    log_likelihood: float
    covariance: Floats

    def at_bound(self, names: Sequence[str]) -> tuple[str, ...]:
        """The parameters that would have gone on to zero or infinity."""
        return tuple(
            name for name, log in zip(names, self.logs, strict=True) if abs(log) > FURTHEST - DIFFERENCE
        )


def maximise(score: LogLikelihood, start: Floats, *, rows: float) -> Maximum:
    """The highest point of ``score``, by quasi-Newton steps and one Newton step at the end.

    Args:
        score: Log-likelihood and gradient.
        start: (k,) logarithms to start from.
        rows: How many customers ``score`` sums over; makes the stopping rule independent of it.
    """

    def cost(logs: Floats) -> tuple[float, Floats]:
        value, gradient = score(logs)
        return -value / rows, -gradient / rows

    found = minimize(
        cost,
        start,
        jac=True,
        method="L-BFGS-B",
        bounds=[(-FURTHEST, FURTHEST)] * start.size,
        options={"maxiter": 500, "ftol": 1e-12, "gtol": 1e-8},
    )
    logs = _polished(score, np.asarray(found.x, dtype=np.float64))
    return Maximum(
        logs=logs, log_likelihood=score(logs)[0], covariance=_covariance(_information(score, logs))
    )


def _polished(score: LogLikelihood, logs: Floats) -> Floats:
    """One Newton step, taken only if it climbs: the last digits that a stopping rule leaves."""
    step = _covariance(_information(score, logs)) @ score(logs)[1]
    stepped = np.clip(logs + step, -FURTHEST, FURTHEST)
    return stepped if score(stepped)[0] > score(logs)[0] else logs


def _information(score: LogLikelihood, logs: Floats) -> Floats:
    """Minus the second derivatives at ``logs``, by central differences of the gradient, (k, k)."""
    steps = DIFFERENCE * np.eye(logs.size)
    slopes = np.array([score(logs + step)[1] - score(logs - step)[1] for step in steps]) / (2 * DIFFERENCE)
    return np.asarray(-(slopes + slopes.T) / 2)


def _covariance(information: Floats) -> Floats:
    strength, directions = np.linalg.eigh(information)
    return np.asarray((directions / np.maximum(strength, LEAST_INFORMATION)) @ directions.T)


def refuse_insufficient_data(counts: Sequence[tuple[int, int, str]]) -> None:
    """Refuse with every shortage among ``counts`` of (found, needed, of what).

    Raises:
        InsufficientData: There is a shortage.
    """
    short = [f"{found} {what}, {needed} needed" for found, needed, what in counts if found < needed]
    if short:
        raise InsufficientData(f"too little data for a model of purchases: {'; '.join(short)}")
