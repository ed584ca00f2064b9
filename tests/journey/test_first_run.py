"""The first run of the sample shop: its output and its published tables."""

from pathlib import Path

import duckdb
import pandas as pd
import pytest
import yaml

from tests.journey.world import LATEST, PROJECT, Place, RunResult
from tests.page_numbers import compare_numbers

WRITTEN = ("run_id", "promoted_by", "scored_at", "trained_at", "decided_at", "checked_at")
DESCRIBED = PROJECT / "dbt_project" / "models" / "published"


def promised() -> dict[str, list[str]]:
    """The columns of every published table, as its properties file lists them."""
    files = sorted(DESCRIBED.glob("[a-z]*.yml"))
    models = [model for file in files for model in yaml.safe_load(file.read_text())["models"]]
    return {model["name"]: [column["name"] for column in model["columns"]] for model in models}


@pytest.fixture(scope="module")
def shop(first_run: tuple[Place, RunResult]) -> Place:
    place, result = first_run
    assert result.code == 0, result.output
    return place


def test_the_run_ends_well_and_says_what_it_did(first_run: tuple[Place, RunResult]) -> None:
    place, result = first_run
    assert result.code == 0, result.output
    for words in (
        "Sample shop (simulated), as-of date 2024-01-01",
        "running staged",
        "1. Loaded data",
        "orders -> raw.order_lines:",
        "2. Models",
        "customers in training, 500 needed",
        "3. Expected and observed totals",
        "4. Expected spend",
        "5. Segments",
        "6. Published tables for as-of date 2024-01-01",
        str(place.snapshot),
        "make ui",
        f"open {place.folder / 'published' / 'reports' / 'index.html'}",
        'make query SQL="select',
        "peak memory",
    ):
        assert words in result.output
    assert "Traceback" not in result.output


def test_what_the_run_makes_is_for_its_owner_alone(shop: Place) -> None:
    paths = [shop.folder, *shop.folder.rglob("*"), *(shop.var_dir / "keys").rglob("*")]
    # The harness makes Dagster's home and its configuration, too.
    paths = [path for path in paths if path not in (shop.home, shop.home / "dagster.yaml")]
    assert len(paths) > 500
    assert [path for path in paths if path.stat().st_mode & 0o077] == []
    # DuckDB would put what memory cannot hold into the working folder.
    assert not (PROJECT / ".tmp").exists()


def test_the_pages_show_the_numbers_of_the_published_tables(shop: Place) -> None:
    folder = shop.folder / "published" / "reports"
    pages = {file.name: file.read_text() for file in folder.glob("*.html")}
    assert "Sample shop" in pages["index.html"]
    assert "Monday 1 January 2024" in pages["index.html"]
    assert max(len(page) for page in pages.values()) < 1_000_000
    compared = compare_numbers(pages.values(), snapshot=shop.snapshot, warehouse=shop.warehouse)
    assert compared > 100
    assert shop.snapshot.resolve().parent == folder.resolve().parent


def test_the_query_that_the_run_proposes_works(first_run: tuple[Place, RunResult]) -> None:
    place, result = first_run
    proposed = result.output.split('make query SQL="')[1].split('"\n')[0]
    rows = place.published(proposed)
    assert len(rows) == 10
    assert rows["probability"].is_monotonic_decreasing


def test_every_customer_with_an_order_has_one_row_in_the_promised_columns(shop: Place) -> None:
    rows = shop.published(f"select * from {LATEST}")
    assert list(rows.columns) == promised()["purchase_propensity_latest"]
    assert rows["customer_id"].is_unique
    known = shop.kept(
        "select distinct customer_id from features.feat_customer__orders where as_of_date = '2024-01-01'"
    )
    may_be_profiled = rows["ineligible_reason"].isna()
    assert set(rows.loc[may_be_profiled, "customer_id"]) == set(known["customer_id"])
    assert set(rows.loc[~may_be_profiled, "ineligible_reason"]) == {"no_consent"}
    assert rows.loc[~may_be_profiled, "probability"].isna().all()
    assert set(rows["status"]) == {"fallback_model"}
    assert set(pd.to_datetime(rows["as_of_date"]).dt.date.astype(str)) == {"2024-01-01"}


def test_everybody_has_a_row_that_says_how_likely_they_leave_or_that_they_are_gone(shop: Place) -> None:
    rows = shop.published("select * from published.churn_latest")
    assert list(rows.columns) == promised()["churn_latest"]
    bought = shop.published(f"select customer_id from {LATEST}")
    assert set(rows["customer_id"]) == set(bought["customer_id"])
    assert rows["customer_id"].is_unique
    assert (rows["probability"].notna() == rows["is_eligible"]).all()
    assert (rows["is_eligible"] == ~rows["is_already_churned"]).all()
    level = shop.published("select * from published.prediction_totals where model_name = 'churn'").iloc[0]
    assert level["n_scored"] == rows["is_eligible"].sum()
    assert rows["probability"].sum() == pytest.approx(level["expected_positives"])


def test_the_probabilities_say_about_as_many_buyers_as_the_level_does(shop: Place) -> None:
    output = shop.published(f"select sum(probability) as total from {LATEST}")["total"].iloc[0]
    level = shop.published(
        "select * from published.prediction_totals where model_name = 'purchase_propensity'"
    ).iloc[0]
    assert output == pytest.approx(level["expected_positives"])
    assert level["expected_positives_lo"] < output < level["expected_positives_hi"]


def test_every_published_table_is_in_the_file_and_in_parquet(shop: Place) -> None:
    tables = sorted(promised())
    with duckdb.connect(str(shop.snapshot), read_only=True) as connection:
        held = [row[0] for row in connection.execute("select table_name from duckdb_tables()").fetchall()]
    assert sorted(held) == tables
    parquet = shop.snapshot.parent / "parquet"
    for table in tables:
        file: Path = parquet / table / f"{table}.parquet"
        in_file = shop.published(f"select count(*) as rows from published.{table}")["rows"].iloc[0]
        copied = duckdb.execute(f"select count(*) from '{file}'").fetchone()
        assert copied == (in_file,), table
    assert not list(shop.snapshot.parent.rglob("*.unfinished"))


def test_every_check_that_was_expected_has_a_row_that_says_how_it_ended(shop: Place) -> None:
    rows = shop.published("select asset, check_name, status, severity, reason from published.checks")
    by_name = {(row.asset, row.check_name): row.status for row in rows.itertuples()}
    assert len(by_name) == len(rows) > 70
    for asset, check in (
        ("raw/order_lines", "every_row_is_accounted_for"),
        ("features/feat_customer__orders", "nothing_known_after_as_of"),
        ("ml/purchase_propensity__scores", "scores_match_contract"),
        ("published/purchase_propensity", "keys_are_unique"),
        ("published/purchase_propensity_latest", "keys_are_unique"),
    ):
        assert by_name[(asset, check)] == "passed"
    # The published tables' own checks ran before the file was written, so nothing is silent.
    assert not rows.loc[rows["status"] == "not_run", ["asset", "check_name"]].to_records().tolist()
    failed = rows.loc[rows["status"] == "failed"]
    assert set(failed["check_name"]) == {"candidate_passes_the_gate"}
    assert set(failed["severity"]) == {"warning"}


def test_nothing_of_what_was_landed_is_lost(shop: Place) -> None:
    landed = shop.kept("select * from raw.load_log")
    assert (
        landed["rows_in"] == landed["rows_loaded"] + landed["rows_rejected"] + landed["rows_left_out"]
    ).all()
    loaded = landed.groupby("table_name")["rows_loaded"].sum()
    for table, rows in loaded.items():
        assert shop.kept(f"select count(*) as rows from raw.{table}")["rows"].iloc[0] == rows
    rejects = shop.kept("select reason, raw_text, source_line from raw.rejects")
    assert len(rejects) == landed["rows_rejected"].sum() > 0
    assert (rejects["reason"].str.len() > 10).all()


def test_everything_generated_lies_below_the_var_folder(shop: Place) -> None:
    assert {child.name for child in shop.var_dir.iterdir()} == {"keys", "sample_shop"}
    assert not (PROJECT / "dbt_project" / "target").exists()
    assert not (PROJECT / "dbt_project" / "logs").exists()


def test_another_run_on_the_same_exports_publishes_the_same_numbers(shop: Place, tmp_path: Path) -> None:
    again = Place(var_dir=tmp_path)
    result = again.run()
    assert result.code == 0, result.output
    for table, columns in promised().items():
        # Which run wrote a row, and when, is all that may differ; a check may state when it ran.
        compared = [name for name in columns if name not in WRITTEN and (table, name) != ("checks", "reason")]
        sql = f"select {', '.join(compared)} from published.{table} order by all"
        pd.testing.assert_frame_equal(again.published(sql), shop.published(sql), obj=table, check_exact=True)
