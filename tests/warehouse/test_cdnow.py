"""CDNOW through our own SQL: its histories are the published ones, and so are the model's estimates."""

import os
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pytest
import yaml

from assets.ingest.config.business import business_from
from assets.ingest.loading.load import load_sources
from assets.purchase_process.bg_nbd import BgNbd
from tests.warehouse.reconciliation import reconciliation_gaps

ROOT = Path(__file__).parents[2]
CONFIG = ROOT / "config" / "cdnow.yaml"
DATA_DIR = Path(os.environ.get("DATA_DIR") or ROOT.parent / "shared" / "data")
FOLDER = DATA_DIR / "cdnow"
# The last Monday of the 39 calibration weeks, and the day on which as many had followed.
AS_OF, TODAY = date(1997, 9, 29), date(1998, 6, 29)

pytestmark = [
    pytest.mark.real_data,
    pytest.mark.skipif(
        not FOLDER.is_dir(), reason=f"the CDNOW files are not in {FOLDER}; set DATA_DIR to their folder"
    ),
]


@pytest.fixture(scope="module")
def histories(shop: Any, manifest: Any, tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    """Every customer's history as of ``AS_OF``, computed by dbt from the loaded file."""
    world = type(shop)(folder=tmp_path_factory.mktemp("cdnow"))
    document = yaml.safe_load(CONFIG.read_text())
    business = business_from(document, file=CONFIG, data_dir=DATA_DIR, landing_dir=ROOT / "var")
    with duckdb.connect(str(world.warehouse)) as connection:
        connection.execute("set TimeZone = 'UTC'")
        landings = load_sources(connection, business)
    assert reconciliation_gaps(landings) == []
    asked = {"time_zone": business.time_zone, "as_of_from": str(AS_OF), "as_of_to": str(AS_OF)}
    world.dbt(
        "run",
        "--select",
        "+feat_customer__purchase_history",
        manifest=manifest,
        asked=asked | {"today": str(TODAY)},
    )
    return world.read("select * from features.feat_customer__purchase_history order by customer_id")


def test_every_customer_who_paid_for_anything_has_a_history(histories: pd.DataFrame) -> None:
    # 23,570 customers: 68 only ever got discs for nothing and two more had paid for none by then.
    assert len(histories) == 23_500
    assert (histories["frequency"] > 0).sum() == 9_423
    assert histories["first_purchase_on"].min() == pd.Timestamp("1997-01-01")
    assert (histories["currency"] == "USD").all()


def test_the_sample_s_histories_are_the_published_ones(histories: pd.DataFrame) -> None:
    published = pd.read_csv(FOLDER / "cdnow_calibration_holdout.csv")
    names = pd.read_csv(
        FOLDER / "CDNOW_sample.txt", sep=r"\s+", header=None, names=["master", "sample", "day", "cds", "paid"]
    )
    master = names.groupby("sample")["master"].first()
    published.index = published["ID"].map(master).map("{:05d}".format)
    ours = histories.set_index("customer_id").reindex(published.index).dropna(subset=["frequency"])
    theirs = published.loc[ours.index]
    # They count until 30 September and purchases of nothing as well: eight of the sample's 6,919 lines.
    same = (ours["frequency"] == theirs["x"]) & (ours["recency_days"] == np.round(7 * theirs["t.x"]))
    assert len(ours) > 2_345
    assert same.mean() > 0.985
    assert (ours["age_days"] - np.round(7 * theirs["T.cal"])).isin([-1, 0]).mean() > 0.995


def test_the_whole_cohort_has_estimates_like_the_published_sample(histories: pd.DataFrame) -> None:
    model = BgNbd().fit(histories[["frequency", "recency_days", "age_days"]])
    weekly = {"r": model.r_, "alpha": model.alpha_ / 7, "a": model.a_, "b": model.b_}
    # The published sample of a tenth has r 0.243, alpha 4.414, a 0.793, b 2.426.
    assert weekly == pytest.approx({"r": 0.2515, "alpha": 4.762, "a": 0.749, "b": 2.217}, rel=1e-3)
    assert weekly == pytest.approx({"r": 0.243, "alpha": 4.414, "a": 0.793, "b": 2.426}, rel=0.1)
