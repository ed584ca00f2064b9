"""A warehouse file whose purchase histories and outcomes come from customers drawn from known parameters."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from pathlib import Path

import numpy as np
import pandas as pd

from assets.keys import Key
from assets.lifecycle.promotion import promote
from assets.lifecycle.realised import monitor
from assets.lifecycle.run_context import RunContext
from assets.lifecycle.scoring import score
from assets.lifecycle.store.control_tables import ChampionVersion
from assets.lifecycle.training import evaluate
from assets.lifetime_value.capability import LifetimeValueCapability
from assets.lifetime_value.dataset import ValueData
from assets.lifetime_value.models.gamma_gamma import GammaGammaParams
from assets.lifetime_value.score_rows import Model
from assets.lifetime_value.spec import PROBLEM as DECLARED
from assets.lifetime_value.spec import AmountCriteria, ValueProblem
from assets.purchase_process.bg_nbd import BgNbdParams
from assets.supervised.data.dataset import DAILY_ORDERS
from orchestration.resources.models import FolderModelStore
from orchestration.resources.warehouse import DuckDBWarehouse
from tests.assets.permitted import permitted

BUYING = BgNbdParams(r=0.8, alpha=40.0, a=0.8, b=2.5)
SPENDING = GammaGammaParams(p=6.0, q=4.0, v=15.0)
FIRST_ORDERS, HISTORY_DAYS = date(2023, 1, 2), 300
# Mondays with rows: the first has 300 days of history, the last as many weeks later as there are dates.
FIRST_DAY = date(2023, 10, 30)
PROBLEM = replace(
    DECLARED,
    numeric=("days_since_order", "net_amount_365d", "tenure_days"),
    categorical=(),
    criteria=AmountCriteria(replicates=60),
)
SPEC = PROBLEM.spec


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueWorld:
    """One business's warehouse and models below ``folder``."""

    folder: Path

    @property
    def warehouse(self) -> DuckDBWarehouse:
        return DuckDBWarehouse(database=str(self.folder / "warehouse.duckdb"))

    def context(self, as_of: date, problem: ValueProblem = PROBLEM) -> RunContext[ValueData, Model]:
        return RunContext(
            capability=LifetimeValueCapability(problem),
            warehouse=self.warehouse,
            models=FolderModelStore(root=str(self.folder / "models")),
            as_of=as_of,
            run_id=f"run of {as_of}",
            now=datetime.combine(as_of, time(5)),
        )

    def run_date(self, as_of: date, problem: ValueProblem = PROBLEM) -> ChampionVersion | None:
        """All steps of one as-of date, each from the tables alone; returns the version that serves."""
        with self.warehouse.kept_open():
            monitor(self.context(as_of, problem))
            evaluate(self.context(as_of, problem))
            serving = promote(self.context(as_of, problem))
            score(self.context(as_of, problem))
        return serving

    def table(self, key: Key) -> pd.DataFrame:
        return self.warehouse.read(f"select * from {key.sql} order by all")


def orders(customers: int, *, until: date, rng: np.random.Generator) -> pd.DataFrame:
    """Every order day of every customer up to ``until``: they buy at random until they leave."""
    last, rows = (until - FIRST_ORDERS).days, []
    for customer in range(customers):
        day = float(rng.integers(0, HISTORY_DAYS))
        rate, leaves = rng.gamma(BUYING.r, 1 / BUYING.alpha), rng.beta(BUYING.a, BUYING.b)
        nu = rng.gamma(SPENDING.q, 1 / SPENDING.v)
        while day < last:
            rows.append((f"c{customer:05d}", int(day), rng.gamma(SPENDING.p) / nu))
            if rng.random() < leaves and day > 0 and len(rows) > 1 and rows[-2][0] == rows[-1][0]:
                break
            day += max(rng.exponential(1 / rate), 1.0)
    found = pd.DataFrame(rows, columns=["customer_id", "day", "amount"])
    return found.groupby(["customer_id", "day"], as_index=False)[["amount"]].sum()


def create(folder: Path, *, customers: int = 1_500, weeks: int = 30, season: float = 1.0) -> ValueWorld:
    """A shop with histories on ``weeks`` Mondays; its last 90 days' amounts are multiplied by ``season``."""
    world = ValueWorld(folder=folder)
    days = [FIRST_DAY + timedelta(weeks=week) for week in range(weeks)]
    bought = orders(customers, until=days[-1], rng=np.random.default_rng(11))
    recent = bought["day"] >= (days[-1] - FIRST_ORDERS).days - 91
    bought["amount"] *= np.where(recent, season, 1.0)
    write(world, bought, days)
    return world


def write(world: ValueWorld, bought: pd.DataFrame, as_of_days: Sequence[date]) -> None:
    known = pd.concat([_known(bought, day) for day in as_of_days], ignore_index=True)
    shared = ["customer_id", "as_of_date", "as_of_at", "newest_known_at", "net_amount_lifetime"]
    own = ["days_since_order", "net_amount_365d", "tenure_days"]
    world.warehouse.replace(PROBLEM.features, known[shared + own])
    world.warehouse.replace(PROBLEM.histories, known.drop(columns=own))
    world.warehouse.replace(PROBLEM.cohort, permitted(known))
    world.warehouse.replace(DAILY_ORDERS, pd.concat([_daily(bought, day) for day in as_of_days]))
    for days, key in PROBLEM.labels.items():
        matured = [day for day in as_of_days if day + timedelta(days=days) <= as_of_days[-1]]
        outcomes = [_outcome(bought, known, day, days=days) for day in matured]
        empty = _outcome(bought, known.head(0), as_of_days[0], days=days)
        world.warehouse.replace(key, pd.concat([empty, *outcomes], ignore_index=True))


def _known(bought: pd.DataFrame, as_of: date) -> pd.DataFrame:
    now = (as_of - FIRST_ORDERS).days
    past = bought.loc[bought["day"] < now]
    by = past.groupby("customer_id")
    first, last = by["day"].min(), by["day"].max()
    repeats = past.loc[past["day"] > past["customer_id"].map(first)].groupby("customer_id")["amount"]
    recent = past.loc[past["day"] >= now - 365].groupby("customer_id")["amount"].sum()
    found = pd.DataFrame(
        {
            "as_of_date": as_of,
            "as_of_at": pd.Timestamp(as_of),
            "newest_known_at": pd.Timestamp(as_of) - pd.Timedelta(minutes=1),
            "first_purchase_on": [FIRST_ORDERS + timedelta(days=int(day)) for day in first],
            "frequency": by.size() - 1,
            "recency_days": last - first,
            "age_days": now - first,
            "average_order_amount": repeats.mean(),
            "net_amount_lifetime": by["amount"].sum(),
            "currency": "EUR",
            "days_since_order": now - last,
            "tenure_days": now - first,
            "net_amount_365d": recent,
        }
    )
    return found.fillna({"net_amount_365d": 0.0}).rename_axis("customer_id").reset_index()


def _daily(bought: pd.DataFrame, as_of: date) -> pd.DataFrame:
    past = bought.loc[bought["day"] < (as_of - FIRST_ORDERS).days]
    first = past.groupby("customer_id")["day"].transform("min")
    found = (past["day"] > first).astype(int).groupby(past["day"]).agg(["size", "sum"])
    return pd.DataFrame(
        {
            "as_of_date": as_of,
            "occurred_on": [FIRST_ORDERS + timedelta(days=int(day)) for day in found.index],
            "orders": found["size"].to_numpy(),
            "repeat_orders": found["sum"].to_numpy(),
        }
    )


def _outcome(bought: pd.DataFrame, known: pd.DataFrame, as_of: date, *, days: int) -> pd.DataFrame:
    now = (as_of - FIRST_ORDERS).days
    window = bought.loc[bought["day"].between(now, now + days - 1)].groupby("customer_id")["amount"]
    who = known.loc[known["as_of_date"] == as_of, ["customer_id", "as_of_date"]]
    amount = who["customer_id"].map(window.sum()).fillna(0.0).astype(float)
    counted = who["customer_id"].map(window.size()).fillna(0).astype("int64")
    return who.assign(outcome=(counted > 0).astype(int), outcome_amount=amount, outcome_orders=counted)
