"""Every time type of Arrow, in every unit and zone, is read as the instant or local time that it holds."""

from datetime import UTC, date, datetime
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from assets.ingest.config.business import business_from
from assets.ingest.loading.load import load_sources

INSTANT = datetime(2023, 5, 1, 22, 30, tzinfo=UTC)
# Half past ten in the evening of Berlin is 20:30 in UTC.
LOCAL = datetime(2023, 5, 1, 22, 30)  # noqa: DTZ001
UNITS = ("s", "ms", "us", "ns")


def load(folder: Path, times: pa.Array) -> tuple[list[tuple[object, ...]], list[tuple[object, ...]]]:
    """Load ``times`` as moments of leads and as days of spend; return both columns, rejects included."""
    count = range(len(times))
    pq.write_table(pa.table({"id": [str(each) for each in count], "at": times}), folder / "times.parquet")
    sources = [
        {"name": "leads", "table": "leads", "columns": {"lead_id": "id", "created_at": '"at"'}},
        {"name": "ads", "table": "ad_spend", "columns": {"date": '"at"', "channel": "id"}},
    ]
    document = {
        "title": "Shop", "clock": "wall", "currency": "EUR", "time_zone": "Europe/Berlin",
        "first_as_of_day": "2023-01-02",
        "sources": [{**source, "files": "{data_dir}/times.parquet"} for source in sources],
    }  # fmt: skip
    business = business_from(document, file=Path("shop.yaml"), data_dir=folder, landing_dir=folder)
    with duckdb.connect(config={"temp_directory": ""}) as connection:
        load_sources(connection, business)
        assert connection.execute("select reason from raw.rejects").fetchall() == []
        return (
            connection.execute("select created_at from raw.leads").fetchall(),
            connection.execute("select date from raw.ad_spend").fetchall(),
        )


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "America/New_York", "+05:30"])
def test_a_time_with_a_zone_is_an_instant(tmp_path: Path, unit: str, zone: str) -> None:
    times = pa.array([INSTANT], pa.timestamp(unit, zone))
    # The day is that of Berlin, where it is half past midnight.
    assert load(tmp_path, times) == ([(INSTANT.replace(tzinfo=None),)], [(date(2023, 5, 2),)])


@pytest.mark.parametrize("unit", UNITS)
def test_a_time_without_a_zone_is_local(tmp_path: Path, unit: str) -> None:
    times = pa.array([LOCAL], pa.timestamp(unit))
    assert load(tmp_path, times) == ([(datetime(2023, 5, 1, 20, 30),)], [(date(2023, 5, 1),)])  # noqa: DTZ001


@pytest.mark.parametrize("kind", [pa.date32(), pa.date64()])
def test_a_date_is_the_local_midnight(tmp_path: Path, kind: pa.DataType) -> None:
    times = pa.array([LOCAL.date()], kind)
    assert load(tmp_path, times) == ([(datetime(2023, 4, 30, 22),)], [(date(2023, 5, 1),)])  # noqa: DTZ001


@pytest.mark.parametrize(
    "times",
    [pa.array([3600], pa.time32("s")), pa.array([3600], pa.time64("ns")), pa.array([1], pa.duration("ns"))],
)
def test_a_time_of_day_or_a_duration_is_rejected(tmp_path: Path, times: pa.Array) -> None:
    with pytest.raises(AssertionError, match="is not a date"):
        load(tmp_path, times)
