"""Start the Dagster UI, which answers its own pages only: ``make ui``."""

import sys
from collections.abc import Sequence
from pathlib import Path
from subprocess import Popen

import yaml
from dagster._cli import dev
from dagster_shared.ipc import open_ipc_subprocess
from pydantic import Field

from orchestration.cli.session import command
from orchestration.resources.home import prepare_home
from orchestration.settings import PROJECT, Options, Settings

REPLACED = {"dagster_webserver": "orchestration.ui.webserver"}


class UiOptions(Options):
    """Where the UI listens."""

    port: int = Field(3000, ge=1, le=65535)


@command
def main() -> int:
    """Run `dagster dev` with the guarded webserver until it is interrupted; returns the exit code."""
    settings = Settings()
    prepare_home(settings)
    workspace = str(workspace_of(settings))
    arguments = ["--host", "127.0.0.1", "--port", str(UiOptions().port), "--workspace", workspace]
    # It has no option for another webserver, and its code server and daemon are worth keeping.
    dev.open_ipc_subprocess = _with_guard  # type: ignore[attr-defined,unused-ignore]
    dev.dev_command.main(arguments, prog_name="dagster dev", standalone_mode=False)
    return 0


def workspace_of(settings: Settings) -> Path:
    """Write the workspace of the business, whose code location has its name: every page shows that."""
    module = {
        "module_name": "orchestration.definitions",
        "working_directory": str(PROJECT),
        "location_name": settings.business_file.stem,
    }
    file = settings.dagster_dir / "workspace.yaml"
    file.write_text(yaml.safe_dump({"load_from": [{"python_module": module}]}), encoding="utf-8")
    return file


def _with_guard(parts: Sequence[str], **options: Sequence[int]) -> "Popen[bytes]":
    return open_ipc_subprocess([REPLACED.get(part, part) for part in parts], **options)


if __name__ == "__main__":
    sys.exit(main())
