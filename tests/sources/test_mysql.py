"""Orders come out of a real MariaDB, as out of MySQL, once, whole, in their newest version."""

from pathlib import Path

import pytest

from assets.ingest.config.business import BusinessInvalid
from tests.sources.servers import MySQL, Shop

TABLE = """create table orders (
    id bigint primary key, order_number varchar(20), customer varchar(20), ordered datetime, sku varchar(20),
    qty int, price decimal(12, 2), is_service tinyint(1), extra json, weight double, kind enum('a', 'b'),
    updated_at datetime(6)
)"""
COLUMNS = {
    "order_id": "order_number", "customer_id": "customer", "ordered_at": "ordered", "product_id": "sku",
    "quantity": "qty", "unit_price": "price", "is_service": "is_service = 1",
}  # fmt: skip


def order(row: int, number: str, *, at: str, price: str = "2.50") -> str:
    return (
        f"insert into orders values ({row}, '{number}', 'Zoë ☕', '2024-03-01 08:00', 'mug', 1, {price}, 0, "
        f"'{{}}', 0.5, 'a', '2024-03-01 {at}')"
    )


@pytest.fixture
def shop(mysql: MySQL, tmp_path: Path) -> Shop:
    mysql.execute("drop table if exists orders", TABLE)
    database = {
        "url_from": "SHOP_URL",
        "table": "orders",
        "cursor": "updated_at",
        "primary_key": "id",
        "overlap": 0,
    }
    source = {"name": "orders_db", "table": "order_lines", "database": database, "columns": COLUMNS}
    return Shop(folder=tmp_path, source=source, secrets={"SHOP_URL": mysql.url})


def test_new_and_changed_rows_are_pulled_with_their_types(mysql: MySQL, shop: Shop) -> None:
    mysql.execute(order(1, "A", at="10:00"), order(2, "B", at="11:00", price="1234567890.12"))
    assert shop.pull().rows == 2
    assert shop.pull().files == ()
    mysql.execute("update orders set price = 9.99, updated_at = '2024-03-01 12:30' where id = 1")
    assert shop.pull().rows == 1
    # A time without a zone is local, in Berlin one hour ahead of UTC.
    assert shop.load_sources("order_id, customer_id, ordered_at::varchar, unit_price, is_service") == [
        ("A", "Zoë ☕", "2024-03-01 07:00:00", 9.99, False),
        ("B", "Zoë ☕", "2024-03-01 07:00:00", 1234567890.12, False),
    ]


@pytest.mark.parametrize(
    ("change", "words"),
    [(("shop:", "shop:wrong"), "the database refuses"), (("/shop", "/shops"), "the database refuses")],
)
def test_a_refused_login_is_no_passing_fault(shop: Shop, change: tuple[str, str], words: str) -> None:
    url = shop.secrets["SHOP_URL"].replace(*change)
    with pytest.raises(BusinessInvalid, match=words) as refused:
        Shop(folder=shop.folder, source=shop.source, secrets={"SHOP_URL": url}).pull()
    assert "s3cr3t" not in str(refused.value)
