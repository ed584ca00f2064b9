"""What a person gives to make is data: no shell, and not make itself, runs any of it."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from orchestration.cli.audience import AudienceOptions
from orchestration.cli.query import QueryOptions
from orchestration.cli.replay import ReplayOptions
from orchestration.cli.rollback import RollbackOptions
from orchestration.cli.run import RunOptions
from orchestration.settings import PROJECT, Options, Settings, SubjectOptions

MAKEFILE = (PROJECT / "Makefile").read_text(encoding="utf-8")
TARGETS = re.search(r"^\.PHONY: (.+)$", MAKEFILE, re.MULTILINE).group(1).split()
VALUES = re.search(r"^VALUES := ((?:.|\\\n)+?)\n\$", MAKEFILE, re.MULTILINE).group(1).split()
NAMES = [name for name in VALUES if name != "\\"]
PROGRAMS = ("python", "dagster", "dg", "lint-imports", "mypy", "ruff", "sqlfluff", "uv")
COMMANDS: tuple[type[Options], ...] = (
    RunOptions,
    AudienceOptions, QueryOptions, ReplayOptions, RollbackOptions, SubjectOptions,
)  # fmt: skip
# Each part would create the file `pwned`, end the recipe, or reach a program changed. No slash: it names a
# folder, too.
HOSTILE = (
    "C$1 $HOME $$ $(HOME) ${HOME} $(shell touch pwned) $(eval pwned: ; ) `touch pwned` $(touch pwned) "
    "'\"; touch pwned; \" ' ; touch pwned # | touch pwned && touch pwned\n\ttouch pwned\nlast\\ ümläut "
)
RECORD = f"""#!{sys.executable} -IS
import json, os, sys
with open(os.environ["RECORD"], "a") as record:
    record.write(json.dumps([sys.argv, dict(os.environ)]) + "\\n")
"""


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """Programs that record how they were called instead of doing anything."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in PROGRAMS:
        (folder / name).write_text(RECORD)
        (folder / name).chmod(0o755)
    return folder


def calls(programs: Path, target: str, *, given_by: str) -> list[tuple[list[str], dict[str, str]]]:
    """Arguments and environment of every program that ``make target`` starts with hostile values."""
    values = {name: HOSTILE for name in NAMES} | {"VAR_DIR": f"{programs.parent}/var{HOSTILE}"}
    record = programs.parent / "record"
    command = ["make", "--old-file=.venv/.ready", f"BIN={programs}", f"UV={programs / 'uv'}", target]
    given = [f"{name}={value}" for name, value in values.items()] if given_by == "argument" else []
    # A make that runs this test hands its own values on.
    environment = {name: value for name, value in os.environ.items() if name != "MAKEFLAGS"}
    subprocess.run(  # noqa: S603 - our own Makefile
        [*command, *given],
        cwd=PROJECT,
        env=environment | {"RECORD": str(record)} | (values if given_by == "environment" else {}),
        check=True,
        capture_output=True,
        timeout=60,
    )
    lines = record.read_text(encoding="utf-8").splitlines() if record.exists() else []
    return [(arguments, environment) for arguments, environment in map(json.loads, lines)]


@pytest.mark.parametrize("given_by", ["argument", "environment"])
@pytest.mark.parametrize("target", [target for target in TARGETS if target != "clean"])
def test_nothing_runs_what_is_in_a_value(programs: Path, target: str, given_by: str) -> None:
    called = calls(programs, target, given_by=given_by)
    assert called or target == "setup"
    for _, environment in called:
        seen = {name: environment[name] for name in NAMES}
        assert seen == {name: HOSTILE for name in NAMES} | {"VAR_DIR": seen["VAR_DIR"]}
        assert seen["VAR_DIR"] == f"{programs.parent}/var{HOSTILE}"
    assert not (PROJECT / "pwned").exists()
    # The folder of everything generated lies where the value says, and nothing beside it.
    places = {path.relative_to(programs.parent).parts[0] for path in programs.parent.rglob("*")}
    assert places <= {"bin", "record", f"var{HOSTILE}"}


@pytest.mark.parametrize(("target", "option"), [("audit", "--service-url="), ("faults", "--kills=")])
def test_a_value_for_another_program_is_one_argument(programs: Path, target: str, option: str) -> None:
    assert f"{option}{HOSTILE}" in calls(programs, target, given_by="argument")[-1][0]


def test_every_value_that_a_command_reads_is_protected() -> None:
    read = {name.upper() for name in Settings.model_fields} - {"VAULT_KEY", "VAULT_KEY_NEXT"}
    for options in COMMANDS:
        read |= {str(field.validation_alias or name).upper() for name, field in options.model_fields.items()}
    assert read <= set(NAMES)
    assert {*Options.__subclasses__()} <= {each for cls in COMMANDS for each in cls.__mro__}


def test_no_command_holds_the_text_of_a_value() -> None:
    commands = [line for line in MAKEFILE.splitlines() if line.startswith("\t")]
    assert [line for line in commands if re.search(rf"(?<!\$)\$[({{](?:{'|'.join(NAMES)})\b", line)] == []
