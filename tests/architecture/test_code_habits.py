"""Habits that a linter has no rule for."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CODE = sorted(
    file
    for folder in ("assets", "checks", "orchestration", "benchmarks")
    for file in (ROOT / folder).rglob("*.py")
)
LONGEST_FUNCTION = 25


def functions(file: Path) -> Iterator[ast.FunctionDef]:
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.FunctionDef):
            yield node


def body_lines(function: ast.FunctionDef) -> int:
    """Lines of the body without its docstring."""
    body = function.body[1:] if ast.get_docstring(function) else function.body
    return body[-1].end_lineno - body[0].lineno + 1 if body and body[-1].end_lineno else 0


@pytest.mark.parametrize("file", CODE, ids=lambda file: str(file.relative_to(ROOT)))
def test_a_module_opens_with_a_docstring(file: Path) -> None:
    assert ast.get_docstring(ast.parse(file.read_text())), "a module opens with one sentence"


@pytest.mark.parametrize("file", CODE, ids=lambda file: str(file.relative_to(ROOT)))
def test_functions_are_short(file: Path) -> None:
    # A defs factory nests its asset bodies: those are measured one by one, the factory is not.
    too_long = [
        f"{function.name}: {body_lines(function)} lines"
        for function in functions(file)
        if body_lines(function) > LONGEST_FUNCTION
        and not any(isinstance(node, ast.FunctionDef) for node in ast.walk(ast.Module(function.body, [])))
    ]
    assert not too_long


def test_only_settings_reads_the_environment() -> None:
    readers = [
        str(file.relative_to(ROOT))
        for file in CODE
        if any(
            isinstance(node, ast.Attribute) and node.attr in {"environ", "getenv"}
            for node in ast.walk(ast.parse(file.read_text()))
        )
    ]
    assert set(readers) <= {"orchestration/settings.py"}


def test_only_one_function_opens_duckdb() -> None:
    opens = re.compile(r"duckdb\.connect\(|duckdb import connect")
    openers = [file for file in CODE if opens.search(file.read_text(encoding="utf-8"))]
    assert openers == [ROOT / "assets" / "connections.py"]


def test_defs_files_keep_their_annotations_as_types() -> None:
    # Dagster rejects the stringised context type that the future import makes.
    offenders = [
        file
        for file in CODE
        if file.name == "defs.py" and "from __future__ import annotations" in file.read_text()
    ]
    assert not offenders


def test_whatever_listens_does_so_on_this_machine_alone() -> None:
    files = [ROOT / "Makefile", *sorted((ROOT / "orchestration").rglob("*.py"))]
    lines = [line for file in files for line in file.read_text(encoding="utf-8").splitlines()]
    served = [line for line in lines if re.search(r"\"--host\"", line)]
    assert served
    assert all('"--host", "127.0.0.1"' in line for line in served), served
    assert not [line for line in lines if "0.0.0.0" in line]  # noqa: S104 - looked for, not bound
