"""The short form of ``make faults``: one kill at a random moment, and a damaged warehouse file."""

import subprocess
import sys

from tests.journey.world import PROJECT, Place, RunResult

DAMAGE = "the warehouse file has no header"


def test_a_killed_run_and_a_damaged_file_cost_no_row(first_run: tuple[Place, RunResult]) -> None:
    place, result = first_run
    assert result.code == 0, result.output
    ended = subprocess.run(  # noqa: S603 - our own command
        [
            *(sys.executable, "-m", "tests.journey.faults", "--first", str(place.var_dir)),
            *("--kills", "1", "--only", DAMAGE),
        ],
        cwd=PROJECT, env=dict(place.environment), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr[-3000:]
    lines = ended.stdout.splitlines()
    assert "the next run took" in lines[0]
    assert lines[1].startswith(f"{DAMAGE}: says ")
    assert lines[2].startswith("survived: 1 kills and 1 other faults, in 0:")
