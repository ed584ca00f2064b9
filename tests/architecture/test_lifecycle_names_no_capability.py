"""The lifecycle serves any capability and any entity: it names none."""

from pathlib import Path

import pytest

from tests.architecture import baseline, lifecycle_names
from tests.architecture.baseline import ROOT


def test_the_lifecycle_names_no_more_than_the_baseline_allows() -> None:
    offenders = lifecycle_names.scan(ROOT)
    file, command = lifecycle_names.BASELINE, lifecycle_names.COMMAND
    differs = baseline.differences(offenders, baseline=file, command=command)
    assert not differs, "\n".join(differs)


def test_the_capabilities_and_the_shared_files_are_found() -> None:
    assert {"propensity", "churn", "lifetime_value", "segments"} <= {*lifecycle_names.capabilities(ROOT)}
    assert not {"lifecycle", "supervised"} & {*lifecycle_names.capabilities(ROOT)}
    files = {file.relative_to(ROOT).as_posix() for file in lifecycle_names.shared_files(ROOT)}
    assert "dbt_project/macros/scores.sql" in files
    assert any(file.startswith("assets/lifecycle/") for file in files)


SHARED_FILES = (
    "assets/lifecycle/a.py",
    "assets/lifecycle/store/a.py",
    "assets/lifecycle/card.md.j2",
    "assets/supervised/a.py",
    "dbt_project/macros/scores.sql",
)


def names(root: Path, path: str, text: str) -> list[str]:
    for declared in ("lifetime_value/spec", "churn/problem", "segments/model", "supervised/capability"):
        (root / "assets" / declared).parent.mkdir(parents=True, exist_ok=True)
        (root / "assets" / declared).with_suffix(".py").touch()
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text(text, encoding="utf-8")
    return [each.rule for each in lifecycle_names.scan(root)]


@pytest.mark.parametrize("path", SHARED_FILES)
def test_names_are_found_in_every_shared_file(tmp_path: Path, path: str) -> None:
    assert names(tmp_path, path, "churn of customer_id") == ["churn", "customer_id"]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("from assets.churn.problem import CHURN_60D as X", "churn"),
        ('if name == "lifetime_value":', "lifetime_value"),
        ('"""As lifetime value does."""', "lifetime_value"),
        ("# Lifetime-value models are refitted.", "lifetime_value"),
        ("class LifetimeValueRun:", "lifetime_value"),
        ("KEY = f'ml.{x}__segments'", "segments"),
        ("select customer_id from x", "customer_id"),
    ],
)
def test_each_way_of_writing_a_name_is_found(tmp_path: Path, text: str, name: str) -> None:
    assert set(names(tmp_path, "assets/lifecycle/a.py", text)) == {name}


def test_ordinary_words_and_other_files_pass(tmp_path: Path) -> None:
    text = "the lifetime of a value; churned; segmentation; entity_id; supervised; customer_ids_of"
    assert names(tmp_path, "assets/lifecycle/a.py", text) == []
    assert names(tmp_path, "assets/churn/a.py", "churn by customer_id") == []
    assert names(tmp_path, "dbt_project/macros/rfm.sql", "segments by customer_id") == []
