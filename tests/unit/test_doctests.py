"""Examples in docstrings are run, and every public function of the metrics has one."""

import ast
import doctest
from importlib import import_module
from pathlib import Path

import pytest

from tests.architecture.docstrings import public_functions

ROOT = Path(__file__).parents[2]
FILES = [
    *sorted((ROOT / "assets" / "metrics").rglob("*.py")),
    *sorted((ROOT / "assets" / "prior_shift").rglob("*.py")),
    ROOT / "assets" / "calendar.py",
    ROOT / "assets" / "features" / "matrix.py",
]
# Accessors, and the two that tests/unit/metrics/test_drift_effects.py tests as a round trip.
WITHOUT_EXAMPLE = {"columns", "total", "unit", "to_json", "from_json"}


def name_of(file: Path) -> str:
    return ".".join(file.relative_to(ROOT).with_suffix("").parts)


WITH_EXAMPLES = [name_of(file) for file in FILES if ">>>" in file.read_text(encoding="utf-8")]


@pytest.mark.parametrize("module", WITH_EXAMPLES)
def test_examples_in_docstrings_are_correct(module: str) -> None:
    found = doctest.testmod(import_module(module), report=False)
    assert found.attempted > 0
    assert found.failed == 0


def test_every_public_function_of_the_metrics_has_an_example() -> None:
    without = [
        f"{name_of(file)}.{function.name}"
        for file in FILES
        if "features" not in file.parts
        for function in public_functions(ast.parse(file.read_text(encoding="utf-8")))
        if not function.name.startswith("__")
        and function.name not in WITHOUT_EXAMPLE
        and ">>>" not in (ast.get_docstring(function) or "")
    ]
    assert without == []
