"""Docstrings of public functions state shapes, arguments and exceptions."""

from pathlib import Path

import pytest

from tests.architecture import baseline, docstrings
from tests.architecture.baseline import ROOT


def test_docstrings_lack_no_more_than_the_baseline_allows() -> None:
    offenders = docstrings.scan(ROOT)
    differs = baseline.differences(offenders, baseline=docstrings.BASELINE, command=docstrings.COMMAND)
    assert not differs, "\n".join(differs)


def owed(root: Path, code: str) -> list[str]:
    (root / "assets" / "metrics").mkdir(parents=True)
    (root / "assets" / "metrics" / "a.py").write_text(code, encoding="utf-8")
    return [each.rule for each in docstrings.scan(root)]


# One row per function: its code, and what its docstring lacks.
FUNCTIONS: tuple[tuple[str, list[str]], ...] = (
    ('def f(x: Floats) -> None:\n    """Mean of ``x``."""\n', ["shape"]),
    ('def f(x: npt.NDArray[np.float32]) -> None:\n    """Mean of ``x``."""\n', ["shape"]),
    ('def f(x: Floats) -> None:\n    """Mean of ``x`` in (0, 1)."""\n', ["shape"]),
    ('def f(x: Floats) -> None:\n    """Mean.\n\n    Args:\n        x: Values.\n    """\n', ["shape"]),
    ('def f(x: Floats) -> None:\n    """Mean of ``x`` (n,)."""\n', []),
    ('def f(x: Floats) -> None:\n    """Mean.\n\n    Args:\n        x: (n, k) values.\n    """\n', []),
    ('def f(x: pd.DataFrame) -> None:\n    """Count ``x``."""\n', ["shape"]),
    ('def f(x: "pd.Series[str]") -> None:\n    """Count ``x``."""\n', ["shape"]),
    ('def f(x: Iterable[pd.DataFrame]) -> None:\n    """Count ``x``."""\n', ["shape"]),
    ('def f(x: pd.DataFrame) -> None:\n    """Count.\n\n    Args:\n        x: Orders.\n    """\n', []),
    ('def f(x: pd.DataFrame) -> None:\n    """Count.\n\n    Args:\n        y: Orders.\n    """\n', ["shape"]),
    ('def f(x: int, y: int) -> None:\n    """Add."""\n', []),
    ('def f(x: int, y: int, z: int) -> None:\n    """Add."""\n', ["args"]),
    ('def f(x: int, *, y: int, z: int) -> None:\n    """Add."""\n', ["args"]),
    ("def f(x, y, z):\n    pass\n", ["args"]),
    ('def f(x, y, z):\n    """Add.\n\n    Args:\n        x: One.\n    """\n', []),
    ('def f(x, y, z):\n    """Add.\n\n    Args:\n    """\n', ["args"]),
    ('def f() -> None:\n    """Refuse."""\n    if X:\n        raise ValueError(X)\n', ["raises"]),
    ('def f() -> None:\n    """Refuse.\n\n    Raises:\n        ValueError: X.\n    """\n    raise X\n', []),
    ('def f() -> None:\n    """Pass on."""\n    try:\n        g()\n    except X:\n        raise\n', []),
    ('def f() -> None:\n    """Make."""\n    def g() -> None:\n        raise X\n', []),
    ("def _f(x: Floats, y, z):\n    raise X\n", []),
    ("class _C:\n    def f(self, x: Floats):\n        raise X\n", []),
    ("class C:\n    def f(self, x: Floats):\n        raise X\n", ["shape", "raises"]),
    ("class C:\n    def f(self, x, y):\n        pass\n", []),
    ("class C(D):\n    def f(self, x: Floats):\n        pass\n", ["shape"]),
    ("class C(Capability[A, B]):\n    def f(self, x: Floats):\n        pass\n", []),
    ('class C(Capability):\n    def f(self, x: Floats):\n        """Count."""\n', ["shape"]),
)


@pytest.mark.parametrize(("code", "lacks"), FUNCTIONS)
def test_what_a_docstring_lacks_is_found(tmp_path: Path, code: str, lacks: list[str]) -> None:
    assert owed(tmp_path, code) == lacks


def test_a_package_is_two_folders_at_most() -> None:
    paths = ("assets/keys.py", "assets/metrics/a.py", "assets/metrics/drift/a.py", "checks/a.py")
    assert [docstrings.package_of(path) for path in paths] == [
        "assets",
        "assets/metrics",
        "assets/metrics",
        "checks",
    ]
