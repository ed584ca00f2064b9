"""A package shows at most twelve modules, and a module has at most 400 lines."""

from pathlib import Path

import pytest

from tests.architecture import baseline, sizes
from tests.architecture.baseline import ROOT


def test_nothing_is_larger_than_the_baseline_allows() -> None:
    differs = baseline.differences(sizes.scan(ROOT), baseline=sizes.BASELINE, command=sizes.COMMAND)
    assert not differs, "\n".join(differs)


def package(root: Path, *, modules: int) -> list[tuple[str, str, int]]:
    (root / "assets" / "metrics").mkdir(parents=True)
    for name in ("__init__", *(f"m{number}" for number in range(modules))):
        (root / "assets" / "metrics" / f"{name}.py").touch()
    return [(each.path, each.rule, each.weight) for each in sizes.scan(root)]


@pytest.mark.parametrize(("modules", "excess"), [(13, 1), (20, 8)])
def test_more_than_twelve_modules_are_found(tmp_path: Path, modules: int, excess: int) -> None:
    assert package(tmp_path, modules=modules) == [("assets/metrics", "modules_over_twelve", excess)]


def test_twelve_modules_and_their_init_pass(tmp_path: Path) -> None:
    assert package(tmp_path, modules=12) == []


@pytest.mark.parametrize(("lines", "excess"), [(400, []), (403, [3])])
def test_more_than_400_lines_are_found(tmp_path: Path, lines: int, excess: list[int]) -> None:
    (tmp_path / "checks").mkdir()
    (tmp_path / "checks" / "a.py").write_text("x = 1\n" * lines)
    assert [each.weight for each in sizes.scan(tmp_path)] == excess


def test_a_package_that_is_divided_may_be_written(tmp_path: Path) -> None:
    kept = tmp_path / "baseline.txt"
    kept.write_text("assets/a modules_over_twelve 9\n")
    part = baseline.Offender("assets/b", 1, "assets/b", "modules_over_twelve", "14 modules", 2)
    assert baseline.write([part], baseline=kept) == []
    assert kept.read_text() == "assets/b modules_over_twelve 2\n"
