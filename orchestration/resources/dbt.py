"""dbt in this process, for Dagster."""

from collections.abc import Sequence
from pathlib import Path

import dagster as dg
from dbt.adapters.duckdb.connections import DuckDBConnectionManager
from dbt.cli.main import dbtRunner
from dbt_common.events.base_types import EventLevel, EventMsg
from dbt_common.events.functions import msg_to_dict

from assets.ports import DbtEnded

PARSED = "partial_parse.msgpack"


class InProcessDbt(dg.ConfigurableResource):  # type: ignore[type-arg]
    """The dbt command of this environment, without a process of its own.

    A process would import dbt again, three times a run, at eight seconds each: Dagster has imported it.
    ``profiles_dir`` holds ``profiles.yml``; ``target_dir`` the manifest, and what each step leaves.
    """

    profiles_dir: str
    target_dir: str

    def run(self, arguments: Sequence[str], *, project_dir: Path, step: str) -> DbtEnded:
        """Run dbt with ``arguments``; the compiled SQL and the log of ``step`` replace its earlier ones."""
        folder = Path(self.target_dir) / step
        events: list[EventMsg] = []
        places: dict[str, Path | str] = {
            "--project-dir": project_dir,
            "--profiles-dir": self.profiles_dir,
            "--target-path": folder,
            "--log-path": folder,
        }
        parsed = Path(self.target_dir) / PARSED
        if parsed.is_file():
            places["--partial-parse-file-path"] = parsed
        flags = ["--no-send-anonymous-usage-stats", "--no-use-colors"]
        said = [word for flag, place in places.items() for word in (flag, str(place))]
        try:
            ended = dbtRunner(callbacks=[events.append]).invoke([*arguments, *flags, *said])
        finally:
            # dbt keeps the file open for its next command; the steps that follow want it.
            DuckDBConnectionManager.close_all_connections()  # type: ignore[no-untyped-call]
        told = [msg_to_dict(event) for event in events if event.info.level != EventLevel.DEBUG]
        return DbtEnded(events=told, is_successful=ended.success, exception=ended.exception)
