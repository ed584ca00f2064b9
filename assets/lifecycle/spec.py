"""Declaration of a capability: its tables, outcomes, comparison and sources."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from types import MappingProxyType
from typing import Literal

from assets.features.requirements import DataRequirement
from assets.keys import Key
from assets.lifecycle.gate import Comparison
from assets.lifecycle.report.grade import GRADE_MEANINGS, Grade
from assets.lifecycle.store.schemas import Types


@dataclass(frozen=True, slots=True, kw_only=True)
class TableSpec:
    """One table that scoring writes, by as-of date.

    Attributes:
        key: Schema and name.
        key_columns: Columns of its row key besides the subject and ``as_of_date``, with their types.
        columns: Its own columns; those that every score table has belong to the lifecycle.
        rows_per_person: For each row that a person has, the values of ``key_columns`` and of those
            ``columns`` that do not depend on the person; rows of people who may not be scored hold these.
        published: Names of the published tables made of it.
    """

    key: Key
    key_columns: Types = field(default_factory=dict)
    columns: Types = field(default_factory=dict)
    rows_per_person: tuple[Mapping[str, object], ...] = (MappingProxyType({}),)
    published: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Outcomes that become known some days after the as-of date.

    Attributes:
        table: Schema and name of their table.
        matures_days: Days after ``as_of_date`` when the outcome window has ended.
        slice_name: Slice of ``ml.metrics`` that holds the realised performance for this outcome.
        slice_value: Value of that slice.
    """

    table: Key
    matures_days: int
    slice_name: str = "all"
    slice_value: str = "all"


@dataclass(frozen=True, slots=True, kw_only=True)
class CanaryScore:
    """Column of the first table by which two versions are compared, and the two ends of its interval."""

    column: str
    interval: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """Declaration of a capability.

    Attributes:
        name: Prefix of its tables, Dagster group, ``model_name``; a lower-case identifier.
        question: The question it answers, question mark included.
        owner: Team that answers for it.
        subject: Column that names the person a row is about; ``None`` when rows are not about people.
        cohort: Table with subject, ``as_of_date``, ``ineligible_reason`` and the consent and holdout
            columns of everyone who has a row; ``None`` when the lifecycle does not apply consent.
        consent_purpose: Purpose that the people in the rows must have allowed.
        tables: Tables that scoring writes; the first table holds the scores, the others are side tables.
        trained_from: Tables that training reads.
        scored_from: Tables that scoring reads.
        scored_after: Score tables of other capabilities that scoring reads where they exist.
        requires: Requirements on the landed data, all to be met; ``usability_report`` evaluates them.
        improved_by: Raw tables or ``table.column`` that improve it and are not required.
        outcomes: Empty when an outcome is never observed. A version is withheld by the first one.
        compared: How candidate, baseline and champion are compared.
        fallback_grade: Grade of the baseline while it serves.
        grade_meanings: What each grade means to a marketer.
        code: Packages of ``assets`` whose code is part of a version, besides the lifecycle's own.
        model_types: Types that its model files may hold besides those that skops trusts.
        spec_hash: Sha-256 hex of the whole declaration: a changed declaration is a changed model.
        seed: Seed of everything random.
        retrain: Whether a candidate is fitted on a trigger or in every run.
        realised_window: Length of the window of published dates that the serving version is evaluated on;
            ``None``: the newest matured date alone.
        canary_score: The score by which a canary is compared; ``None``: versions are promoted without one.
        descriptions: Description of each table in the UI, by the step that writes it.
    """

    name: str
    question: str
    owner: str
    subject: str | None
    cohort: Key | None = None
    consent_purpose: str | None = None
    tables: tuple[TableSpec, ...]
    trained_from: tuple[Key, ...]
    scored_from: tuple[Key, ...]
    scored_after: tuple[Key, ...] = ()
    requires: tuple[DataRequirement, ...]
    improved_by: tuple[str, ...] = ()
    outcomes: tuple[Outcome, ...] = ()
    compared: Comparison
    fallback_grade: Grade
    grade_meanings: Mapping[str, str] = field(default_factory=lambda: GRADE_MEANINGS)
    code: tuple[str, ...]
    model_types: tuple[str, ...] = ()
    spec_hash: str
    seed: int
    retrain: Literal["on_trigger", "every_run"] = "on_trigger"
    realised_window: timedelta | None = None
    canary_score: CanaryScore | None = None
    descriptions: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _ = self.evaluation.sql
        if not self.question.endswith("?"):
            raise ValueError(f"question {self.question!r} does not end in a question mark")
        if not self.tables:
            raise ValueError(f"{self.name} declares no table")
        if not self.requires:
            raise ValueError(f"{self.name} declares no requirement on the landed data")

    @property
    def evaluation(self) -> Key:
        """The candidate and how it did."""
        return Key("ml", f"{self.name}__evaluation")

    @property
    def champion(self) -> Key:
        """The version that scores, by the as-of date since when."""
        return Key("ml", f"{self.name}__champion")

    @property
    def canary(self) -> Key:
        """Versions that scored beside the champion, by as-of date, and how they compared."""
        return Key("ml", f"{self.name}__canary")

    @property
    def canary_scores(self) -> Key:
        """Their scores, in the columns of the first table."""
        return Key("ml", f"{self.name}__canary_scores")

    @property
    def scores(self) -> Key:
        """The scores."""
        return self.tables[0].key

    @property
    def realised(self) -> Key:
        """Published scores compared with matured outcomes."""
        return Key("ml", f"{self.name}__realised")

    @property
    def drifted(self) -> Key:
        """Drift of the cohort against the champion's training window."""
        return Key("ml", f"{self.name}__drift")
