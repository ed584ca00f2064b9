"""The readiness report names the capabilities that are on and off, and missing or unusable columns."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from assets.ingest.config.contracts import CONTRACTS
from assets.monitoring.readiness.profile import ColumnProfile, TableProfile, profiles
from assets.monitoring.readiness.report import usability_rows
from assets.monitoring.readiness.requirements import data_uses
from orchestration.capabilities import CAPABILITIES
from orchestration.resources.warehouse import DuckDBWarehouse
from tests.raw_tables import create_raw_tables

ROOT = Path(__file__).parents[3]
TODAY = date(2024, 12, 30)
ROWS = 5_000
NOT_BUILT = "not built, so no table is published for it"
USES = data_uses([each.spec for each in CAPABILITIES])


def full_table(table: str) -> TableProfile:
    """Two years of 5,000 rows in which every column is filled with 2,000 different values."""
    names = [column.name for column in CONTRACTS[table].columns]
    return TableProfile(
        table=table,
        rows=ROWS,
        columns={name: ColumnProfile(name=name, filled=ROWS, distinct=2_000) for name in names},
        oldest=date(2023, 1, 2) if CONTRACTS[table].happened_at else None,
        newest=date(2024, 12, 29) if CONTRACTS[table].happened_at else None,
        groups={("arm", "treated"): 4_000, ("arm", "control"): 1_000},
    )


def all_full() -> dict[str, TableProfile]:
    return {table: full_table(table) for table in CONTRACTS}


def empty_table(table: str) -> TableProfile:
    columns = {name: replace(each, filled=0, distinct=0) for name, each in full_table(table).columns.items()}
    return TableProfile(
        table=table, rows=0, columns=columns, groups=dict.fromkeys(full_table(table).groups, 0)
    )


def with_column(table: str, column: str, *, filled: int, distinct: int) -> dict[str, TableProfile]:
    """All tables full, except ``column`` as given."""
    whole = full_table(table)
    changed = ColumnProfile(name=column, filled=filled, distinct=distinct)
    return all_full() | {table: replace(whole, columns={**whole.columns, column: changed})}


def report(found: dict[str, TableProfile], *, today: date = TODAY) -> pd.DataFrame:
    return usability_rows(found, USES, today=today)


def capability(name: str, found: dict[str, TableProfile]) -> tuple[str, str]:
    """State and details of one capability."""
    row = report(found).set_index("name").loc[name]
    return str(row["state"]), str(row["details"])


def column_state(found: dict[str, TableProfile], table: str, column: str) -> str:
    rows = report(found)
    (state,) = rows.loc[(rows["table_name"] == table) & (rows["column_name"] == column), "state"]
    return str(state)


def test_with_all_data_every_use_is_on_or_not_built() -> None:
    rows = report(all_full())
    assert rows.loc[rows["step"] == "capability", "name"].tolist() == [each.name for each in USES]
    assert set(rows.loc[rows["step"] == "capability", "state"]) == {"on", "not_built"}
    assert not rows.duplicated(["name", "step", "table_name", "column_name"]).any()
    columns = sum(len(contract.columns) for contract in CONTRACTS.values())
    assert len(rows) == len(USES) + columns


def test_a_capability_that_is_on_states_its_use() -> None:
    assert capability("purchase_propensity", all_full()) == (
        "on",
        "requirements met; published as purchase_propensity",
    )
    assert capability("uplift", all_full()) == (
        "not_built",
        "not built, so no table is published for it; requirements met",
    )


def test_only_registered_capabilities_are_reported_as_published() -> None:
    registered = {each.spec.name for each in CAPABILITIES}
    rows = report(all_full())
    published = rows.loc[rows["details"].str.contains("published as"), ["name", "state"]]
    assert set(published["name"]) == registered
    assert set(published["state"]) == {"on"}
    tables = {file.stem for file in (ROOT / "dbt_project" / "models" / "published").glob("*.sql")}
    assert registered <= tables
    # Nothing that is published is said to be unbuilt.
    assert not tables & set(rows.loc[rows["state"] == "not_built", "name"])


def test_a_registered_capability_replaces_its_entry_among_those_not_built() -> None:
    spec = replace(CAPABILITIES[0].spec, name="uplift")
    (found,) = [each for each in data_uses([spec]) if each.name == "uplift"]
    assert found.requires == spec.requires
    assert found.becomes == "published as purchase_propensity"


def test_measured_campaigns_are_reported_as_published() -> None:
    assert capability("campaign_results", all_full()) == (
        "on",
        "requirements met; campaigns with a control arm are measured in experiment_lift",
    )


def test_consent_is_reported_as_used() -> None:
    assert capability("consent", all_full()) == (
        "on",
        "requirements met; decides who is scored and who may be contacted",
    )


def test_a_capability_without_requirements_is_refused() -> None:
    with pytest.raises(ValueError, match="churn declares no requirement on the landed data"):
        replace(CAPABILITIES[1].spec, requires=())


def test_requirements_name_landed_columns() -> None:
    for use in USES:
        for each in use.requires:
            named = {*each.columns, *each.any_of, *each.filled, *each.different}
            assert named <= {column.name for column in CONTRACTS[each.table].columns}, use.name
        for name in use.improved_by:
            table, _, column = name.partition(".")
            assert not column or column in {each.name for each in CONTRACTS[table].columns}, use.name


def test_optional_data_is_named_and_not_required() -> None:
    state, details = capability("purchase_propensity", all_full() | {"events": empty_table("events")})
    assert state == "on"
    assert details.endswith("; would also use events")


def test_orders_alone_are_enough_for_some_capabilities() -> None:
    found = {table: empty_table(table) for table in CONTRACTS} | {"order_lines": full_table("order_lines")}
    rows = report(found)
    on = set(rows.loc[rows["state"] == "on", "name"])
    assert on == {"purchase_propensity", "churn", "lifetime_value", "segments"}
    assert capability("sales_forecast", found)[1].endswith(
        "requirements met; would also use products.category, ad_spend"
    )
    assert capability("browsing_features", found) == (
        "off",
        "events: no rows landed: add a source with table: events",
    )


def test_a_table_without_rows_has_one_row() -> None:
    rows = report(all_full() | {"events": empty_table("events")})
    (row,) = rows[rows["name"] == "raw.events"].to_dict("records")
    assert (row["state"], row["details"]) == ("missing", "no rows landed: add a source with table: events")
    assert pd.isna(row["column_name"])


def test_an_empty_column_is_named() -> None:
    found = with_column("order_lines", "customer_id", filled=0, distinct=0)
    assert capability("sales_forecast", found)[1].endswith("; requirements met")
    state, details = capability("churn", found)
    assert state == "off"
    assert details == "order_lines.customer_id: never filled: map it in the business's YAML"


def test_one_of_several_columns_is_enough() -> None:
    labels = with_column("reviews", "label", filled=0, distinct=0)
    assert capability("sentiment", labels)[1].startswith(f"{NOT_BUILT}; requirements met")
    neither = replace(
        labels["reviews"],
        columns={**labels["reviews"].columns, "rating": ColumnProfile(name="rating", filled=0, distinct=0)},
    )
    state, details = capability("sentiment", labels | {"reviews": neither})
    assert state == "not_built"
    assert details == f"{NOT_BUILT}; reviews: none of label, rating is ever filled: map one of them"


def test_uplift_needs_a_control_group() -> None:
    sends = replace(full_table("sends"), groups={("arm", "treated"): ROWS, ("arm", "control"): 0})
    state, details = capability("uplift", all_full() | {"sends": sends})
    assert state == "not_built"
    assert details.startswith(
        f"{NOT_BUILT}; sends.arm: 0 of 5,000 rows are 'control', 1,000 needed: without a control group"
    )


def test_too_short_a_history_is_counted() -> None:
    young = replace(full_table("order_lines"), oldest=date(2024, 11, 22))
    # 22 November to 29 December: 9 + 29 days.
    state, details = capability("sales_forecast", all_full() | {"order_lines": young})
    assert (state, details) == ("not_built", f"{NOT_BUILT}; order_lines: 38 days, 365 needed")


def test_too_few_customers_and_conversions_are_counted() -> None:
    few = with_column("order_lines", "customer_id", filled=ROWS, distinct=111)
    state, details = capability("purchase_propensity", few)
    assert (state, details) == ("off", "order_lines: 111 customers, 150 needed")
    some = with_column("order_lines", "customer_id", filled=ROWS, distinct=311)
    assert capability("purchase_propensity", some)[0] != "off"
    assert capability("lifetime_value", some) == ("off", "order_lines: 311 customers, 500 needed")
    unwon = with_column("leads", "won_at", filled=45, distinct=45)
    assert capability("lead_scoring", unwon)[1] == f"{NOT_BUILT}; leads.won_at: 45 rows filled, 120 needed"
    one = with_column("sends", "variant", filled=ROWS, distinct=1)
    assert capability("content_choice", one)[1] == f"{NOT_BUILT}; sends.variant: 1 different values, 2 needed"


def test_old_rows_alone_are_stale() -> None:
    old = replace(full_table("events"), newest=date(2024, 10, 30))
    found = all_full() | {"events": old}
    # 30 October is 61 days before 30 December; on the 29th it was 60, which is allowed.
    assert column_state(found, "events", "occurred_at") == "stale"
    assert column_state(found, "events", "event_type") == "usable"
    _, details = capability("attribution", found)
    assert "events: newest row 2024-10-30, 61 days before 2024-12-30" in details
    rows = report(found, today=date(2024, 12, 29))
    assert "stale" not in set(rows["state"])


def test_answers_to_consent_do_not_grow_old() -> None:
    old = replace(full_table("consents"), newest=date(2023, 6, 1))
    assert capability("consent", all_full() | {"consents": old})[0] == "on"


@pytest.mark.parametrize(
    ("table", "column", "filled", "distinct", "state"),
    [
        ("order_lines", "country", 0, 0, "missing"),
        ("order_lines", "currency", ROWS, 1, "constant"),
        # 5 % of 5,000 is 250.
        ("order_lines", "channel", 249, 3, "sparse"),
        ("order_lines", "channel", 250, 3, "usable"),
        # 90 % of 5,000 is 4,500.
        ("customers", "postcode", ROWS, 4_501, "almost_unique"),
        ("customers", "postcode", ROWS, 4_500, "usable"),
        # Ids, keys, times, amounts and free text may differ in every row.
        ("order_lines", "order_id", ROWS, ROWS, "usable"),
        ("events", "customer_id", ROWS, ROWS, "usable"),
        ("customers", "signed_up_at", ROWS, ROWS, "usable"),
        ("products", "unit_cost", ROWS, ROWS, "usable"),
        ("reviews", "text", ROWS, ROWS, "usable"),
        # Few values are often all different, and an empty click means that there was none.
        ("order_lines", "channel", 49, 49, "sparse"),
        ("sends", "clicked_at", 40, 40, "usable"),
    ],
)
def test_a_column_has_the_state_of_its_defect(
    table: str, column: str, filled: int, distinct: int, state: str
) -> None:
    assert column_state(with_column(table, column, filled=filled, distinct=distinct), table, column) == state


def test_profiles_are_counted_in_the_warehouse(tmp_path: Path) -> None:
    warehouse = DuckDBWarehouse(database=str(tmp_path / "warehouse.duckdb"))
    create_raw_tables(warehouse)
    with warehouse.connect() as connection:
        connection.execute(
            "insert into raw.sends (campaign_id, customer_id, sent_at, arm) values "
            "('spring', 'ann', '2024-03-01 08:00:00', 'treated'), "
            "('spring', 'bob', '2024-03-04 23:00:00', 'treated'), "
            "('spring', 'cat', '2024-03-04 23:00:00', 'control')"
        )
    found = profiles(warehouse, USES)
    assert found.keys() == CONTRACTS.keys()
    sends = found["sends"]
    assert (sends.rows, sends.oldest, sends.newest, sends.days) == (3, date(2024, 3, 1), date(2024, 3, 4), 4)
    assert sends.columns["customer_id"] == ColumnProfile(name="customer_id", filled=3, distinct=3)
    assert sends.columns["campaign_id"].distinct == 1
    assert sends.columns["opened_at"].filled == 0
    assert sends.groups == {("arm", "control"): 1, ("arm", "treated"): 2}
    assert (found["events"].rows, found["events"].newest, found["events"].days) == (0, None, 0)
    # No table has rows, no capability is on, and nothing fails.
    assert "on" not in set(report(found)["state"])
    with warehouse.connect() as connection:
        connection.execute(
            "insert into raw.order_lines (customer_id) select 'c' || number from range(3000) as t(number)"
        )
        connection.execute("update raw.order_lines set order_id = customer_id, product_id = customer_id")
    # An approximate count of so many is off by some.
    columns = profiles(warehouse, USES)["order_lines"].columns
    assert [columns[name].distinct for name in ("customer_id", "order_id", "product_id")] == [3_000] * 3


def test_exact_counts_are_not_called_approximate() -> None:
    rows = report(all_full())
    details = rows.loc[rows["table_name"] == "order_lines"].set_index("column_name")["details"]
    assert details["order_id"] == "5,000 of 5,000 rows filled, 2,000 different values"
    assert details["channel"] == "5,000 of 5,000 rows filled, about 2,000 different values"
