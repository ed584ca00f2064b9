"""``make check-data``: its output, its exit code, and nothing kept."""

from pathlib import Path

import pytest

from orchestration.cli import check_data

YAML = """
title: A shop
clock: data
currency: EUR
time_zone: Europe/Berlin
first_as_of_day: 2023-04-03
last_day: 2023-07-02
sources:
  - name: orders
    table: order_lines
    files: "{data_dir}/orders.csv"
    columns: {order_id: id, customer_id: customer, ordered_at: day, product_id: sku,
      quantity: "1", unit_price: price}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "shop.yaml").write_text(YAML)
    for name, value in (("BUSINESS", "shop.yaml"), ("DATA_DIR", ""), ("VAR_DIR", "var")):
        monkeypatch.setenv(name, str(tmp_path / value))
    return tmp_path


def deliver(folder: Path, *days: str) -> None:
    rows = [f"{number},ann,{day},tea,9.00" for number, day in enumerate(days)]
    (folder / "orders.csv").write_text("\n".join(["id,customer,day,sku,price", *rows]) + "\n")


def test_what_was_delivered_is_printed_and_nothing_is_kept(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    deliver(folder, "2023-06-01", "2023-07-02")
    assert check_data.main() == 0
    text = capsys.readouterr().out
    assert "A shop: what was delivered" in text
    assert "1 customers, 2 orders" in text
    assert "as-of date 2023-07-03\n" in text
    assert list((folder / "var").iterdir()) == []


def test_dates_that_no_row_fits_are_named_with_the_remedy_and_exit_code_2(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    deliver(folder, "01.06.2023", "02.07.2023")
    assert check_data.main() == 2
    text = capsys.readouterr().out
    assert "2 rejected: ordered_at ... is not a date and time" in text
    assert (
        "remedy: map strptime(\"day\", '%d.%m.%Y')" in text or "remedy: map strptime(day, '%d.%m.%Y')" in text
    )
    assert "`make run` would stop: 2 of 2 rows of orders are rejected" in text


def test_a_simulated_shop_has_no_exports_before_its_first_run(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BUSINESS", "config/sample_shop.yaml")
    assert check_data.main() == 2
    assert "simulated by `make run`" in capsys.readouterr().err
    assert not (folder / "var").exists()
