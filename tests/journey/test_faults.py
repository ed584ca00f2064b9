"""The short form of ``make faults``: one kill at a random moment, two files that are not what they were."""

import subprocess
import sys

from tests.journey.world import PROJECT, Place, Told

DAMAGES = ("a landed file is corrupt", "the warehouse file has no header")


def test_a_killed_run_and_damaged_files_cost_no_row(first_run: tuple[Place, Told]) -> None:
    place, told = first_run
    assert told.code == 0, told.said
    ended = subprocess.run(  # noqa: S603 - our own command
        [
            *(sys.executable, "-m", "tests.journey.faults", "--first", str(place.var_dir)),
            *("--kills", "1", "--only", *DAMAGES),
        ],
        cwd=PROJECT, env=dict(place.environment), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr[-3000:]
    lines = ended.stdout.splitlines()
    assert "the next run took" in lines[0]
    assert [line.split(":")[0] for line in lines[1:3]] == list(DAMAGES)
    assert "says" in lines[1]
    assert "says" in lines[2]
    assert lines[3].startswith("survived: 1 kills and 2 other faults, in 0:")
