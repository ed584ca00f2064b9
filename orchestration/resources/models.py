"""Versioned folders of model files under the business's ``models`` folder."""

from pathlib import Path

import dagster as dg


class FolderModelStore(dg.ConfigurableResource):  # type: ignore[type-arg]
    """``<root>/<problem>/<version>/`` on the local disk."""

    root: str

    def folder(self, problem: str, version: str) -> Path:
        """The folder of one version, created when it is not there."""
        folder = Path(self.root) / problem / version
        folder.mkdir(parents=True, exist_ok=True)
        return folder
