"""A shop whose customers follow the models exactly, with known parameters."""

import numpy as np

from assets.lifetime_value.models.gamma_gamma import GammaGammaParams
from assets.lifetime_value.models.predictive import Forecaster
from assets.purchase_process.bg_nbd import BgNbdParams
from benchmarks.simulated_buyers import Simulated, simulated

TRUTH = Forecaster(
    buying=BgNbdParams(r=0.8, alpha=40.0, a=0.8, b=2.5), spending=GammaGammaParams(p=6.0, q=4.0, v=15.0)
)
HORIZON_DAYS = 90


def customers(n: int, *, seed: int = 0, truth: Forecaster = TRUTH) -> Simulated:
    rng = np.random.default_rng(seed)
    ages = rng.integers(10, 700, n).astype(np.float64)
    return simulated(truth, ages, horizon_days=HORIZON_DAYS, rng=rng)
