"""Delete the folder of everything generated: ``make clean``."""

import shutil
import sys
from pathlib import Path

from orchestration.settings import PROJECT, Settings

# `make setup` writes it into a folder that was missing or empty.
MARKER = ".made_by_make_setup"


def main() -> int:
    """Delete ``VAR_DIR``; returns the exit code."""
    folder = Settings().generated_dir.resolve()
    if not folder.exists():
        sys.stdout.write(f"{folder} does not exist: nothing to delete\n")
        return 0
    reason = _reason_to_keep(folder)
    if reason:
        sys.stderr.write(f"{folder} {reason}: nothing was deleted\n")
        return 2
    shutil.rmtree(folder)
    sys.stdout.write(f"deleted {folder}\n")
    return 0


def _reason_to_keep(folder: Path) -> str | None:
    if any(kept.is_relative_to(folder) for kept in (PROJECT, Path.home())):
        return "holds more than generated files"
    if not (folder / MARKER).is_file():
        return f"has no {MARKER}: make setup did not create it (delete it yourself if you do not need it)"
    return None


if __name__ == "__main__":
    sys.exit(main())
