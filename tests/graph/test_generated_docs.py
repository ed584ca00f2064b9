"""The generated pages of ``docs/`` equal what ``make docs`` writes for the definitions as they are."""

import json
from pathlib import Path

import pytest
from dagster._core.definitions.assets.graph.asset_graph import AssetGraph
from dagster._core.definitions.repository_definition import RepositoryDefinition

from assets.transform.remediation import NEXT_STEP, next_step_of
from assets.transform.remediation import NEXT_STEPS as NEXT_STEPS_OF_DBT
from checks.remediation import NEXT_STEPS
from orchestration.capabilities import CAPABILITIES
from orchestration.cli.docs import DOCS, Manifest, pages


@pytest.fixture(scope="module")
def manifest(loaded: dict[str, RepositoryDefinition], var_dir: Path) -> Manifest:
    """Manifest of dbt for the sample shop."""
    assert loaded
    found: Manifest = json.loads(
        (var_dir / "sample_shop" / "dbt" / "manifest.json").read_text(encoding="utf-8")
    )
    return found


@pytest.fixture(scope="module")
def generated(manifest: Manifest, shop_graph: AssetGraph) -> dict[str, str]:
    """Each generated page by its path below ``docs/``."""
    return pages(manifest, shop_graph)


def test_generated_pages_are_up_to_date(generated: dict[str, str]) -> None:
    """Run ``make docs`` when this fails."""
    assert len(generated) == 2
    stale = [name for name, text in generated.items() if (DOCS / name).read_bytes() != text.encode("utf-8")]
    assert not stale, "run make docs"


def test_every_published_table_and_column_is_on_its_page(
    generated: dict[str, str], manifest: Manifest, shop_graph: AssetGraph
) -> None:
    page = generated["published-tables.md"]
    published = [key.path[-1] for key in shop_graph.materializable_asset_keys if key.path[0] == "published"]
    assert len(published) >= 20
    assert not [name for name in published if f"\n### `{name}`\n" not in page]
    columns = {
        column
        for node in manifest["nodes"].values()
        if node["resource_type"] == "model" and node["name"] in published
        for column in node["columns"]
    }
    assert len(columns) > 100
    assert not [column for column in columns if f"\n| `{column}` | " not in page]
    assert page.count("\nRow key: `") == len(published)


def test_every_check_is_on_its_page_with_a_next_step(
    generated: dict[str, str], shop_graph: AssetGraph
) -> None:
    page = generated["how-it-works/checks.md"]
    sections = {section.partition("`")[0]: section.partition("`")[2] for section in page.split("\n### `")[1:]}
    assert len(sections) > 50
    for key in shop_graph.asset_check_keys:
        assert f"`{'.'.join(key.asset_key.path)}`" in sections[key.name]
        step = str(shop_graph.get_check_spec(key).metadata[NEXT_STEP])
        assert f"*Next:* {step}" in sections[key.name]
        assert step[0].isupper()
        assert step.endswith(".")


def test_a_dbt_test_without_a_next_step_is_refused_by_name() -> None:
    with pytest.raises(KeyError, match="'orders_are_round' has no next step"):
        next_step_of("orders_are_round")


def test_every_next_step_belongs_to_a_check(shop_graph: AssetGraph) -> None:
    names = {key.name for key in shop_graph.asset_check_keys}
    names |= {
        name.replace(f"_of_{each.spec.name}_", "_of_<problem>_") for name in names for each in CAPABILITIES
    }
    assert not (NEXT_STEPS.keys() | NEXT_STEPS_OF_DBT.keys()) - names
