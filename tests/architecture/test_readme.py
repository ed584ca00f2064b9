"""The README names everything that a consumer or a newcomer can meet."""

import ast
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from assets.ingest.config.contracts import CONTRACTS
from assets.ingest.config.simulation import FaultInjection
from tests.assets import faults
from tests.warehouse import ugly

ROOT = Path(__file__).parents[2]
MODELS = ROOT / "dbt_project" / "models"


@pytest.fixture(scope="module")
def readme() -> str:
    return (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def quoted(readme: str) -> set[str]:
    """Whatever stands in backticks."""
    return set(re.findall(r"`([^`\n]+)`", readme))


@pytest.fixture(scope="module")
def first_cells(readme: str) -> set[str]:
    return cells(readme)


def section(readme: str, heading: str) -> str:
    """The text below ``heading``, up to the next heading of any depth."""
    return re.split(r"^#+ ", readme.partition(heading)[2], maxsplit=1, flags=re.MULTILINE)[0]


def cells(text: str) -> set[str]:
    """The first cell of every table row, backticks taken off: what the row is about."""
    return {cell.strip(" `") for cell in re.findall(r"^\| ([^|]+) \|", text, flags=re.MULTILINE)}


def models_below(folder: Path) -> Iterator[dict[str, Any]]:
    for file in sorted(folder.rglob("*.yml")):
        yield from yaml.safe_load(file.read_text(encoding="utf-8")).get("models", [])


def dbt_checks(model: Mapping[str, Any]) -> set[str]:
    tests = [
        *model.get("data_tests", []),
        *(test for column in model["columns"] for test in column.get("data_tests", [])),
    ]
    return {arguments["name"] for test in tests for arguments in test.values()}


def calls_of(file: Path, *names: str) -> Iterator[ast.Call]:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names:
            yield node


def python_checks() -> set[str]:
    """The second argument of every ``check_of(key, name, …)`` in a defs file of checks."""
    files = sorted((ROOT / "checks").rglob("defs.py"))
    arguments = [call.args[1] for file in files for call in calls_of(file, "check_of")]
    return {_written(name) for name in arguments}


def _written(name: ast.expr) -> str:
    """A check's name as the README writes it: what is filled in per problem stands as ``<problem>``."""
    match name:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=parts):
            return "".join(
                str(part.value) if isinstance(part, ast.Constant) else "<problem>" for part in parts
            )
    raise AssertionError(f"line {name.lineno}: a check's name is a text")


def settings() -> set[str]:
    """The fields of ``Settings``, as environment variables."""
    tree = ast.parse((ROOT / "orchestration" / "settings.py").read_text(encoding="utf-8"))
    (found,) = (node for node in ast.walk(tree) if isinstance(node, ast.ClassDef) and node.name == "Settings")
    fields = [node.target for node in found.body if isinstance(node, ast.AnnAssign)]
    return {name.id.upper() for name in fields if isinstance(name, ast.Name)}


def rooms() -> set[str]:
    files = [file for name in ("problem.py", "model.py") for file in (ROOT / "assets").glob(f"*/{name}")]
    files = [file for file in files if file.parent.name != "supervised"]
    return {file.parent.name for file in files} - {"lifecycle"}


def grades() -> dict[str, tuple[float, float] | None]:
    """Each grade with its AUC and skill; the last one has neither."""
    found: dict[str, tuple[float, float] | None] = {}
    for call in calls_of(ROOT / "assets" / "lifecycle" / "report" / "grade.py", "Grade"):
        given = {keyword.arg: keyword.value for keyword in call.keywords}
        name, auc, skill = (given[field] for field in ("name", "auc", "skill"))
        assert isinstance(name, ast.Constant)
        both = [number.value for number in (auc, skill) if isinstance(number, ast.Constant)]
        found.setdefault(str(name.value), (both[0], both[1]) if len(both) == 2 else None)
    return found


def defined_in(file: Path) -> set[str]:
    """Names that the module assigns, defines or declares at its top level; imported ones do not count."""
    found: set[str] = set()
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        match node:
            case (
                ast.FunctionDef(name=name) | ast.ClassDef(name=name) | ast.AnnAssign(target=ast.Name(id=name))
            ):
                found.add(name)
            case ast.Assign(targets=targets):
                found |= {target.id for target in targets if isinstance(target, ast.Name)}
    return found


def targets() -> set[str]:
    (phony,) = re.findall(r"^\.PHONY: (.+)$", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    return set(phony.split())


def test_every_published_table_has_a_row(readme: str) -> None:
    tables = {model["name"] for model in models_below(MODELS / "published")}
    assert len(tables) >= 9
    assert not tables - cells(section(readme, "## What you get"))


def test_every_published_column_is_with_its_table(readme: str) -> None:
    rows = section(readme, "### Columns of the control tables").splitlines()
    missing = []
    for model in models_below(MODELS / "published"):
        own = [row for row in rows if row.startswith(f"| `{model['name']}` |")]
        text = own[0] if own else section(readme, f"### Columns of `{model['name'].removesuffix('_latest')}`")
        missing += [
            f"{model['name']}.{column['name']}"
            for column in model["columns"]
            if f"`{column['name']}`" not in text.partition("|")[2]
        ]
    assert not missing


def test_every_check_is_named(quoted: set[str]) -> None:
    of_dbt = set().union(*(dbt_checks(model) for model in models_below(MODELS)))
    assert len(of_dbt) >= 15
    assert len(python_checks()) >= 8
    assert not (of_dbt | python_checks()) - quoted


def test_every_setting_has_a_row(first_cells: set[str]) -> None:
    assert settings() >= {"BUSINESS", "VAR_DIR", "DATA_DIR", "SIZE"}
    assert not (settings() | {"PORT"}) - first_cells


def test_every_room_has_a_row(first_cells: set[str]) -> None:
    assert rooms()
    assert not rooms() - first_cells


def test_every_grade_has_a_row_with_its_numbers(readme: str) -> None:
    assert len(grades()) == 5
    missing = [
        name
        for name, least in grades().items()
        if (f"| {name} | {least[0]:.2f} | {least[1]:.2f} |" if least else f"| {name} |") not in readme
    ]
    assert not missing


def test_every_make_target_is_explained(first_cells: set[str]) -> None:
    explained = {cell.split()[1] for cell in first_cells if cell.startswith("make ")}
    assert len(targets()) >= 10
    assert not targets() - explained


def test_every_raw_column_is_with_its_table(readme: str) -> None:
    rows = {row.split("`")[1]: row for row in readme.splitlines() if row.startswith("| `")}
    for table, contract in CONTRACTS.items():
        missing = [column.name for column in contract.columns if f"`{column.name}`" not in rows[table]]
        assert not missing, table


def test_a_name_said_to_be_in_a_file_is_defined_there(readme: str) -> None:
    claims = re.findall(r"`([A-Za-z_]\w*)`\s+in\s+`([\w/]+\.py)`", readme)
    assert ("SAID", "orchestration/capabilities.py") in claims
    assert not {claim for claim in claims if claim[0] not in defined_in(ROOT / claim[1])}


def test_every_kind_of_bad_input_is_listed_with_its_outcome(readme: str) -> None:
    assert ugly.table() in readme


def test_every_switch_of_the_sample_shop_is_explained(readme: str) -> None:
    assert FaultInjection.model_fields.keys() <= cells(section(readme, "## The sample shop"))


def test_every_planted_fault_is_listed_with_the_check_that_sees_it(readme: str) -> None:
    assert faults.table() in readme


def test_what_enforces_a_duty_is_there(readme: str) -> None:
    rows = re.findall(
        r"^\| (?:GDPR|ISO|NIST).+\| (.+) \|$", section(readme, "### Duties"), flags=re.MULTILINE
    )
    named = {name for row in rows for name in re.findall(r"`([^`]+)`", row)}
    known = {
        *(f"make {target}" for target in targets()),
        *python_checks(),
        *(model["name"] for model in models_below(MODELS / "published")),
        *("pii", "vault: yes", "run_failed_sensor"),
    }
    assert len(rows) >= 20
    assert {name for name in named if not (ROOT / name).exists()} <= known
