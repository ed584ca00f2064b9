"""A business is found, or refused in one line that names the file and what to do."""

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from assets.ingest.config.business import BusinessInvalid
from orchestration.settings import PROJECT, Settings

SAMPLE_SHOP = PROJECT / "config" / "sample_shop.yaml"


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("BUSINESS", "VAR_DIR", "DATA_DIR", "SIZE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def written(tmp_path: Path) -> Callable[[str], Path]:
    """Writes a business's YAML and says where."""

    def write(text: str) -> Path:
        file = tmp_path / "own_shop.yaml"
        file.write_text(text, encoding="utf-8")
        return file

    return write


def refusal(file: Path) -> str:
    with pytest.raises(BusinessInvalid) as refused:
        Settings(business=file).load_business()
    message = str(refused.value)
    assert "\n" not in message
    assert message.startswith(str(file))
    return message


def test_a_missing_file_is_refused_with_the_setting_to_change(tmp_path: Path) -> None:
    assert "does not exist; set BUSINESS to a file such as" in refusal(tmp_path / "none.yaml")


def test_a_folder_is_no_business(tmp_path: Path) -> None:
    assert "set BUSINESS" in refusal(tmp_path)


def test_text_that_is_not_yaml_is_refused_with_its_place(written: Callable[[str], Path]) -> None:
    assert "is not YAML: " in (message := refusal(written('title: "Own shop\nclock: data\n')))
    assert "line" in message


@pytest.mark.parametrize("text", ["", "- a\n- b\n", "just words\n"])
def test_yaml_without_keys_is_refused(written: Callable[[str], Path], text: str) -> None:
    assert "has no keys; start from config/sample_shop.yaml" in refusal(written(text))


def test_an_unknown_key_is_refused_with_the_nearest_known_one(written: Callable[[str], Path]) -> None:
    text = SAMPLE_SHOP.read_text(encoding="utf-8").replace(
        "last_day: 2024-12-31\n\n", "lastday: 2024-12-31\n\n"
    )
    message = refusal(written(text))
    assert "unknown key 'lastday'" in message
    assert "did you mean 'last_day'?" in message


def test_a_misspelt_required_key_is_reported_as_misspelt_and_not_as_missing(
    written: Callable[[str], Path],
) -> None:
    text = SAMPLE_SHOP.read_text(encoding="utf-8").replace("currency:", "currancy:")
    assert "unknown key 'currancy'" in refusal(written(text))


def test_bytes_that_are_not_text_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "own_shop.yaml"
    file.write_bytes(b"title: M\xfcller\n")
    assert "UTF-8" in refusal(file)


def test_the_sample_shop_is_the_default_and_as_large_as_its_file_says() -> None:
    business = Settings().load_business()
    assert business.name == "sample_shop"
    assert business.simulation is not None
    assert business.simulation.customers == 20_000


def test_size_tiny_simulates_a_tiny_shop_and_closes_its_year() -> None:
    business = Settings(size="tiny").load_business()
    assert business.simulation is not None
    assert business.simulation.customers == 400
    assert (business.simulation.first_day, business.simulation.last_day) == (
        date(2023, 1, 2),
        date(2023, 12, 31),
    )
    # The last day moves along: otherwise the newest as-of date would lie a year after the newest order.
    assert business.last_day == date(2023, 12, 31)


def test_size_changes_nothing_for_a_business_with_real_exports() -> None:
    file = PROJECT / "config" / "online_retail.yaml"
    assert Settings(business=file, size="tiny").load_business() == Settings(business=file).load_business()


def test_relative_paths_start_at_the_project_wherever_one_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    settings = Settings(business=Path("config/online_retail.yaml"), var_dir=Path("var"))
    assert settings.business_file == PROJECT / "config" / "online_retail.yaml"
    assert settings.warehouse_file == PROJECT / "var" / "online_retail" / "warehouse.duckdb"
    assert settings.load_business().data_dir == (PROJECT / "../shared/data").resolve()


def test_everything_generated_lies_in_the_folder_of_the_business(tmp_path: Path) -> None:
    settings = Settings(var_dir=tmp_path, business=tmp_path / "own_shop.yaml")
    places = (
        settings.warehouse_file,
        settings.landing_dir,
        settings.snapshot_file,
        settings.parquet_dir,
        settings.dbt_target_dir,
    )
    assert all(place.is_relative_to(tmp_path / "own_shop") for place in places)


def test_the_environment_fills_the_settings_and_empty_values_count_as_unset(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The Makefile exports SIZE and DATA_DIR whether or not they were given.
    monkeypatch.setenv("SIZE", "")
    monkeypatch.setenv("DATA_DIR", "")
    monkeypatch.setenv("VAR_DIR", str(tmp_path))
    settings = Settings()
    assert settings.size == "default"
    assert settings.data_dir == Path("../shared/data")
    assert settings.folder == tmp_path / "sample_shop"


@pytest.mark.parametrize(
    ("scheduled", "message"),
    [
        ("[days_since_ordr]", "scheduled names 'days_since_ordr', .* did you mean 'days_since_order'"),
        ("[renewal]", "scheduled names 'renewal', which is no feature; it is one of"),
    ],
)
def test_a_scheduled_column_that_no_question_reads_is_refused(
    tmp_path: Path, scheduled: str, message: str
) -> None:
    file = tmp_path / "own_shop.yaml"
    text = (PROJECT / "config" / "online_retail.yaml").read_text(encoding="utf-8")
    file.write_text(f"{text}\nscheduled: [days_since_order]\n", encoding="utf-8")
    assert Settings(business=file).load_business().scheduled == ("days_since_order",)
    file.write_text(f"{text}\nscheduled: {scheduled}\n", encoding="utf-8")
    with pytest.raises(BusinessInvalid, match=message):
        Settings(business=file).load_business()
