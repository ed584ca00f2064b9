"""The published contract of a score table has the columns that its capability declares, in that order."""

from pathlib import Path

import pytest
import yaml

from assets.lifecycle.run_context import score_types
from assets.lifecycle.spec import Spec
from orchestration.capabilities import CAPABILITIES

CONTRACTS = Path(__file__).parents[2] / "dbt_project" / "models" / "published" / "scores.yml"
# Columns that the published model adds: the shop's currency, and one of another capability's table.
JOINED = {
    "purchase_propensity": ["currency"],
    "purchase_propensity_latest": ["currency"],
    "churn": ["currency", "prob_alive"],
    "churn_latest": ["currency", "prob_alive"],
}
TABLES = [(each.spec, name) for each in CAPABILITIES for name in each.spec.tables[0].published]


@pytest.fixture(scope="module")
def contracts() -> dict[str, list[str]]:
    """Columns of each published score table, as its dbt contract states them."""
    models = yaml.safe_load(CONTRACTS.read_text(encoding="utf-8"))["models"]
    return {model["name"]: [column["name"] for column in model["columns"]] for model in models}


@pytest.mark.parametrize(("spec", "name"), TABLES, ids=[name for _, name in TABLES])
def test_the_contract_has_the_declared_columns(
    contracts: dict[str, list[str]], spec: Spec, name: str
) -> None:
    joined = JOINED.get(name, [])
    assert [column for column in contracts[name] if column not in joined] == list(score_types(spec))
    assert set(joined) <= set(contracts[name])


def test_every_score_table_with_a_contract_is_declared(contracts: dict[str, list[str]]) -> None:
    assert sorted(contracts) == sorted(name for _, name in TABLES)
