"""Find what the shared lifecycle must not know: ``python -m tests.architecture.lifecycle_names PATH...``.

No file of the lifecycle, of the supervised kind or of the score macros names a capability, in code, text or
comment, and none writes ``customer_id``: what a capability is called and whom it is about, it declares.
"""

import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.architecture.baseline import Offender, command_line, is_below

BASELINE = Path(__file__).with_name("lifecycle_names_baseline.txt")
COMMAND = "python -m tests.architecture.lifecycle_names"

SHARED = ("assets/lifecycle", "assets/supervised")
MACROS = "dbt_project/macros"
SUFFIXES = {".py", ".j2"}
ENTITY = "customer_id"
# A folder of assets that holds one of these is a capability, unless it is shared itself.
DECLARATIONS = ("capability.py", "problem.py", "model.py", "spec.py")


def scan(root: Path, paths: Sequence[str] = ()) -> list[Offender]:
    """Every such name below ``root``, or only below ``paths``, which are relative to it."""
    names = [*capabilities(root), ENTITY]
    found = []
    for file in shared_files(root):
        path = file.relative_to(root).as_posix()
        if not is_below(path, paths):
            continue
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1):
            found += [
                Offender(path, number, path, name, line.strip()[:90])
                for name in names
                for _ in pattern_of(name).finditer(line)
            ]
    return found


def capabilities(root: Path) -> list[str]:
    """The folders of assets that declare a capability."""
    folders = {file.parent for name in DECLARATIONS for file in (root / "assets").glob(f"*/{name}")}
    return sorted(folder.name for folder in folders if f"assets/{folder.name}" not in SHARED)


def shared_files(root: Path) -> Iterator[Path]:
    """The modules and templates of the shared packages, and the macros for scores."""
    for folder in SHARED:
        yield from sorted(file for file in (root / folder).rglob("*") if file.suffix in SUFFIXES)
    yield from sorted((root / MACROS).rglob("*score*.sql"))


def pattern_of(name: str) -> re.Pattern[str]:
    """``name`` as words of their own in snake case, camel case, upper case or with blanks between them."""
    words = name.split("_")
    spaced = r"[ _-]".join(words)
    camel = "".join(word.title() for word in words)
    return re.compile(rf"(?<![a-zA-Z])(?i:{spaced})(?![a-z])|{camel}(?![a-z])")


if __name__ == "__main__":
    sys.exit(command_line(scan, baseline=BASELINE, about="List what the lifecycle must not name."))
