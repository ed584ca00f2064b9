"""Importing any module creates no file, opens no database and reads no configuration."""

import json
import os
import subprocess
import sys
from pathlib import Path

from orchestration.settings import PROJECT

# Runs in a process of its own: in this one everything has been imported already.
WATCHED_IMPORT = """
import importlib, json, os, sys
import duckdb, dagster, dagster_dbt, sklearn, matplotlib, pandera.pandas, statsmodels

opened, connected = [], []
def watch(event, arguments):
    if event == "open" and isinstance(arguments[0], (str, bytes)):
        opened.append(os.path.abspath(os.fsdecode(arguments[0])))
    elif event in ("os.mkdir", "os.remove", "os.rename"):
        opened.append(os.path.abspath(os.fsdecode(arguments[0])))
connect = duckdb.connect
duckdb.connect = lambda *given, **named: connected.append(str(given)) or connect(*given, **named)
sys.addaudithook(watch)
for name in sys.argv[1:]:
    importlib.import_module(name)
print(json.dumps({"opened": opened, "connected": connected}))
"""


def modules() -> list[str]:
    files = [
        file for part in ("assets", "checks", "orchestration") for file in (PROJECT / part).rglob("*.py")
    ]
    dotted = [".".join(file.relative_to(PROJECT).with_suffix("").parts) for file in sorted(files)]
    return [name.removesuffix(".__init__") for name in dotted]


def imported(folder: Path, names: list[str]) -> dict[str, list[str]]:
    surroundings = os.environ | {
        "PYTHONPATH": str(PROJECT),
        "PYTHONDONTWRITEBYTECODE": "1",
        "VAR_DIR": str(folder / "var"),
    }
    done = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-W", "ignore", "-c", WATCHED_IMPORT, *names],
        cwd=folder, env=surroundings, capture_output=True, text=True, check=True,
    )  # fmt: skip
    found: dict[str, list[str]] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_importing_is_free_of_side_effects(tmp_path: Path) -> None:
    names = modules()
    assert len(names) > 60
    found = imported(tmp_path, names)
    assert not list(tmp_path.iterdir())
    assert not found["connected"]
    ours = [path for path in map(Path, found["opened"]) if path.is_relative_to(PROJECT)]
    own_data = [
        str(path)
        for path in ours
        if path.suffix not in {".py", ".pyc"}
        and not path.is_relative_to(PROJECT / ".venv")
        and path.is_file()
    ]
    assert not own_data
    assert not [path for path in found["opened"] if Path(path).is_relative_to(tmp_path)]
