"""Orders come out of a real PostgreSQL once, whole, in their newest version."""

import signal
from datetime import datetime
from pathlib import Path

import duckdb
import pytest

from assets.ingest.config.business import BusinessInvalid
from assets.ingest.pulling import database
from assets.ingest.pulling.cursor import SourceUnreachable
from tests.sources.servers import PASSWORD, SETTINGS, Death, Postgres, Shop

COLUMNS = {
    "order_id": "order_number",
    "customer_id": "customer",
    "ordered_at": "ordered",
    "product_id": "sku",
    "quantity": "qty",
    "unit_price": "price",
    "is_service": "is_service",
}
TABLE = """create table orders (
    id bigint primary key, order_number text, customer text, ordered timestamptz, sku text,
    qty int, price numeric(12, 2), is_service boolean, weight numeric, took interval, extra jsonb,
    updated_at timestamptz
)"""


def order(row: int, number: str, *, at: str, price: float = 2.5, customer: str = "'anna'") -> str:
    """An insert; ``at`` is the time of day on 1 March 2024 at which it was last changed."""
    return (
        f"insert into orders values ({row}, '{number}', {customer}, '2024-03-01 08:00+01', 'mug', 1, "
        f"{price}, false, 0.12345678901234567, '1 day', '{{}}', '2024-03-01 {at}+00')"
    )


@pytest.fixture
def shop(postgres: Postgres, tmp_path: Path) -> Shop:
    postgres.execute("drop table if exists orders cascade", TABLE)
    database = {
        "url_from": "SHOP_DATABASE_URL",
        "schema": "public",
        "table": "orders",
        "cursor": "updated_at",
        "primary_key": "id",
        "overlap": 0,
    }
    source = {"name": "orders_db", "table": "order_lines", "database": database, "columns": COLUMNS}
    return Shop(folder=tmp_path, source=source, secrets={"SHOP_DATABASE_URL": postgres.url})


def changed(shop: Shop, **changes: object) -> Shop:
    """``shop`` with another ``database``."""
    database = shop.source["database"]
    assert isinstance(database, dict)
    source = {**shop.source, "database": {**database, **changes}}
    return Shop(folder=shop.folder, source=source, secrets=shop.secrets)


def test_the_first_pull_brings_everything_and_the_next_what_is_newer(postgres: Postgres, shop: Shop) -> None:
    postgres.execute(order(1, "A", at="10:00"), order(2, "B", at="11:00"))
    first = shop.pull()
    assert (first.files, first.rows) == (("000001.parquet",), 2)
    assert shop.pull().files == ()
    postgres.execute(
        order(3, "C", at="12:00"),
        "update orders set price = 9.99, updated_at = '2024-03-01 12:30+00' where id = 1",
    )
    second = shop.pull()
    assert (second.files, second.rows) == (("000002.parquet",), 2)
    assert shop.load_sources("order_id, unit_price, source_file") == [
        ("A", 9.99, "orders_db/000002.parquet"),
        ("B", 2.5, "orders_db/000001.parquet"),
        ("C", 2.5, "orders_db/000002.parquet"),
    ]


def test_types_survive(postgres: Postgres, shop: Shop) -> None:
    postgres.execute(
        order(1, "naïve ☕ 日本", at="10:00:00.123456", price=1234567890.12),
        "insert into orders (id, order_number, ordered, sku, qty, price, is_service, updated_at) values "
        "(2, 'B', '2024-07-01 08:00+00', 'mug', -1, 0.10, true, '2024-03-01 11:00+00')",
    )
    (file,) = shop.pull().files
    with duckdb.connect(config=SETTINGS) as connection:
        rows = f"read_parquet('{shop.folder}/landing/orders_db/{file}')"
        types = {name: kind for name, kind, *_ in connection.execute(f"describe from {rows}").fetchall()}
        odd = connection.execute(f"select weight, took, extra, updated_at::varchar from {rows}").fetchall()
    assert types["price"] == "DECIMAL(12,2)"
    assert (types["ordered"], types["is_service"], types["qty"]) == (
        "TIMESTAMP WITH TIME ZONE",
        "BOOLEAN",
        "BIGINT",
    )
    assert odd[0] == (0.12345678901234567, "1 day", "{}", "2024-03-01 10:00:00.123456+00")
    assert odd[1] == (None, None, None, "2024-03-01 11:00:00+00")
    # 08:00 at +01:00 is 07:00 UTC, whatever the business's time zone.
    assert shop.load_sources("order_id, customer_id, ordered_at, quantity, unit_price, is_service") == [
        ("B", None, datetime.fromisoformat("2024-07-01T08:00"), -1, 0.1, True),
        ("naïve ☕ 日本", "anna", datetime.fromisoformat("2024-03-01T07:00"), 1, 1234567890.12, False),
    ]


def test_a_changed_line_brings_the_other_lines_of_its_order_along(postgres: Postgres, shop: Shop) -> None:
    # Landing takes an order whole from its newest file: alone, line 2 would replace lines 1 and 3.
    postgres.execute(*(order(line, "A", at="10:00") for line in (1, 2, 3)), order(4, "B", at="10:00"))
    shop.pull()
    postgres.execute("update orders set price = 5, updated_at = '2024-03-01 11:00+00' where id = 2")
    assert shop.pull().rows == 3
    postgres.execute("update orders set price = 6, updated_at = '2024-03-01 12:00+00' where id = 3")
    assert shop.pull().rows == 3
    assert shop.load_sources("order_id, unit_price") == [("A", 2.5), ("A", 5), ("A", 6), ("B", 2.5)]


def test_rows_that_share_the_newest_cursor_are_not_lost(postgres: Postgres, shop: Shop) -> None:
    postgres.execute(order(1, "A", at="10:00"), order(2, "B", at="10:00"))
    shop.pull()
    # One more row and one more change at the very moment that was pulled already, and a line of an old order.
    postgres.execute(
        order(3, "C", at="10:00"), order(4, "A", at="10:00"), "update orders set price = 7 where id = 2"
    )
    assert shop.pull().rows == 4
    assert shop.pull().files == ()
    assert shop.load_sources("order_id, unit_price") == [("A", 2.5), ("A", 2.5), ("B", 7), ("C", 2.5)]


def test_a_row_that_was_committed_late_is_caught_by_the_overlap(postgres: Postgres, shop: Shop) -> None:
    postgres.execute(order(1, "A", at="10:00"))
    changed(shop, overlap=300).pull()
    # Written at 9:56, when its transaction began; not there yet when the row of 10:00 was pulled.
    postgres.execute(order(2, "B", at="09:56"), order(3, "too late", at="09:54"))
    assert changed(shop, overlap=300).pull().rows == 1
    assert shop.load_sources("order_id") == [("A",), ("B",)]


def test_rows_without_a_cursor_come_once(postgres: Postgres, shop: Shop) -> None:
    postgres.execute(
        order(1, "A", at="10:00"),
        order(2, "B", at="10:00"),
        "update orders set updated_at = null where id = 2",
    )
    assert shop.pull().rows == 2
    assert shop.pull().files == ()


def test_a_table_that_changed_its_columns_goes_on(postgres: Postgres, shop: Shop) -> None:
    postgres.execute(order(1, "A", at="10:00"))
    shop.pull()
    postgres.execute(
        "alter table orders alter column price type numeric(14, 4), alter column qty type text, "
        "add column note text, drop column extra",
        "insert into orders (id, order_number, ordered, sku, qty, price, is_service, updated_at, note) "
        "values (2, 'B', '2024-03-01 08:00+00', 'mug', '3', 0.1234, false, '2024-03-01 11:00+00', 'new')",
    )
    shop.pull()
    assert shop.load_sources("order_id, quantity, unit_price") == [("A", 1, 2.5), ("B", 3, 0.1234)]


def test_rows_that_come_in_portions_are_one_file(
    postgres: Postgres, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "ROWS_AT_ONCE", 2)
    # Three portions; in the first two, columns are empty that are filled in the last.
    empty = "update orders set customer = null, weight = null, price = null, is_service = null"
    postgres.execute(
        *(order(row, f"{row}", at="10:00") for row in range(4)), empty, order(4, "E", at="11:00")
    )
    pulled = shop.pull()
    assert (len(pulled.files), pulled.rows) == (1, 5)


@pytest.mark.parametrize("dies", ["before its file is written", "after its file was written"])
def test_a_pull_that_is_killed_while_it_delivers_is_completed_by_the_next(
    postgres: Postgres, shop: Shop, dies: Death
) -> None:
    postgres.execute(order(1, "A", at="10:00"))
    shop.pull()
    postgres.execute(order(2, "B", at="11:00"))
    process = shop.pulling(dies=dies)
    process.join(60)
    assert process.exitcode == -signal.SIGKILL
    # The cursor has passed B already, so only the load on its way can bring it.
    postgres.execute("delete from orders where id = 2", order(3, "C", at="12:00"))
    shop.pull()
    assert shop.load_sources("order_id") == [("A",), ("B",), ("C",)]
    assert shop.pull().files == ()


def test_deleted_exports_are_pulled_from_the_beginning(postgres: Postgres, shop: Shop) -> None:
    postgres.execute(order(1, "A", at="10:00"))
    shop.pull()
    for file in (shop.folder / "landing" / "orders_db").iterdir():
        file.unlink()
    assert shop.pull().rows == 1


def test_a_lost_cursor_repeats_nothing(postgres: Postgres, shop: Shop) -> None:
    postgres.execute(order(1, "A", at="10:00"))
    shop.pull()
    shop.state_dir.rename(shop.folder / "lost")
    assert shop.pull().files == ()


def test_another_cursor_starts_from_the_beginning(postgres: Postgres, shop: Shop) -> None:
    postgres.execute(order(1, "A", at="10:00"), order(2, "B", at="11:00"))
    shop.pull()
    postgres.execute("update orders set price = 3 where id = 1")
    assert changed(shop, cursor="id").pull().rows == 1


def refusal(shop: Shop) -> str:
    with pytest.raises(BusinessInvalid) as refused:
        shop.pull()
    message = str(refused.value)
    assert message.startswith("own_shop.yaml: source orders_db: ")
    assert "\n" not in message
    return message


def test_a_wrong_password_is_refused_without_showing_it(postgres: Postgres, shop: Shop) -> None:
    url = postgres.url.replace(PASSWORD, "wr0ng-password")
    wrong = Shop(folder=shop.folder, source=shop.source, secrets={"SHOP_DATABASE_URL": url})
    message = refusal(wrong)
    assert 'password authentication failed for user "shop"' in message
    assert "wr0ng" not in message
    assert not wrong.holds("wr0ng-password")


def test_no_password_is_kept(postgres: Postgres, shop: Shop) -> None:
    postgres.execute(order(1, "A", at="10:00"))
    shop.pull()
    assert list(shop.state_dir.iterdir())
    assert not shop.holds(PASSWORD)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"table": "ordres"}, ["there is no table ordres"]),
        ({"cursor": "changed_at"}, ["has no column changed_at", "updated_at"]),
        ({"cursor": "order_number"}, ["cursor order_number is TEXT"]),
        (
            {"primary_key": "order_number"},
            ["primary_key order_number does not identify a row", "2 rows"],
        ),
    ],
)
def test_a_mistake_in_the_declaration_is_refused(
    postgres: Postgres, shop: Shop, changes: dict[str, str], words: list[str]
) -> None:
    postgres.execute(order(1, "A", at="10:00"), order(2, "A", at="10:00"))
    message = refusal(changed(shop, **changes))
    assert all(word in message for word in words), message


def test_a_primary_key_put_right_brings_what_was_refused(postgres: Postgres, shop: Shop) -> None:
    postgres.execute(order(1, "A", at="10:00"), order(2, "A", at="10:00"))
    refusal(changed(shop, primary_key="order_number"))
    assert shop.pull().rows == 2


def test_a_database_that_is_down_may_be_up_later(shop: Shop) -> None:
    away = Shop(
        folder=shop.folder,
        source=shop.source,
        secrets={"SHOP_DATABASE_URL": f"postgresql://shop:{PASSWORD}@127.0.0.1:1/postgres"},
    )
    with pytest.raises(
        SourceUnreachable, match="source orders_db: the database cannot be read now"
    ) as raised:
        away.pull()
    assert PASSWORD not in str(raised.value)
