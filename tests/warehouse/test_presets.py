"""Each preset loads a small file in the shape of the export: invented data, values by hand."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import pytest
import yaml

from assets.ingest.config.business import BusinessInvalid, business_from
from assets.ingest.config.source.presets import PRESETS
from assets.ingest.config.yaml_file import read_document
from assets.ingest.loading.load import load_sources
from tests.warehouse.test_ugly_files import SETTINGS

ORDERS = "select order_id, customer_id, ordered_at::varchar, sum(quantity * unit_price - discount_amount) "
ORDERS += "from raw.order_lines group by all order by 1"
SPEND = "select date::varchar, channel, campaign_id, impressions, clicks, cost_amount "
SPEND += "from raw.ad_spend order by all"
SENDS = "select campaign_id, customer_id, sent_at::varchar, opened_at::varchar from raw.sends order by all"
LEADS = "select lead_id, created_at::varchar, origin, won_at::varchar from raw.leads order by all"


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """A made file of a preset, the rows that a query gives, and the number of rows left out or rejected."""

    content: str
    query: str
    rows: Sequence[tuple[object, ...]]
    left_out: int = 0
    rejected: int = 0
    name: str = "export.csv"
    keys: Mapping[str, object] = field(default_factory=dict)
    beside: Mapping[str, str] = field(default_factory=dict)


def lines(*rows: str) -> str:
    return "\n".join((*rows, ""))


EXPORTS = {
    # 2 * 10 + 1 * 30 - 5 = 45; one order was cancelled, one paid at the test gateway.
    "shopify_orders": Export(
        content=lines(
            "Name,Email,Financial Status,Currency,Discount Amount,Created at,Lineitem quantity,Lineitem name,"
            "Lineitem price,Lineitem sku,Cancelled at,Refunded Amount,Payment Method",
            "#1001,Ann@example.org,paid,EUR,5.00,2023-03-01 09:15:00 +0100,2,Tea,10.00,TEA,,0.00,Card",
            "#1001,Ann@example.org,,,,2023-03-01 09:15:00 +0100,1,Cup,30.00,,,,",
            "#1002,b@example.org,voided,EUR,0.00,2023-03-02 09:15:00 +0100,1,Pot,20.00,POT,"
            "2023-03-03 09:15:00 +0100,0.00,Card",
            "#1002,b@example.org,,,,2023-03-02 09:15:00 +0100,1,Tea,10.00,TEA,,,",
            "#1003,c@example.org,paid,EUR,0.00,2023-03-02 09:15:00 +0100,1,Pot,20.00,POT,,0.00,Bogus (test)",
        ),
        query=ORDERS, rows=[("#1001", "ann@example.org", "2023-03-01 08:15:00", 45.0)], left_out=3,
    ),
    # 18 of two pieces and 30: the totals of lines are after discounts.
    "woocommerce_orders": Export(
        name="export.json",
        content=json.dumps([
            {"id": 501, "status": "completed", "currency": "EUR", "date_created_gmt": "2023-03-01T08:15:00",
             "customer_id": 7, "billing": {"email": "Ann@example.org", "country": "DE"}, "line_items": [
                 {"product_id": 11, "sku": "TEA", "name": "Tea", "quantity": 2, "total": "18.00"},
                 {"product_id": 12, "sku": "", "name": "Cup", "quantity": 1, "total": "30.00"}]},
            {"id": 502, "status": "cancelled", "currency": "EUR", "date_created_gmt": "2023-03-01T08:15:00",
             "customer_id": 0, "billing": {"email": ""}, "line_items": [
                 {"product_id": 11, "sku": "TEA", "name": "Tea", "quantity": 2, "total": "18.00"}]},
            {"id": 503, "status": "processing", "currency": "EUR", "date_created_gmt": "2023-03-02T08:15:00",
             "customer_id": 0, "billing": {"email": ""}, "line_items": [
                 {"product_id": 11, "sku": "TEA", "name": "Tea", "quantity": 1, "total": "10.00"}]},
        ]),
        query=ORDERS,
        rows=[
            ("501", "ann@example.org", "2023-03-01 08:15:00", 48.0),
            ("503", None, "2023-03-02 08:15:00", 10.0),
        ],
        left_out=1,
    ),
    # 2 * 25 - 5 = 45; the variant of the configurable product is left out, and so is the canceled order.
    "magento_orders": Export(
        name="export.json",
        content=json.dumps([
            {"increment_id": "000000012", "state": "complete", "created_at": "2023-03-01 08:15:00",
             "customer_email": "Ann@example.org", "order_currency_code": "EUR", "items": [
                 {"item_id": 1, "sku": "SHIRT-M", "name": "Shirt", "qty_ordered": 2, "price": 25,
                  "discount_amount": 5},
                 {"item_id": 2, "parent_item_id": 1, "sku": "SHIRT-M", "name": "Shirt M", "qty_ordered": 2,
                  "price": 0, "discount_amount": 0}]},
            {"increment_id": "000000013", "state": "canceled", "created_at": "2023-03-01 08:15:00",
             "customer_email": "b@example.org", "order_currency_code": "EUR", "items": [
                 {"item_id": 3, "sku": "CUP", "name": "Cup", "qty_ordered": 1, "price": 9}]},
        ]),
        query=ORDERS, rows=[("000000012", "ann@example.org", "2023-03-01 08:15:00", 45.0)], left_out=2,
    ),
    # item-price is that of all pieces: 19.80 and 30 = 49.80.
    "amazon_orders": Export(
        name="export.txt",
        content=lines(
            "order-id\torder-item-id\tpurchase-date\tbuyer-email\tsku\tproduct-name\tquantity-purchased\t"
            "currency\titem-price",
            "058-3-1\t1\t2023-03-01T08:15:00+00:00\tx1@marketplace.amazon.co.uk\tTEA\tTea\t2\tEUR\t19.80",
            "058-3-1\t2\t\t\tCUP\tCup\t1\t\t30.00",
        ),
        query=ORDERS,
        rows=[("058-3-1", "x1@marketplace.amazon.co.uk", "2023-03-01 08:15:00", 49.8)],
    ),
    # 1677658500 is 2023-03-01 08:15 in UTC; a test charge and a failed one are left out.
    "stripe_charges": Export(
        name="export.jsonl",
        content=lines(*(
            json.dumps({"id": number, "amount": 4590, "amount_refunded": 0, "currency": "eur",
                        "created": 1677658500, "customer": "cus_1", "livemode": live, "status": status})
            for number, live, status in (
                ("ch_1", True, "succeeded"), ("ch_2", False, "succeeded"), ("ch_3", True, "failed"))
        )),
        query=ORDERS, rows=[("ch_1", "cus_1", "2023-03-01 08:15:00", 45.9)], left_out=2,
    ),
    "ga4_events": Export(
        name="export.jsonl",
        content=lines(*(
            json.dumps({
                "event_date": "20230301", "event_timestamp": "1677658500123456", "event_name": name,
                "event_params": [{"key": "page_location", "value": {"string_value": "https://example.org"}}],
                "user_id": user, "user_pseudo_id": "123.456", "device": {"category": "mobile"},
                "geo": {"country": "Germany"}, "traffic_source": {"source": "google", "medium": "cpc"},
                "items": items})
            for name, user, items in (
                ("view_item", "C1", [{"item_id": "TEA", "price": 9.9}]), ("session_start", None, []))
        )),
        query="select visitor_id, occurred_at::varchar, event_type, customer_id, product_id, utm_source, "
        "country "
        "from raw.events",
        rows=[
            ("123.456", "2023-03-01 08:15:00.123456", "product_view", "C1", "TEA", "google", "Germany")
        ],
        left_out=1,
    ),
    "google_ads": Export(
        content=lines(
            "Campaign report", '"March 1, 2023 - March 2, 2023"',
            "Day,Campaign,Campaign ID,Currency code,Clicks,Impr.,Cost",
            '2023-03-01,Spring,11,EUR,"1,000","20,000","1,234.50"', "2023-03-02,Spring,11,EUR, --,0, --",
            'Total: Account, --, --,EUR,"1,000","20,000","1,234.50"',
        ),
        query=SPEND,
        rows=[
            ("2023-03-01", "google", "11", 20000.0, 1000.0, 1234.5),
            ("2023-03-02", "google", "11", 0.0, None, None),
        ],
        rejected=1,
    ),
    "google_ads_api": Export(
        content=lines(
            "segments.date,campaign.id,metrics.impressions,metrics.clicks,metrics.cost_micros",
            "2023-03-01,11,20000,1000,1234500000",
        ),
        query=SPEND, rows=[("2023-03-01", "google", "11", 20000.0, 1000.0, 1234.5)],
    ),
    "meta_ads": Export(
        content=lines(
            "Campaign name,Campaign ID,Day,Impressions,Link clicks,Amount spent (EUR),Reporting starts,"
            "Reporting ends",
            ",,,3000,30,12.50,2023-03-01,2023-03-02",
            "Spring,77,2023-03-01,3000,30,12.50,2023-03-01,2023-03-02",
        ),
        query=SPEND, rows=[("2023-03-01", "meta", "77", 3000.0, 30.0, 12.5)], left_out=1,
    ),
    "mailchimp_sends": Export(
        name="export.jsonl",
        content=lines(
            json.dumps({"email_id": "e1", "email_address": "Ann@example.org", "status": "sent",
                        "last_open": "2023-03-01T09:00:00+00:00", "campaign_id": "42694e9e57"}),
            json.dumps({"email_id": "e2", "email_address": "b@example.org", "status": "sent", "open_count": 0,
                        "last_open": "", "campaign_id": "42694e9e57"}),
            json.dumps({"email_id": "e3", "email_address": "c@example.org", "status": "hard", "open_count": 0,
                        "last_open": "", "campaign_id": "42694e9e57"}),
        ),
        keys={"join": {"files": "{data_dir}/campaigns.jsonl"}},
        beside={
            "campaigns.jsonl": json.dumps({"id": "42694e9e57", "send_time": "2023-03-01T08:15:00+00:00"})
        },
        query=SENDS,
        rows=[
            ("42694e9e57", "ann@example.org", "2023-03-01 08:15:00", "2023-03-01 09:00:00"),
            ("42694e9e57", "b@example.org", "2023-03-01 08:15:00", None),
        ],
        left_out=1,
    ),
    "klaviyo_sends": Export(
        name="export.jsonl",
        content=lines(json.dumps({
            "type": "event", "id": "4vRpBT",
            "attributes": {"timestamp": 1677658500, "datetime": "2023-03-01 08:15:00+00:00",
                           "event_properties": {"Campaign Name": "Spring", "$message": "01H1"}},
            "relationships": {"profile": {"data": {"type": "profile", "id": "01GD"}}}})),
        query=SENDS, rows=[("01H1", "01GD", "2023-03-01 08:15:00", None)],
    ),
    "hubspot_leads": Export(
        content=lines(
            "Record ID,First Name,Create Date,Original Source,Lifecycle Stage,Became a Customer Date",
            "101,Ann,2023-03-01 09:15,Organic Search,Customer,2023-03-20 10:00",
            "102,Bob,2023-03-02 09:15,Direct Traffic,Lead,",
        ),
        query=LEADS,
        rows=[
            ("101", "2023-03-01 09:15:00", "Organic Search", "2023-03-20 10:00:00"),
            ("102", "2023-03-02 09:15:00", "Direct Traffic", None),
        ],
    ),
    "salesforce_leads": Export(
        content=lines(
            "Id,IsDeleted,LeadSource,Status,CreatedDate,IsConverted,ConvertedDate",
            "00Q1,0,Web,Closed - Converted,2023-03-01T08:15:00.000+0000,1,2023-03-01",
            "00Q2,1,Web,Open,2023-03-02T08:15:00.000+0000,0,",
        ),
        # Converted on the day it was created: the day counts as the moment.
        query=LEADS, rows=[("00Q1", "2023-03-01 08:15:00", "Web", "2023-03-01 08:15:00")], left_out=1,
    ),
}  # fmt: skip


def shop(folder: Path, preset: str, **keys: object) -> Path:
    document = {
        "title": "Shop", "clock": "wall", "currency": "EUR", "time_zone": "UTC",
        "first_as_of_day": "2023-01-02",
        "sources": [{"name": "export", "preset": preset, "files": "{data_dir}/export*", **keys}],
    }  # fmt: skip
    file = folder / "shop.yaml"
    file.write_text(yaml.safe_dump(document))
    return file


def test_every_preset_has_a_made_file() -> None:
    assert set(EXPORTS) == {path.stem for path in PRESETS.glob("*.yaml")}


@pytest.mark.parametrize("preset", EXPORTS)
def test_a_preset_loads_the_export_that_it_is_named_after(tmp_path: Path, preset: str) -> None:
    export = EXPORTS[preset]
    for name, content in {export.name: export.content, **export.beside}.items():
        (tmp_path / name).write_text(content)
    file = shop(tmp_path, preset, **export.keys)
    business = business_from(
        read_document(file), file=file, data_dir=tmp_path, landing_dir=tmp_path / "landing"
    )
    with duckdb.connect(config=SETTINGS) as connection:
        (record,) = load_sources(connection, business)
        rejects = connection.execute("select source_line, reason from raw.rejects").fetchall()
        assert connection.execute(export.query).fetchall() == list(export.rows), rejects
    assert (record.rows_left_out, record.rows_rejected) == (export.left_out, export.rejected), rejects


def test_a_source_overrides_its_preset_key_by_key(tmp_path: Path) -> None:
    columns = {"channel": "'facebook'", "clicks": None}
    document = read_document(shop(tmp_path, "meta_ads", columns=columns, where=None))
    sources = document["sources"]
    assert isinstance(sources, list)
    (source,) = sources
    assert "where" not in source
    assert source["columns"] == {
        "date": '"Day"', "channel": "'facebook'", "campaign_id": '"Campaign ID"',
        "impressions": '"Impressions"',
        "cost_amount": '"Amount spent (EUR)"',
    }  # fmt: skip


def test_an_unknown_preset_is_refused_with_the_nearest_one(tmp_path: Path) -> None:
    with pytest.raises(
        BusinessInvalid, match=r"preset 'shopify' is not one of .*did you mean 'shopify_orders'"
    ):
        read_document(shop(tmp_path, "shopify"))
