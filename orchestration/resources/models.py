"""Model store: one folder per version below the ``models`` folder of the business."""

from pathlib import Path

import dagster as dg


class FolderModelStore(dg.ConfigurableResource):  # type: ignore[type-arg]
    """``<root>/<problem>/<version>/`` on the local disk."""

    root: str

    def folder(self, problem: str, version: str) -> Path:
        """Return the folder of one version, created when missing."""
        folder = Path(self.root) / problem / version
        folder.mkdir(parents=True, exist_ok=True)
        return folder
