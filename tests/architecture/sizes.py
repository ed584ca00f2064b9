"""Find what is too large: ``python -m tests.architecture.sizes PATH...`` lists it.

``modules_over_twelve`` of a package counts its modules beyond the twelfth, without ``__init__.py``;
``lines_over_400`` of a module counts its lines beyond the 400th. The baseline holds excesses: a package
that is divided lowers their sum, whatever its parts are called.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

from tests.architecture.baseline import CODE, Offender, command_line, is_below

BASELINE = Path(__file__).with_name("sizes_baseline.txt")
COMMAND = "python -m tests.architecture.sizes"

MOST_MODULES = 12
MOST_LINES = 400


def scan(root: Path, paths: Sequence[str] = ()) -> list[Offender]:
    """Every package and module below ``root`` that is too large, or only those below ``paths``."""
    files = [file for folder in CODE for file in sorted((root / folder).rglob("*.py"))]
    found = []
    for package in sorted({file.parent for file in files}):
        path = package.relative_to(root).as_posix()
        modules = [file for file in files if file.parent == package and file.name != "__init__.py"]
        if len(modules) > MOST_MODULES and is_below(path, paths):
            excess = len(modules) - MOST_MODULES
            text = f"{len(modules)} modules"
            found.append(Offender(path, 1, path, "modules_over_twelve", text, excess))
    for file in files:
        path = file.relative_to(root).as_posix()
        lines = len(file.read_text(encoding="utf-8").splitlines())
        if lines > MOST_LINES and is_below(path, paths):
            found.append(Offender(path, lines, path, "lines_over_400", f"{lines} lines", lines - MOST_LINES))
    return found


if __name__ == "__main__":
    sys.exit(command_line(scan, baseline=BASELINE, about="List packages and modules that are too large."))
