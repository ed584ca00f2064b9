"""dbt in this process, for Dagster."""

from collections.abc import Sequence
from pathlib import Path

import dagster as dg
from dbt.adapters.duckdb.connections import DuckDBConnectionManager
from dbt.cli.main import dbtRunner
from dbt.contracts.graph.manifest import Manifest
from dbt.parser.manifest import extended_mashumuro_decoder
from dbt.version import __version__ as installed
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

    def parse(self, *, project_dir: Path) -> DbtEnded:
        """Read the project anew where it changed, for Dagster and for the steps that follow."""
        return self._invoke(["parse"], None, project_dir=project_dir, folder=Path(self.target_dir))

    def run(self, arguments: Sequence[str], *, project_dir: Path, step: str) -> DbtEnded:
        """Run dbt with ``arguments``; the compiled SQL and the log of ``step`` replace its earlier ones."""
        folder = Path(self.target_dir) / step
        return self._invoke(arguments, self._parsed(), project_dir=project_dir, folder=folder)

    def _parsed(self) -> Manifest | None:
        """What :meth:`parse` left; ``None`` when that was nothing, or another dbt's.

        dbt itself would look through every file at each step, and read all of them anew at each step
        once the warehouse lies elsewhere than when it parsed.
        """
        file = Path(self.target_dir) / PARSED
        if not file.is_file():
            return None
        manifest = Manifest.from_msgpack(file.read_bytes(), decoder=extended_mashumuro_decoder)
        if manifest.metadata.dbt_version != installed:
            return None
        manifest.build_parent_and_child_maps()  # type: ignore[no-untyped-call]
        manifest.build_flat_graph()  # type: ignore[no-untyped-call]
        return manifest

    def _invoke(
        self, arguments: Sequence[str], parsed: Manifest | None, *, project_dir: Path, folder: Path
    ) -> DbtEnded:
        events: list[EventMsg] = []
        places = {
            "--project-dir": project_dir,
            "--profiles-dir": self.profiles_dir,
            "--target-path": folder,
            "--log-path": folder,
        }
        flags = ["--no-send-anonymous-usage-stats", "--no-use-colors"]
        said = [word for flag, place in places.items() for word in (flag, str(place))]
        try:
            ended = dbtRunner(manifest=parsed, callbacks=[events.append]).invoke([*arguments, *flags, *said])
        finally:
            # dbt keeps the file open for its next command; the steps that follow want it.
            DuckDBConnectionManager.close_all_connections()  # type: ignore[no-untyped-call]
        told = [msg_to_dict(event) for event in events if event.info.level != EventLevel.DEBUG]
        return DbtEnded(events=told, is_successful=ended.success, exception=ended.exception)
