"""One as-of morning of the grouping: who the customers are, and which grouping serves."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from assets import ASSETS
from assets.features.matrix import refuse_late_knowledge
from assets.keys import Key
from assets.lifecycle.cohort import with_profiling_consent
from assets.lifecycle.run_context import Occasion
from assets.lifecycle.store import control_tables
from assets.lifecycle.store.artifacts import code_hash, rows_hash
from assets.segments.model import SegmentationSpec
from assets.segments.serving import SegmentationModel, load_grouping
from assets.segments.tables import ASSIGNMENT_TYPES, MODEL_TYPES, PROFILE_TYPES
from assets.supervised.evaluation.walk_forward import version_name

ROOM = Path(__file__).parent.name
# Sixteen characters, the length that the hash wants. The same customers are drawn every week.
SAMPLE_SALT = "segments-sample1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Serving:
    """The grouping that serves, and under which version."""

    version: str
    sha256: str
    grouping: SegmentationModel


# Not slotted: the rows are read once and kept.
@dataclass(frozen=True, kw_only=True)
class Morning(Occasion[SegmentationSpec]):
    """A run of the grouping for one morning."""

    @cached_property
    def rows(self) -> pd.DataFrame:
        """What everybody did, by customer.

        Raises:
            LeakDetected: when a fact was not yet known that morning.
        """
        found = self.on_day(self.problem.features)
        refuse_late_knowledge(found)
        return found

    @cached_property
    def sample(self) -> pd.DataFrame:
        """At most ``fit_rows`` of the rows, drawn by a hash of the customer: the same ones every week."""
        ids = self.rows["customer_id"].to_numpy(dtype=object)
        drawn = pd.util.hash_array(ids, hash_key=SAMPLE_SALT, categorize=False)
        few = np.argsort(drawn, kind="stable")[: self.problem.fit_rows]
        return self.rows.iloc[few]

    @cached_property
    def serves(self) -> Serving | None:
        """The grouping that assigns this morning: the newest one that is not younger.

        Raises:
            ModelIntegrityError: when its file is not the one that was registered.
        """
        found = self.warehouse.read(
            f"select model_version, model_sha256 from {self.problem.model.sql} "
            "where as_of_date <= $as_of and model_version is not null order by as_of_date desc limit 1",
            {"as_of": self.as_of},
        )
        if found.empty:
            return None
        version, sha256 = (str(value) for value in found.iloc[0])
        grouping = load_grouping(self.folder(version), sha256=sha256)
        return Serving(version=version, sha256=sha256, grouping=grouping)

    def on_day(self, key: Key) -> pd.DataFrame:
        """The rows of one as-of day of a table, by customer: only of those who may be profiled."""
        return self.warehouse.read(
            f"select * from {with_profiling_consent(key.sql)} where as_of_date = $as_of order by customer_id",
            {"as_of": self.as_of},
        )

    @cached_property
    def data_hash(self) -> str:
        """Sha-256 hex of the customers that a grouping is fitted on."""
        return rows_hash(self.sample)

    @cached_property
    def code_hash(self) -> str:
        """Sha-256 hex of this room's code."""
        return code_hash(ASSETS, (ROOM,))

    @property
    def version(self) -> str:
        """The version that this morning proposes: the same data, code and rules give the same one."""
        return version_name(self.as_of, self.data_hash, self.code_hash, self.problem.spec_hash)

    def prepare(self) -> None:
        """Create the tables that are not there yet, empty."""
        control_tables.prepare_tables(
            self.warehouse,
            {
                self.problem.model: MODEL_TYPES,
                self.problem.assignments: ASSIGNMENT_TYPES,
                self.problem.profiles: PROFILE_TYPES,
            },
        )
