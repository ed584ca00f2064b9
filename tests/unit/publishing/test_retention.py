"""What a business no longer keeps is deleted and logged; what decides or proves something stays."""

from datetime import date, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pandas as pd
import pytest

from assets.keys import ERASURES, METRICS, RETRAIN_LOG, Key
from assets.lifecycle.spec import Spec
from assets.publishing.retention import COHORT, RETENTION_LOG, Retention, delete_old
from assets.transform.build_state import FEATURE_BUILD_STATE
from orchestration.resources.models import FolderModelStore
from orchestration.resources.warehouse import DuckDBWarehouse

NEWEST = date(2026, 11, 30)
DAYS = [NEWEST - timedelta(weeks=week) for week in range(8)][::-1]
OTHERS = [
    Key("features", "orders"),
    Key("labels", "bought"),
    Key("ml", "churn__scores"),
    Key("ml", "audiences"),
]
STAYING = [RETRAIN_LOG, METRICS, ERASURES, Key("ml", "churn__champion"), Key("ml", "churn__evaluation"),
           Key("ml", "audience_exports"), Key("raw", "orders")]  # fmt: skip
SPEC = cast(
    Spec,
    SimpleNamespace(
        name="churn", champion=Key("ml", "churn__champion"), evaluation=Key("ml", "churn__evaluation")
    ),
)


class Business:
    """Two rows in every table on each of eight as-of dates, and a model version for each."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.warehouse = DuckDBWarehouse(database=str(folder / "warehouse.duckdb"))
        self.models = FolderModelStore(root=str(folder / "models"))
        rows = pd.DataFrame(
            {"as_of_date": [day for day in DAYS for _ in range(2)], "customer_id": ["a", "b"] * 8}
        )
        for key in (COHORT, *OTHERS, *STAYING):
            self.warehouse.replace(key, rows)
        # One version has served since the oldest date, and before it another one.
        self.versions = [f"{day}-abc" for day in DAYS]
        serving = pd.DataFrame(
            {"as_of_date": DAYS[:2], "model_version": self.versions[:2], "is_fallback": [False, False]}
        )
        self.warehouse.replace(SPEC.champion, serving)
        self.warehouse.replace(
            FEATURE_BUILD_STATE, pd.DataFrame({"first_day": [str(DAYS[0])], "last_day": [str(NEWEST)]})
        )
        for version in self.versions:
            (self.models.folder("churn", version) / "model.skops").write_text("model")
        for day in DAYS:
            for name in (f"reports/drift/churn_{day}.html", f"audiences/best_{day}_google.csv"):
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                (folder / name).touch()
        (folder / "reports" / "alerts.jsonl").touch()

    def delete_old(self, as_of_dates: int, models: int = 10) -> pd.DataFrame:
        kept = Retention(
            as_of_dates=as_of_dates, models=models, specs=(SPEC,),
            folders=(self.folder / "reports", self.folder / "audiences"),
            also_kept=(Key("ml", "audience_exports"),),
        )  # fmt: skip
        return delete_old(
            self.warehouse, self.models, kept=kept, run_id="r1", now=pd.Timestamp(2026, 12, 1).to_pydatetime()
        )

    def days(self, key: Key) -> list[date]:
        rows = self.warehouse.read(f"select distinct as_of_date as day from {key.sql} order by 1")
        return [pd.Timestamp(day).date() for day in rows["day"]]

    def files(self) -> set[str]:
        return {file.name for part in ("reports", "audiences") for file in (self.folder / part).rglob("*.*")}


@pytest.fixture
def business(tmp_path: Path) -> Business:
    return Business(tmp_path)


def test_older_dates_leave_tables_and_files_and_the_log_says_so(business: Business) -> None:
    gone = business.delete_old(as_of_dates=5)
    for key in (COHORT, *OTHERS):
        assert business.days(key) == DAYS[-5:], key
    for key in STAYING:
        if key != SPEC.champion:
            assert business.days(key) == DAYS, key
    kept = {name for day in DAYS[-5:] for name in (f"churn_{day}.html", f"best_{day}_google.csv")}
    assert business.files() == kept | {"alerts.jsonl"}
    counts = dict(zip(gone["place"], gone["deleted"], strict=True))
    assert counts == {
        "point_in_time.pit_customer__cohort": 6, "features.orders": 6, "labels.bought": 6,
        "ml.churn__scores": 6, "ml.audiences": 6, "reports/": 3, "audiences/": 3,
    }  # fmt: skip
    assert set(gone["before_date"]) == {DAYS[-5]}
    logged = business.warehouse.read(f"select place, deleted from {RETENTION_LOG.sql}")
    assert dict(zip(logged["place"], logged["deleted"], strict=True)) == counts
    # Keeping more from now on builds the dates before again.
    state = business.warehouse.read(f"select first_day from {FEATURE_BUILD_STATE.sql}")
    assert state["first_day"].tolist() == [str(DAYS[-5])]


def test_what_is_young_enough_stays_and_a_second_time_deletes_nothing(business: Business) -> None:
    assert business.delete_old(as_of_dates=8).empty
    assert not business.delete_old(as_of_dates=5).empty
    assert business.delete_old(as_of_dates=5).empty
    assert business.days(OTHERS[0]) == DAYS[-5:]


def test_a_date_far_ahead_deletes_one_date_only(business: Business) -> None:
    wrong = pd.DataFrame({"as_of_date": [date(2036, 12, 1)], "customer_id": ["a"]})
    business.warehouse.append(COHORT, wrong)
    business.delete_old(as_of_dates=8)
    assert business.days(OTHERS[0]) == DAYS[1:]


def test_old_versions_go_except_those_in_use(business: Business) -> None:
    gone = business.delete_old(as_of_dates=8, models=3)
    left = {path.name for path in (business.folder / "models" / "churn").iterdir()}
    # The second serves, and a rollback would bring the first back.
    assert left == {*business.versions[-3:], *business.versions[:2]}
    assert gone.to_dict("list") == _one(place="models/churn/", deleted=3)


def _one(**row: Any) -> dict[str, list[Any]]:
    at = pd.Timestamp(2026, 12, 1)
    return {"run_id": ["r1"], "deleted_at": [at], "place": [row["place"]], "deleted": [row["deleted"]],
            "before_date": [None]}  # fmt: skip
