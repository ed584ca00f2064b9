"""dbt, run in this process.

It uses names that dbt does not document; ``tests/unit/orchestration/test_private_names.py`` pins
the version that it was checked against.
"""

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

    A process would import dbt again, three times a run, at eight seconds each; Dagster has imported it.

    Attributes:
        profiles_dir: Folder of ``profiles.yml``.
        target_dir: Folder of the manifest and of each step's compiled SQL and log.
    """

    profiles_dir: str
    target_dir: str

    def parse(self, *, project_dir: Path) -> DbtEnded:
        """Parse all files of the project, for Dagster and for the following steps.

        Not only the changed ones: dbt takes a properties file with an unchanged time for unchanged.
        """
        return self._invoke(
            ["parse", "--no-partial-parse"], None, project_dir=project_dir, folder=Path(self.target_dir)
        )

    def run(self, arguments: Sequence[str], *, project_dir: Path, step: str) -> DbtEnded:
        """Run one dbt command.

        Args:
            arguments: The command and its options, such as ``["build", "--select", "marts"]``.
            project_dir: Folder of ``dbt_project.yml``.
            step: Folder name below ``target_dir``; its earlier compiled SQL and log are replaced.
        """
        folder = Path(self.target_dir) / step
        return self._invoke(arguments, self._parsed(), project_dir=project_dir, folder=folder)

    def _parsed(self) -> Manifest | None:
        """Manifest written by :meth:`parse`; ``None`` if there is none, or one of another dbt version.

        dbt itself would check every file at each step, and parse all of them again at each step if the
        warehouse path has changed since.
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
        options = [word for flag, place in places.items() for word in (flag, str(place))]
        try:
            ended = dbtRunner(manifest=parsed, callbacks=[events.append]).invoke(
                [*arguments, *flags, *options]
            )
        finally:
            # dbt keeps the file open for its next command; the following steps need it.
            DuckDBConnectionManager.close_all_connections()  # type: ignore[no-untyped-call]
        logged = [msg_to_dict(event) for event in events if event.info.level != EventLevel.DEBUG]
        return DbtEnded(events=logged, is_successful=ended.success, exception=ended.exception)
