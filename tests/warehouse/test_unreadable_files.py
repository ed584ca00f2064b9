"""A file or folder that may not be opened is quarantined by name, and the rest is loaded."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from assets.connections import open_duckdb
from assets.ingest.config.business import BusinessConfig, BusinessInvalid, business_from
from assets.ingest.loading.load import LoadRecord, load_sources, quarantined_files
from assets.privacy.redaction.redact_exports import redact_exports
from tests.unprivileged import folder_of_nobody, unprivileged
from tests.warehouse.token_shop import empty_vault

COLUMNS = {
    "order_id": "no", "customer_id": "who", "ordered_at": "'2024-01-01'", "product_id": "'tea'",
    "quantity": "1", "unit_price": "1",
}  # fmt: skip


@pytest.fixture
def landing() -> Iterator[Path]:
    """Two folders of one file each, and a file above them."""
    with folder_of_nobody() as folder:
        for name in ("a.csv", "old/b.csv", "old/older/c.csv"):
            file = folder / name
            file.parent.mkdir(exist_ok=True)
            file.write_text(f"no,who\n{file.stem},C1\n")
        yield folder


def business(landing: Path, *files: str) -> BusinessConfig:
    document = {
        "title": "Shop",
        "clock": "wall",
        "currency": "EUR",
        "time_zone": "UTC",
        "first_as_of_day": "2023-01-02",
        "sources": [{"name": "orders", "table": "order_lines", "files": [*files], "columns": COLUMNS}],
    }
    return business_from(document, file=Path("shop.yaml"), data_dir=landing, landing_dir=landing)


def load(landing: Path, *files: str) -> tuple[list[LoadRecord], list[str]]:
    with unprivileged(landing), open_duckdb(spill=landing / "spill") as connection:
        records = load_sources(connection, business(landing, *files))
        loaded = connection.execute("select order_id from raw.order_lines order by 1").fetchall()
    return records, [order for (order,) in loaded]


def test_a_file_without_permission_is_quarantined_and_loaded_once_it_has_it(landing: Path) -> None:
    (landing / "a.csv").chmod(0)
    records, loaded = load(landing, "{landing_dir}/**/*.csv")
    assert quarantined_files(records) == [
        "a.csv (orders): it cannot be opened (Permission denied): let this account read it, or deliver again"
    ]
    assert loaded == ["b", "c"]
    (landing / "a.csv").chmod(0o600)
    again, loaded = load(landing, "{landing_dir}/**/*.csv")
    assert (quarantined_files(again), loaded) == ([], ["a", "b", "c"])
    assert again[0].file_fingerprint != records[0].file_fingerprint


@pytest.mark.parametrize("pattern", ["{landing_dir}/**/*.csv", "{landing_dir}/old/*/*.csv"])
def test_a_folder_that_may_not_be_listed_is_quarantined(landing: Path, pattern: str) -> None:
    (landing / "old" / "older").chmod(0)
    records, loaded = load(landing, "{landing_dir}/a.csv", pattern)
    assert quarantined_files(records) == [
        "old/older (orders): it is a folder that this account may not list: chmod u+rx it, or move it"
    ]
    assert loaded[0] == "a"
    assert "c" not in loaded


def test_a_closed_folder_that_no_glob_looks_into_is_nobodys_concern(landing: Path) -> None:
    (landing / "old" / "older").chmod(0)
    records, loaded = load(landing, "{landing_dir}/*.csv", "{landing_dir}/old/b.csv")
    assert (quarantined_files(records), loaded) == ([], ["a", "b"])


def test_a_source_of_which_nothing_can_be_opened_names_the_reason(landing: Path) -> None:
    (landing / "a.csv").chmod(0)
    with pytest.raises(
        BusinessInvalid, match=r"a\.csv: source orders: it cannot be opened \(Permission denied\)"
    ):
        load(landing, "{landing_dir}/a.csv")


def test_redaction_leaves_an_unreadable_file_to_quarantine(landing: Path) -> None:
    vault = empty_vault(landing)
    vault.mark_erased({"customer_id": ["C9"]})
    (landing / "a.csv").chmod(0)
    with unprivileged(landing):
        assert redact_exports(business(landing, "{landing_dir}/**/*.csv"), vault).unreadable == ("a.csv",)


def test_a_file_that_goes_between_listing_and_reading_is_quarantined(
    landing: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Path.is_file

    def is_file(path: Path) -> bool:
        found = real(path)
        if path.name == "a.csv":
            path.unlink(missing_ok=True)
        return found

    monkeypatch.setattr(Path, "is_file", is_file)
    records, loaded = load(landing, "{landing_dir}/**/*.csv")
    assert [each.split(" (No such")[0] for each in quarantined_files(records)] == [
        "a.csv (orders): it cannot be opened"
    ]
    assert loaded == ["b", "c"]
