"""Customers drawn from known parameters, and the models fitted on them."""

import pytest

from assets.lifetime_value.models.clv import ClvForecast, LifetimeValue
from benchmarks.simulated_buyers import Simulated
from tests.unit.lifetime_value.world import HORIZON_DAYS, customers


@pytest.fixture(scope="session")
def shop() -> Simulated:
    return customers(8_000)


@pytest.fixture(scope="session")
def fitted(shop: Simulated) -> LifetimeValue:
    return LifetimeValue(horizons_days=(30, HORIZON_DAYS, 365)).fit(shop.past)


@pytest.fixture(scope="session")
def forecast(shop: Simulated, fitted: LifetimeValue) -> ClvForecast:
    return fitted.forecast(shop.past)
