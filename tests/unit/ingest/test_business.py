"""A business's YAML is right, or one line says what to put right."""

import inspect
from collections.abc import Mapping
from pathlib import Path

import pytest

from assets.ingest.config.business import BusinessConfig, BusinessInvalid, business_from
from assets.ingest.parsing.file_format import format_of
from assets.ingest.parsing.files import PACKAGE, SourceFile, Unreadable, fingerprint, resolved_files

FILE = Path("config/gift_shop.yaml")
COLUMNS = {
    "order_id": '"Invoice"',
    "customer_id": '"Customer ID"',
    "ordered_at": '"InvoiceDate"',
    "product_id": '"StockCode"',
    "quantity": '"Quantity"',
    "unit_price": '"Price"',
}
SOURCE = {"name": "orders", "table": "order_lines", "files": "{data_dir}/orders*.csv", "columns": COLUMNS}
DOCUMENT = {
    "title": "Gift shop",
    "clock": "data",
    "last_day": "2011-12-09",
    "currency": "GBP",
    "time_zone": "Europe/London",
    "first_as_of_day": "2023-01-02",
    "sources": [SOURCE],
}


def business(document: Mapping[str, object], folder: Path = Path("/exports")) -> BusinessConfig:
    return business_from(document, file=FILE, data_dir=folder, landing_dir=folder / "landing")


def with_source(**changes: object) -> dict[str, object]:
    return {**DOCUMENT, "sources": [{**SOURCE, **changes}]}


def test_a_business_is_named_after_its_file() -> None:
    assert business(DOCUMENT).name == "gift_shop"


def test_the_holdout_is_five_percent_by_default() -> None:
    assert business(DOCUMENT).holdout.share == 0.05
    configured = business({**DOCUMENT, "holdout": {"share": 0.2, "salt": "spring-2027"}})
    assert (configured.holdout.share, configured.holdout.salt) == (0.2, "spring-2027")


def test_consent_is_recorded_where_it_is_delivered() -> None:
    answers = {"customer_id": "a", "purpose": "b", "is_granted": "c", "recorded_at": "d"}
    consents = {"name": "answers", "table": "consents", "files": "{data_dir}/answers.csv", "columns": answers}
    assert not business(DOCUMENT).records_consent
    assert business({**DOCUMENT, "sources": [SOURCE, consents]}).records_consent


def test_yaml_constants_in_a_mapping_are_sql_constants() -> None:
    mapped = business(with_source(columns={**COLUMNS, "is_service": False, "discount_amount": 0}))
    assert mapped.sources[0].columns["is_service"] == "false"
    assert mapped.sources[0].columns["discount_amount"] == "0"


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({**DOCUMENT, "tite": "x"}, ["unknown key 'tite'", "did you mean 'title'"]),
        ({**DOCUMENT, "holdout": {"share": 0.6}}, ["holdout.share", "0.6 is not a number of at most 0.5"]),
        ({**DOCUMENT, "holdout": {"salt": "it's '; drop"}}, ["holdout.salt", "is not 8 to 64 letters"]),
        ({**DOCUMENT, "holdout": {"shar": 0.1}}, ["unknown key 'holdout.shar'", "did you mean 'share'"]),
        (with_source(colums={}), ["unknown key 'sources.0.colums'", "did you mean 'columns'"]),
        (
            with_source(columns={**COLUMNS, "unitprice": "1"}),
            ["columns.unitprice", "did you mean 'unit_price'"],
        ),
        (with_source(table="order_line"), ["'order_line'", "did you mean 'order_lines'"]),
        (
            with_source(columns={name: sql for name, sql in COLUMNS.items() if name != "unit_price"}),
            ["columns must map unit_price"],
        ),
        ({**DOCUMENT, "time_zone": "Europe/Londn"}, ["'Europe/Londn' is not a time zone"]),
        ({**DOCUMENT, "clock": "moon"}, ["clock", "'moon' is not one of 'wall', 'data'"]),
        ({name: value for name, value in DOCUMENT.items() if name != "currency"}, ["'currency' is missing"]),
        ({**DOCUMENT, "sources": [SOURCE, SOURCE]}, ["two sources are called orders"]),
        ({**DOCUMENT, "customer_ids": "tokens"}, ["customer_ids: tokens needs vault: yes"]),
        (
            {**DOCUMENT, "customer_ids": "token"},
            ["customer_ids", "'token' is not one of 'as_delivered', 'tokens'"],
        ),
        ({**DOCUMENT, "data_dir": "/exports"}, ["'data_dir' is not written here"]),
        (
            {**DOCUMENT, "simulation": {"customers": 1, "first_day": "2023-01-02", "last_day": "2023-01-01"}},
            ["simulation", "is not after first_day"],
        ),
    ],
)
def test_a_mistake_is_one_line_that_names_file_key_and_remedy(
    document: Mapping[str, object], words: list[str]
) -> None:
    with pytest.raises(BusinessInvalid) as refused:
        business(document)
    message = str(refused.value)
    assert message.startswith(str(FILE))
    assert "\n" not in message
    assert all(word in message for word in words), message


def test_a_glob_without_files_says_what_to_set_and_where_to_get_them(tmp_path: Path) -> None:
    asked = business(with_source(remedy="Get them from https://example.com."), tmp_path)
    with pytest.raises(BusinessInvalid) as refused:
        resolved_files(asked, asked.sources[0])
    message = str(refused.value)
    for word in (
        "gift_shop.yaml",
        "orders",
        str(tmp_path / "orders*.csv"),
        "DATA_DIR",
        "https://example.com",
    ):
        assert word in message
    assert "\n" not in message


def test_files_come_in_the_order_of_their_globs_and_then_of_their_names(tmp_path: Path) -> None:
    folder = tmp_path / "odd [name]*"
    folder.mkdir()
    for name in ("b.csv", "a.csv", "late.csv"):
        (folder / name).touch()
    asked = business(with_source(files=["{data_dir}/late.csv", "{data_dir}/*.csv"]), folder)
    assert [file.name for file in resolved_files(asked, asked.sources[0])] == ["late.csv", "a.csv", "b.csv"]


def test_a_fingerprint_follows_bytes_and_mapping_but_not_the_folder(tmp_path: Path) -> None:
    prints = []
    for folder, text, changes in (
        ("here", "x", {}),
        ("there", "x", {}),
        ("here", "y", {}),
        ("here", "x", {"sources": [{**SOURCE, "columns": {**COLUMNS, "channel": "'web'"}}]}),
        ("here", "x", {"vault": True, "customer_ids": "tokens"}),
    ):
        (tmp_path / folder).mkdir(exist_ok=True)
        (tmp_path / folder / "orders.csv").write_text(text)
        asked = business({**DOCUMENT, **changes}, tmp_path / folder)
        prints.append(fingerprint(asked, resolved_files(asked, asked.sources[0])[0]))
    same, moved, *changed = prints
    assert same == moved
    assert len({same, *changed}) == 4


def test_a_fingerprint_follows_the_code_of_every_sub_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "orders.csv").write_text("x")
    asked = business(DOCUMENT, tmp_path)
    (file,) = resolved_files(asked, asked.sources[0])
    prints = []
    for package, code in (
        ("first", {"files.py": "1", "parsing/csv.py": "2"}),
        ("equal", {"files.py": "1", "parsing/csv.py": "2"}),
        ("changed", {"files.py": "1", "parsing/csv.py": "3"}),
        ("deeper", {"files.py": "1", "parsing/csv.py": "2", "parsing/sql/types.py": "4"}),
        ("moved", {"files.py": "1", "loading/csv.py": "2"}),
    ):
        for name, text in code.items():
            (tmp_path / package / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / package / name).write_text(text)
        monkeypatch.setattr("assets.ingest.parsing.files.PACKAGE", tmp_path / package)
        prints.append(fingerprint(asked, file))
    first, equal, *others = prints
    assert first == equal
    assert len({first, *others}) == 4


def test_the_fingerprint_covers_the_module_that_makes_it() -> None:
    assert Path(inspect.getfile(fingerprint)).is_relative_to(PACKAGE)


def file_called(name: str) -> SourceFile:
    return SourceFile(source=business(DOCUMENT).sources[0], path=Path(name), name=name, folder=Path())


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.csv", "csv"),
        ("a.csv.gz", "csv"),
        ("a.parquet", "parquet"),
        ("a.ndjson.zst", "jsonl"),
        ("a.JSON", "json"),
    ],
)
def test_a_format_is_read_off_the_suffix(name: str, expected: str) -> None:
    assert format_of(file_called(name)) == expected


def test_an_unknown_suffix_asks_for_the_format() -> None:
    with pytest.raises(Unreadable, match="set format"):
        format_of(file_called("orders.dat"))


DATABASE = {"url_from": "SHOP_DATABASE_URL", "table": "orders", "cursor": "updated_at", "primary_key": "id"}
REST = {
    "url": "https://api.example.com/v1/",
    "path": "orders",
    "records": "items",
    "cursor": "updated_at",
    "paging": "next_link",
    "primary_key": ["id", "line"],
}


def pulled(**changes: object) -> dict[str, object]:
    source = {name: value for name, value in SOURCE.items() if name != "files"}
    return {**DOCUMENT, "sources": [{**source, **changes}]}


@pytest.mark.parametrize(
    ("origin", "suffix"), [({"database": DATABASE}, "parquet"), ({"rest": REST}, "jsonl")]
)
def test_what_is_pulled_is_found_as_files_of_the_source_s_own_folder(
    origin: dict[str, object], suffix: str
) -> None:
    source = business(pulled(**origin)).sources[0]
    assert source.files == (f"{{landing_dir}}/orders/*.{suffix}",)
    assert source.pull is not None
    assert business(DOCUMENT).sources[0].pull is None


def test_files_of_a_source_that_is_no_longer_pulled_may_be_named() -> None:
    source = business(with_source(files="{landing_dir}/orders/*.jsonl")).sources[0]
    assert source.pull is None


@pytest.mark.parametrize(
    ("document", "words"),
    [
        (pulled(), ["sources.0", "exactly one of files, database and rest"]),
        (pulled(database=DATABASE, rest=REST), ["exactly one of files, database and rest"]),
        (with_source(database=DATABASE), ["exactly one of files, database and rest"]),
        (with_source(files=[]), ["exactly one of files, database and rest"]),
        (
            pulled(database={**DATABASE, "shema": "public"}),
            ["unknown key 'sources.0.database.shema'", "did you mean 'schema'"],
        ),
        (
            pulled(rest={**REST, "cursor_parm": "since"}),
            ["unknown key 'sources.0.rest.cursor_parm'", "did you mean 'cursor_param'"],
        ),
        (
            pulled(database={name: value for name, value in DATABASE.items() if name != "url_from"}),
            ["'sources.0.database.url_from' is missing"],
        ),
        (
            pulled(database={name: value for name, value in DATABASE.items() if name != "primary_key"}),
            ["primary_key is missing", "one order has many rows"],
        ),
        (pulled(rest={**REST, "paging": "pages"}), ["sources.0.rest.paging", "'next_link'"]),
        (pulled(rest={**REST, "url": "api.example.com"}), ["write an address such as https://"]),
    ],
)
def test_a_mistake_about_where_rows_are_pulled_from_is_one_line(
    document: Mapping[str, object], words: list[str]
) -> None:
    with pytest.raises(BusinessInvalid) as refused:
        business(document)
    message = str(refused.value)
    assert message.startswith(str(FILE))
    assert "\n" not in message
    assert all(word in message for word in words), message


@pytest.mark.parametrize(
    "origin",
    [
        {"database": {**DATABASE, "url_from": "postgresql://shop:hunter2@db/shop"}},
        {"rest": {**REST, "token_from": "hunter2"}},
        {"rest": {**REST, "url": "https://shop:hunter2@api.example.com"}},
        {"rest": {**REST, "url": "https://api.example.com/v1?token=hunter2"}},
    ],
)
def test_a_secret_written_into_the_yaml_is_refused_and_not_repeated(origin: dict[str, object]) -> None:
    with pytest.raises(BusinessInvalid) as refused:
        business(pulled(**origin))
    shown: BaseException | None = refused.value
    while shown is not None:
        assert "hunter2" not in str(shown)
        shown = shown.__cause__
