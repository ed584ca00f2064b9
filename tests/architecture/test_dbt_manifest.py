"""Habits of the dbt project, read from its own manifest."""

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from dagster_dbt.asset_utils import default_asset_key_fn
from dbt.cli.main import dbtRunner, dbtRunnerResult

from assets.ingest.config.contracts import CONTRACTS

PROJECT = Path(__file__).parents[2] / "dbt_project"

# A model reads its own layer or one before it, never one after.
LAYERS = ("staging", "intermediate", "marts", "point_in_time", "features", "labels", "published")
NAMES = {
    "staging": r"stg_[a-z]+__[a-z_]+",
    "intermediate": r"int_[a-z_]+__[a-z_]+",
    "marts": r"(dim|fct)_[a-z_]+",
    "point_in_time": r"pit_[a-z]+__[a-z_]+",
    "features": r"feat_[a-z]+__[a-z_]+",
    "labels": r"lbl_[a-z]+__[a-z_]+_\d+d",
    "published": r"[a-z_]+",
}
LONGEST_MODEL = 80
MOVING = re.compile(r"\b(current_date|current_timestamp|today\(|now\(|random\(|uuid\(|getdate)")
# Anything compared with the as-of date, on either side of the sign or between two values.
AS_OF_INEQUALITY = re.compile(
    r"as_of_(at|date)\s*(<|>|between\b)|(<|>)=?\s*((\w+|\{\{ \w+ \}\})\.)?as_of_(at|date)"
)


@pytest.fixture(scope="session")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("manifest")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WAREHOUSE", str(folder / "warehouse.duckdb"))
        outcome = parse(folder)
    assert outcome.success, outcome.exception
    return outcome.result


def parse(folder: Path) -> dbtRunnerResult:
    places = ("--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT))
    return dbtRunner().invoke(
        ["--log-path", str(folder), "parse", *places, "--target-path", str(folder / "target")]
    )


@pytest.fixture(scope="session")
def models(manifest: Any) -> dict[str, Any]:
    return {key: node for key, node in manifest.nodes.items() if node.resource_type == "model"}


def layer(model: Any) -> str:
    return str(Path(model.original_file_path).parent.name)


def checks_on(manifest: Any, key: str, name: str) -> list[Any]:
    return [
        node
        for node in manifest.nodes.values()
        if node.resource_type == "test" and node.attached_node == key and node.test_metadata.name == name
    ]


def test_dbt_without_a_warehouse_stops(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # A default path would be a database that nobody reads.
    monkeypatch.delenv("WAREHOUSE", raising=False)
    outcome = parse(tmp_path)
    assert not outcome.success
    assert "WAREHOUSE" in str(outcome.exception)


def test_names_say_the_layer(models: dict[str, Any]) -> None:
    misnamed = [node.name for node in models.values() if not re.fullmatch(NAMES[layer(node)], node.name)]
    assert not misnamed


def test_schemas_are_layers(models: dict[str, Any]) -> None:
    astray = [node.name for node in models.values() if node.schema != layer(node)]
    assert not astray


def test_models_read_downwards_only(models: dict[str, Any]) -> None:
    upward = [
        f"{node.name} reads {models[parent].name}"
        for node in models.values()
        for parent in node.depends_on.nodes
        if parent in models and LAYERS.index(layer(models[parent])) > LAYERS.index(layer(node))
    ]
    assert not upward


def ancestors(models: dict[str, Any], node: Any) -> set[str]:
    """The names of all models that ``node`` reads, directly or through others."""
    parents = [models[key] for key in node.depends_on.nodes if key in models]
    return {parent.name for parent in parents}.union(*(ancestors(models, parent) for parent in parents))


def of_the_past(models: dict[str, Any]) -> Iterator[tuple[str, set[str]]]:
    """Each model that says what was known on an as-of date, and the names of its ancestors."""
    for node in models.values():
        if layer(node) in {"point_in_time", "features"}:
            yield node.name, ancestors(models, node)


def test_features_have_no_ancestor_that_knows_the_future(models: dict[str, Any]) -> None:
    # These hold everything known by now; an earlier as-of date did not know all of it.
    forbidden = {"fct_order", "fct_sales_daily", "dim_customer"}
    forbidden |= {node.name for node in models.values() if layer(node) == "labels"}
    assert len(forbidden) > 6
    assert not {name: found for name, read in of_the_past(models) if (found := forbidden & read)}


def test_features_have_no_ancestor_without_a_knowledge_date(models: dict[str, Any]) -> None:
    # Master data hold what is true today: on an earlier as-of date a customer's country was another one.
    undated = {f"source.marketing.raw.{name}" for name, table in CONTRACTS.items() if table.known_at is None}
    forbidden = {node.name for node in models.values() if undated.intersection(node.depends_on.nodes)}
    assert {"stg_shop__customers", "stg_shop__products", "stg_shop__campaigns"} <= forbidden
    assert not {name: found for name, read in of_the_past(models) if (found := forbidden & read)}


def test_only_staging_and_published_read_sources(models: dict[str, Any]) -> None:
    readers = {
        layer(node)
        for node in models.values()
        if any(parent.startswith("source.") for parent in node.depends_on.nodes)
    }
    assert readers == {"staging", "published"}


def test_every_model_source_and_column_is_described(manifest: Any, models: dict[str, Any]) -> None:
    silent = [
        f"{node.name}.{name}"
        for node in [*models.values(), *manifest.sources.values()]
        for name, described in [("", node), *node.columns.items()]
        if not described.description.strip()
    ]
    assert not silent


def described_columns() -> Iterator[tuple[str, str]]:
    """Name and description of every column as properties files write it; an anchored column comes once."""
    seen: list[object] = []
    for file in sorted((PROJECT / "models").rglob("*.yml")):
        document = yaml.safe_load(file.read_text())
        tables = [table for source in document.get("sources", []) for table in source["tables"]]
        for described in [*document.get("models", []), *tables]:
            for column in described.get("columns", []):
                if not any(column is each for each in seen):
                    seen.append(column)
                    yield column["name"], " ".join(column["description"].split())


def test_a_column_description_is_written_once() -> None:
    written = Counter(pair for pair in described_columns() if "doc(" not in pair[1])
    assert len(written) > 100
    assert [pair for pair, times in written.items() if times > 1] == []


def test_every_block_of_docs_is_used() -> None:
    blocks = re.findall(r"{% docs (\w+) %}", (PROJECT / "models" / "docs.md").read_text())
    used = {name for _, text in described_columns() for name in re.findall(r"doc\('(\w+)'\)", text)}
    assert sorted(used) == sorted(blocks)


def test_a_model_is_described_in_the_file_of_its_name_or_with_the_scores(models: dict[str, Any]) -> None:
    # Score tables share most of their columns and tests, so they lie in one file; the newest rows of another
    # table may lie with its history.
    elsewhere = {
        node.name: node.patch_path
        for node in models.values()
        if Path(node.patch_path.removeprefix("marketing://"))
        not in {
            Path(node.original_file_path).with_name(f"{name}.yml")
            for name in (node.name, node.name.removesuffix("_latest"), "scores")
        }
    }
    assert not elsewhere


def test_every_model_has_a_key_and_every_key_has_one_name(manifest: Any, models: dict[str, Any]) -> None:
    keyless = [
        node.name
        for key, node in models.items()
        if [test.name for test in checks_on(manifest, key, "unique_combination_of_columns")]
        != ["keys_are_unique"]
    ]
    assert not keyless


def test_tests_are_described_sentences_that_block(manifest: Any) -> None:
    tests = [node for node in manifest.nodes.values() if node.resource_type == "test"]
    # dbt names a test that nobody named after its macro and model.
    unnamed = [node.name for node in tests if node.attached_node.split(".")[-1] in node.name]
    undescribed = [node.name for node in tests if not node.description.strip()]
    lenient = [node.name for node in tests if node.config.severity.lower() != "error"]
    assert (unnamed, undescribed, lenient) == ([], [], [])


def test_what_is_published_is_a_contract(models: dict[str, Any]) -> None:
    # The ledger is read when the snapshot is written, after the published tables' own checks.
    views = {"checks"}
    loose = [
        node.name
        for node in models.values()
        if layer(node) == "published"
        and not (
            node.config.contract.enforced
            and node.config.materialized == ("view" if node.name in views else "table")
        )
    ]
    assert not loose


def test_the_key_of_a_source_is_its_sql_name(manifest: Any) -> None:
    # The asset that fills a source has the key (schema, table): no other schema or identifier, no other key.
    lost = [
        source.name
        for source in manifest.sources.values()
        if (source.schema, source.identifier) != (source.source_name, source.name)
        or default_asset_key_fn(source.to_dict()).path != [source.schema, source.identifier]
    ]
    assert not lost


def sql_files() -> list[Path]:
    return sorted((PROJECT / "models").rglob("*.sql"))


@pytest.mark.parametrize("file", sql_files(), ids=lambda file: file.stem)
def test_a_model_states_its_grain_and_fits_on_a_screen(file: Path) -> None:
    text = file.read_text()
    assert text.startswith("{# One row per ")
    assert len(text.splitlines()) <= LONGEST_MODEL


@pytest.mark.parametrize("file", sql_files(), ids=lambda file: file.stem)
def test_nothing_reads_the_clock_or_rolls_dice(file: Path) -> None:
    assert not MOVING.search(file.read_text())


def test_only_the_guard_compares_with_the_as_of_date() -> None:
    offenders = [
        f"{file.name}: {found[0]}"
        for file in [*sql_files(), *(PROJECT / "macros").rglob("*.sql")]
        if (found := AS_OF_INEQUALITY.search(file.read_text()))
        and file.stem not in {"known_as_of", "as_of_days"}
    ]
    assert not offenders


def test_the_guard_is_recognised_as_an_inequality() -> None:
    written_by_hand = "and orders.known_at < spine.as_of_at"
    assert AS_OF_INEQUALITY.search(written_by_hand)
    assert AS_OF_INEQUALITY.search((PROJECT / "macros" / "known_as_of.sql").read_text())
