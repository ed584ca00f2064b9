"""README and ``docs/`` name everything that a consumer or a newcomer can meet, and their examples work."""

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml
from dagster._core.definitions.repository_definition import RepositoryDefinition

from assets.activation.audience import NAME as AUDIENCE
from assets.calendar import as_of_on_or_before
from assets.ingest.config.business import BusinessConfig, business_from
from assets.ingest.config.clock import known_today
from assets.ingest.config.contracts import CONTRACTS
from assets.ingest.config.simulation import FaultInjection
from assets.ingest.config.source.presets import PRESETS, with_presets
from assets.ingest.config.yaml_file import read_document
from assets.ingest.loading.load import load_sources
from assets.lifecycle.report.grade import DO_NOT_USE, GRADES
from orchestration.cli import check_data
from orchestration.definitions import today_of
from orchestration.settings import Settings
from tests.assets import faults
from tests.warehouse import ugly

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
README = ROOT / "README.md"
LONGEST_README = 150
PAGES = (README, *sorted(DOCS.rglob("*.md")))

FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
TEST = re.compile(r"`(tests/[\w./]+\.py)::(test_\w+)`")
FILE = re.compile(r"(assets|benchmarks|checks|dbt_project|orchestration|tests)(/[\w.-]+)+/?")


def require(missing: Iterable[str]) -> None:
    """Fail with every name in ``missing``: pytest would show the first few."""
    names = sorted(missing)
    assert not names, ", ".join(names)


def read(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def prose(page: Path) -> str:
    """A page without its code blocks."""
    return FENCE.sub("", read(page))


@pytest.fixture(scope="module")
def docs() -> str:
    """Every page, one after the other."""
    return "\n".join(map(read, PAGES))


@pytest.fixture(scope="module")
def quoted() -> set[str]:
    """All text in backticks, outside the changelog, which keeps old names."""
    pages = [page for page in PAGES if page.name != "CHANGELOG.md"]
    return {text for page in pages for text in re.findall(r"`([^`\n]+)`", prose(page))}


def section(text: str, heading: str) -> str:
    """The text below ``heading``, up to the next heading of any depth."""
    assert f"{heading}\n" in text, heading
    return re.split(r"^#+ ", text.partition(f"{heading}\n")[2], maxsplit=1, flags=re.MULTILINE)[0]


def cells(text: str) -> set[str]:
    """The first cell of every table row without its backticks: the subject of the row."""
    return {cell.strip(" `") for cell in re.findall(r"^\| ([^|]+) \|", text, flags=re.MULTILINE)}


def blocks(page: Path, *languages: str) -> Iterator[str]:
    """The content of every fenced block in one of ``languages``."""
    for language, content in FENCE.findall(read(page)):
        if language in languages:
            yield content


def published_models() -> Iterator[dict[str, Any]]:
    for file in sorted((ROOT / "dbt_project" / "models" / "published").glob("*.yml")):
        yield from yaml.safe_load(read(file)).get("models", [])


def published_tables() -> set[str]:
    return {model["name"] for model in published_models()}


def capabilities(shop: RepositoryDefinition) -> set[str]:
    """The groups whose tables in ``ml`` carry the group's name: ``churn`` has ``ml.churn__scores``."""
    graph = shop.asset_graph
    groups = {key: graph.get(key).group_name for key in graph.get_all_asset_keys()}
    return {
        group for key, group in groups.items() if key.path[0] == "ml" and key.path[1].startswith(f"{group}__")
    }


def checks(shop: RepositoryDefinition) -> set[str]:
    """The name of every check, with ``<problem>`` in place of the capability in its name."""
    names = {key.name for key in shop.asset_graph.asset_check_keys}
    for capability in capabilities(shop):
        names = {name.replace(f"_of_{capability}_", "_of_<problem>_") for name in names}
    return names


def settings() -> set[str]:
    return {name.upper() for name in Settings.model_fields}


def makefile() -> str:
    return read(ROOT / "Makefile")


def targets() -> set[str]:
    (phony,) = re.findall(r"^\.PHONY: (.+)$", makefile(), re.MULTILINE)
    return set(phony.split())


def slug(heading: str) -> str:
    """The anchor that GitHub gives a heading."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def anchors(page: Path) -> set[str]:
    return {slug(heading) for heading in HEADING.findall(prose(page))}


def is_business(document: Mapping[str, Any]) -> bool:
    """Whether a YAML example declares a business, or sources of one; others are of dbt."""
    return "title" in document or any("columns" in source for source in document.get("sources", []))


def businesses(page: Path) -> Iterator[Mapping[str, Any]]:
    """The examples of a page, with sources alone made a business."""
    rest = yaml.safe_load(read(ROOT / "config" / "online_retail.yaml"))
    for block in blocks(page, "yaml"):
        document = yaml.safe_load(block)
        if is_business(document):
            yield document if "title" in document else {**rest, **document}


def business(document: Mapping[str, Any], *, data_dir: Path) -> BusinessConfig:
    file = Path("config/my_shop.yaml")
    filled = with_presets(document, file=file, read=read_document)
    return business_from(filled, file=file, data_dir=data_dir, landing_dir=data_dir / "landing")


def test_every_test_that_a_page_names_is_there() -> None:
    named = {found for page in PAGES for found in TEST.findall(read(page))}
    assert len(named) > 20
    require(f"{file}::{name}" for file, name in named if f"def {name}(" not in read(ROOT / file))


def test_the_readme_is_short() -> None:
    assert len(read(README).splitlines()) <= LONGEST_README


def test_every_published_table_has_a_row() -> None:
    assert len(published_tables()) >= 9
    require(published_tables() - cells(section(read(README), "## Published tables")))


def test_every_published_column_is_with_its_table() -> None:
    page = read(DOCS / "published-tables.md")
    # The columns of the newest rows are with the history, where there is one.
    histories = {name: name.removesuffix("_latest") for name in published_tables()}
    places = {name: history if history in histories else name for name, history in histories.items()}
    missing = [
        f"{model['name']}.{column['name']}"
        for model in published_models()
        for column in model["columns"]
        if f"`{column['name']}`" not in section(page, f"### `{places[model['name']]}`")
    ]
    require(missing)


def test_every_check_is_named(shop: RepositoryDefinition, quoted: set[str]) -> None:
    named = {
        name.replace(f"_of_{each}_", "_of_<problem>_")
        for name in quoted
        for each in (*capabilities(shop), "<capability>")
    }
    assert len(checks(shop)) >= 23
    require(checks(shop) - named - quoted)


def test_every_capability_has_a_row(shop: RepositoryDefinition) -> None:
    assert len(capabilities(shop)) >= 4
    require(capabilities(shop) - cells(section(read(README), "## Capabilities")))


def test_every_job_schedule_and_sensor_has_a_row(shop: RepositoryDefinition) -> None:
    rows = cells(read(DOCS / "operations.md"))
    named = {each.name for each in shop.get_all_jobs()}
    named |= {each.name for each in shop.schedule_defs} | {each.name for each in shop.sensor_defs}
    assert len(named) >= 13
    require({name for name in named if not name.startswith("__")} - rows)


def test_every_setting_has_a_row() -> None:
    assert settings() >= {"BUSINESS", "VAR_DIR", "DATA_DIR", "SIZE"}
    require((settings() | {"PORT"}) - cells(section(read(DOCS / "operations.md"), "## Settings")))


def test_every_key_of_a_business_has_a_row() -> None:
    page = read(DOCS / "your-data.md")
    require(set(BusinessConfig.written_keys()) - cells(section(page, "## Keys of a business")))


def test_every_preset_has_a_row() -> None:
    presets = {path.stem for path in PRESETS.glob("*.yaml")}
    require(presets - cells(section(read(DOCS / "your-data.md"), "## Presets")))


def test_every_make_target_is_explained() -> None:
    rows = cells(section(read(DOCS / "operations.md"), "## Commands"))
    explained = {cell.split()[1] for cell in rows if cell.startswith("make ")}
    assert len(targets()) >= 10
    require(targets() - explained)


def test_every_grade_has_a_row_with_its_bounds(docs: str) -> None:
    bounds = [f"| {each.name} | {each.auc:.2f} | {each.skill:.2f} |" for each in GRADES]
    assert len(bounds) == 4
    require(row for row in (*bounds, f"| {DO_NOT_USE.name} |") if row not in docs)


def test_every_audience_is_named() -> None:
    assert f"`{AUDIENCE}`" in read(DOCS / "activation.md")


def test_every_raw_column_is_with_its_table() -> None:
    table = section(read(DOCS / "your-data.md"), "## Raw tables")
    rows = {row.split("`")[1]: row for row in table.splitlines() if row.startswith("| `")}
    require(
        f"{name}.{column.name}"
        for name, contract in CONTRACTS.items()
        for column in contract.columns
        if f"`{column.name}`" not in rows[name]
    )


def test_every_kind_of_bad_input_is_listed_with_its_outcome() -> None:
    assert ugly.table() in read(DOCS / "your-data.md")


def test_every_fault_of_the_sample_shop_is_explained(docs: str) -> None:
    require(FaultInjection.model_fields.keys() - cells(docs))


def test_every_injected_fault_is_listed_with_the_check_that_detects_it(docs: str) -> None:
    assert faults.table() in docs


def test_what_enforces_a_duty_is_there(shop: RepositoryDefinition) -> None:
    page = section(read(DOCS / "privacy.md"), "## Duties")
    rows = re.findall(r"^\| (?:GDPR|ISO|NIST).+\| (.+) \|$", page, flags=re.MULTILINE)
    named = {name for row in rows for name in re.findall(r"`([^`]+)`", row)}
    known = {
        *(f"make {target}" for target in targets()),
        *checks(shop),
        *published_tables(),
        *(sensor.name for sensor in shop.sensor_defs),
        *("pii", "vault: yes"),
    }
    assert len(rows) >= 20
    require({name for name in named if not (ROOT / name).exists()} - known)


def test_every_link_leads_somewhere() -> None:
    dead = []
    for page in PAGES:
        for target in LINK.findall(prose(page)):
            if target.startswith(("http://", "https://")):
                continue
            path, _, anchor = target.partition("#")
            linked = (page.parent / path).resolve() if path else page
            if not linked.exists() or (anchor and anchor not in anchors(linked)):
                dead.append(f"{page.relative_to(ROOT)}: {target}")
    require(dead)


def test_every_file_that_is_named_is_there() -> None:
    # The changelog names what was; the walk-through and its example name files that the reader creates.
    exempt = ("CHANGELOG.md", "adding-a-capability.md", "example-capability.md")
    pages = [page for page in PAGES if page.name not in exempt]
    require(
        f"{page.relative_to(ROOT)}: {name}"
        for page in pages
        for name in re.findall(r"`([^`\n]+)`", prose(page))
        if FILE.fullmatch(name) and not any((ROOT / f"{name}{suffix}").exists() for suffix in ("", ".py"))
    )


def test_every_page_can_be_reached_from_the_readme() -> None:
    reached, waiting = set[Path](), [README]
    while waiting:
        page = waiting.pop()
        reached.add(page)
        linked = [(page.parent / target.partition("#")[0]).resolve() for target in LINK.findall(prose(page))]
        waiting += [each for each in linked if each.suffix == ".md" and each.exists() and each not in reached]
    require(str(page.relative_to(ROOT)) for page in PAGES if page not in reached)


def test_every_make_command_in_an_example_is_one_of_the_makefile() -> None:
    variables = (
        set(re.findall(r"[A-Z_]+", makefile().partition("VALUES :=")[2].partition("$")[0])) | settings()
    )
    examples = [
        line.partition(" #")[0].strip()
        for page in PAGES
        for block in blocks(page, "console", "bash")
        for line in block.splitlines()
        if line.startswith("make ")
    ]
    assert len(examples) >= 10
    for example in examples:
        assert example.split()[1] in targets(), example
        assert set(re.findall(r"\b([A-Z_]+)=", example)) <= variables, example


@pytest.mark.parametrize(
    "page", [page for page in PAGES if any(businesses(page))], ids=lambda page: page.name
)
def test_every_business_in_an_example_is_valid(page: Path, tmp_path: Path) -> None:
    for document in businesses(page):
        business(document, data_dir=tmp_path)


def test_the_first_business_loads_as_its_page_says(tmp_path: Path) -> None:
    page = DOCS / "your-data.md"
    (delivered,) = blocks(page, "csv")
    (tmp_path / "orders_2023.csv").write_text(delivered, encoding="utf-8")
    shop = business(next(businesses(page)), data_dir=tmp_path)
    with duckdb.connect(config={"temp_directory": ""}) as connection:
        (loaded,) = load_sources(connection, shop)
        (rejects,) = connection.sql("select source_line, reason from raw.rejects").fetchall()
        (newest,) = connection.sql("select max(known_at) from raw.order_lines").fetchall()
    summary = f"`{loaded.rows_in} rows in, {loaded.rows_loaded} loaded, {loaded.rows_rejected} rejected`"
    as_of = as_of_on_or_before(today_of(shop))
    assert summary in read(page)
    assert f"line {rejects[0]} is rejected with `{rejects[1]}`" in read(page)
    assert f"as of Monday {as_of}" in read(page)
    assert as_of <= known_today(shop, newest[0], wall_today=as_of.today)


def test_the_first_business_is_checked_with_the_command_of_its_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    page = DOCS / "your-data.md"
    (line,) = [line for line in read(page).splitlines() if line.startswith("make check-data")]
    given = dict(re.findall(r"\b([A-Z_]+)=(\S+)", line))
    (delivered,) = blocks(page, "csv")
    for name, text in (
        ("exports/orders_2023.csv", delivered),
        (given["BUSINESS"], next(blocks(page, "yaml"))),
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    for name, value in {**given, "VAR_DIR": "var"}.items():
        monkeypatch.setenv(name, str(tmp_path / value))
    assert check_data.main() == 0
    printed = capsys.readouterr().out
    (loaded,) = re.findall(r"`(\d+ rows in, \d+ loaded, \d+ rejected)`", read(page))
    assert loaded in printed.replace(" in 1 file", " in")
    for words in re.findall(r"as of\s+Monday (\S+),", read(page)):
        assert f"as-of date {words}\n" in printed


def test_every_query_in_an_example_runs_on_the_published_tables() -> None:
    queries = [
        (page.name, query)
        for page in PAGES
        for block in blocks(page, "console", "bash")
        for query in re.findall(r'SQL="([^"…]+)"', block)
    ]
    assert len(queries) >= 3
    with duckdb.connect(config={"temp_directory": ""}) as connection:
        connection.execute("create schema published")
        for model in published_models():
            columns = ", ".join(f'"{each["name"]}" {each["data_type"]}' for each in model["columns"])
            connection.execute(f"create table published.{model['name']} ({columns})")
        for page, query in queries:
            assert connection.execute(query).fetchall() == [], page
