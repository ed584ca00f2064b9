"""What was delivered is counted as by hand, from real files, before anything is trained."""

from collections.abc import Mapping
from datetime import date
from pathlib import Path

import pytest

from assets.ingest.config.business import BusinessConfig, BusinessInvalid, business_from
from assets.monitoring.readiness.delivery import (
    Delivery,
    delivery_lines,
    delivery_of,
    refuse_useless,
    sources_with_too_many_rejects,
)
from orchestration.capabilities import CAPABILITIES
from orchestration.preview import previewed, served_date
from orchestration.settings import Settings

SPECS = [each.spec for each in CAPABILITIES]
HEADER = "order_no,customer,placed_at,sku,qty,price\n"
COLUMNS = {
    "order_id": "order_no",
    "customer_id": "customer",
    "ordered_at": "placed_at",
    "product_id": "sku",
    "quantity": "qty",
    "unit_price": "price",
    "is_service": "sku = 'POST'",
}
# By hand: three orders (1, 2, 4), one by a guest; 2 x 10 + 5 - 10 + 30 = 45.00 without 4.50 of postage.
LINES = """\
1,ann,2023-03-01 09:00,tea,2,10.00
1,ann,2023-03-01 09:00,POST,1,4.50
2,,2023-03-02 09:00,cup,1,5.00
3,ann,2023-03-05 09:00,tea,-1,10.00
4,bob,2023-06-30 09:00,pot,1,30.00
5,bob,30.06.2023,pot,1,30.00
"""


def business(folder: Path, **more: object) -> BusinessConfig:
    source = {"name": "orders", "table": "order_lines", "files": "{data_dir}/*.csv", "columns": COLUMNS}
    document = {
        "title": "Shop",
        "clock": "data",
        "currency": "EUR",
        "time_zone": "Europe/Berlin",
        "first_as_of_day": "2023-04-03",
        "last_day": "2023-12-31",
        "sources": [source],
        **more,
    }
    return business_from(document, file=folder / "shop.yaml", data_dir=folder, landing_dir=folder / "landing")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(business=tmp_path / "shop.yaml", var_dir=tmp_path / "var")


def delivered(
    settings: Settings, files: Mapping[str, str], **more: object
) -> tuple[Delivery, BusinessConfig]:
    folder = settings.business_file.parent
    for name, text in files.items():
        (folder / name).write_text(HEADER + text)
    shop = business(folder, **more)
    with previewed(settings, shop) as warehouse:
        found = delivery_of(warehouse, shop, SPECS, as_of=date(2023, 6, 26))
    return found, shop


def test_rows_orders_and_revenue_are_those_counted_by_hand(settings: Settings) -> None:
    found, shop = delivered(settings, {"a.csv": LINES})
    (source,) = found.sources
    assert (source.rows_in, source.rows_loaded, source.rows_rejected) == (6, 5, 1)
    assert (source.first, source.last) == (date(2023, 3, 1), date(2023, 6, 30))
    orders = found.orders
    assert (orders.customers, orders.orders, orders.guest_orders, orders.revenue) == (2, 3, 1, 45.0)
    text = "\n".join(delivery_lines(found, shop, as_of=date(2023, 6, 26)))
    assert "1 rejected: ordered_at ... is not a date and time" in text
    assert "remedy: map strptime(placed_at, '%d.%m.%Y')" in text
    assert "30.06.2023" not in text
    assert "off purchase_propensity: order_lines: 2 customers, 150 needed" in text
    assert list(settings.generated_dir.iterdir()) == []


def test_order_lines_that_end_long_before_the_as_of_date_are_named(settings: Settings) -> None:
    found, shop = delivered(settings, {"a.csv": LINES})
    late = "2023-07-10: the newest order line is of 2023-06-30, 9 days before it: deliver the missing files"
    assert f"   as-of date {late}" in delivery_lines(found, shop, as_of=date(2023, 7, 10))
    assert not any("before it" in line for line in delivery_lines(found, shop, as_of=date(2023, 7, 3)))


def test_more_rejects_than_allowed_stop_a_run(settings: Settings) -> None:
    found, shop = delivered(settings, {"a.csv": LINES})
    assert shop.largest_reject_share == 0.2
    # One of six is 16.7 %.
    assert sources_with_too_many_rejects(found.sources, largest_share=0.2) == []
    assert sources_with_too_many_rejects(found.sources, largest_share=0.16) == list(found.sources)


def test_rows_that_a_newer_file_delivers_again_are_not_missing(settings: Settings) -> None:
    later = LINES.replace("5,bob,30.06.2023", "5,bob,2023-06-30 10:00")
    found, _ = delivered(settings, {"a.csv": LINES, "b.csv": later})
    (source,) = found.sources
    # The first file's five good lines are replaced by the second's, and its bad one is still bad.
    assert (source.rows_in, source.rows_rejected, source.rows_missing) == (12, 6, 1)
    assert sources_with_too_many_rejects(found.sources, largest_share=0.2) == []


def test_rows_that_the_source_leaves_out_are_neither_loaded_nor_missing(settings: Settings) -> None:
    source = {"name": "orders", "table": "order_lines", "files": "{data_dir}/*.csv", "columns": COLUMNS}
    found, shop = delivered(settings, {"a.csv": LINES}, sources=[{**source, "where": "sku <> 'POST'"}])
    (orders,) = found.sources
    assert (orders.rows_in, orders.rows_loaded, orders.rows_rejected, orders.rows_left_out) == (6, 4, 1, 1)
    assert orders.rows_missing == 1
    line = "6 rows in 1 file, 4 loaded, 1 rejected (16.7%), 1 left out by where, 2023-03-01 to 2023-06-30"
    assert any(line in each for each in delivery_lines(found, shop, as_of=date(2023, 6, 26)))


def test_the_newest_as_of_date_with_facts_is_found_before_a_run(settings: Settings) -> None:
    _, shop = delivered(settings, {"a.csv": LINES})
    served = served_date(settings, shop)
    assert served.as_of == date(2023, 6, 26)
    assert served.reason is not None
    assert "newest order line is of 2023-06-30" in served.reason


def test_a_first_as_of_day_after_the_last_day_is_refused_with_both(settings: Settings) -> None:
    shop = business(settings.business_file.parent, first_as_of_day="2024-01-02")
    with pytest.raises(
        BusinessInvalid, match=r"first_as_of_day 2024-01-02 leaves no as-of date: last_day 2023-12"
    ):
        served_date(settings, shop)


def test_an_unreadable_file_is_left_to_the_run(settings: Settings) -> None:
    shop = business(settings.business_file.parent)
    assert served_date(settings, shop).as_of == date(2024, 1, 1)


@pytest.fixture
def leads() -> dict[str, object]:
    return {
        "name": "leads",
        "table": "leads",
        "files": "{data_dir}/*.csv",
        "columns": {"lead_id": "id", "created_at": "created"},
    }


def test_a_business_that_no_capability_can_use_is_refused_at_its_yaml(
    tmp_path: Path, leads: dict[str, object]
) -> None:
    shop = business(tmp_path, sources=[leads])
    with pytest.raises(
        BusinessInvalid,
        match=r"every capability needs order_lines, and its sources deliver only leads: add a",
    ):
        refuse_useless(shop, SPECS, file=tmp_path / "shop.yaml")
    refuse_useless(business(tmp_path), SPECS, file=tmp_path / "shop.yaml")
