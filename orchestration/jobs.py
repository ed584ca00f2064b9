"""The jobs that a person, a schedule or a sensor launches by name."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import dagster as dg

# Dagster exports no public name for what define_asset_job returns.
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from orchestration.policies import RUN_TAGS

PREDICT_AND_PUBLISH = "predict_and_publish"
REFRESH = "refresh"
SCORE = "score"
RETRAIN = "retrain"
PUBLISH = "publish"
REPLAY = "replay"
RESCORE = "rescore"

DESCRIPTIONS: Mapping[str, str] = MappingProxyType(
    {
        PREDICT_AND_PUBLISH: "Everything for one as-of date: load the exports, build features, train and "
        "evaluate a candidate, score the cohort with the champion, publish. Choose the newest as-of date.",
        REFRESH: "Load new exports, build staging and marts, report data readiness. Trains and publishes "
        "nothing.",
        SCORE: "The weekly run: load, build features, compute realised performance and drift, score the "
        "cohort with the champion, refit lifetime value and segments, publish. Trains no supervised "
        "candidate; without a champion it says so.",
        RETRAIN: "Train and evaluate a candidate for one as-of date, promote or refuse it, score with the "
        "version that serves then, publish. The features of that date must exist: launch score before.",
        REPLAY: "One past as-of date: build its features, compute realised performance and drift, score with "
        "the champion of that date. Loads and publishes nothing; `make replay` runs many of them.",
        RESCORE: "Score one as-of date again with the version that serves now, and publish: `make rollback` "
        "runs it.",
        PUBLISH: "Publish again what the warehouse holds: contracts, check ledger, snapshot file.",
    }
)

Assets = Sequence[dg.AssetsDefinition]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stages:
    """Every asset of one business, by stage.

    Attributes:
        landed: Exports, raw tables, staging and marts, data readiness.
        featured: Features and labels by as-of date.
        monitored: Realised performance of published scores, and drift.
        trained: Evaluation and champion of the capabilities that are retrained on a trigger.
        refitted_every_run: The same of those that are fitted in every run.
        scored: Scores and control tables.
        published: Published tables, check ledger and snapshot.
    """

    landed: Assets
    featured: Assets
    monitored: Assets
    trained: Assets
    refitted_every_run: Assets
    scored: Assets
    published: Assets

    @property
    def everything(self) -> Assets:
        """All assets, upstream first."""
        return [
            *self.landed,
            *self.featured,
            *self.monitored,
            *self.trained,
            *self.refitted_every_run,
            *self.scored,
            *self.published,
        ]

    def assets_to_retrain(self, capability: str) -> list[dg.AssetKey]:
        """Assets of a run that retrains ``capability``: its models and scores, and what all share."""
        fitted = (*self.trained, *self.refitted_every_run)
        others = {group for asset in fitted for group in asset.group_names_by_key.values()} - {capability}
        made = (*self.trained, *self.scored, *self.published)
        return [
            key for asset in made for key, group in asset.group_names_by_key.items() if group not in others
        ]


def jobs_of(
    stages: Stages, partitions: dg.PartitionsDefinition[str]
) -> dict[str, UnresolvedAssetJobDefinition]:
    """Every job by its name; each runs for one as-of date."""
    scoring = [*stages.featured, *stages.monitored, *stages.refitted_every_run, *stages.scored]
    assets: dict[str, Assets] = {
        PREDICT_AND_PUBLISH: stages.everything,
        REFRESH: stages.landed,
        SCORE: [*stages.landed, *scoring, *stages.published],
        RETRAIN: [*stages.trained, *stages.refitted_every_run, *stages.scored, *stages.published],
        REPLAY: scoring,
        RESCORE: [*stages.scored, *stages.published],
        PUBLISH: stages.published,
    }
    return {name: _job(name, each, partitions, text=DESCRIPTIONS[name]) for name, each in assets.items()}


def _job(
    name: str, assets: Assets, partitions: dg.PartitionsDefinition[str], *, text: str
) -> UnresolvedAssetJobDefinition:
    return dg.define_asset_job(
        name,
        selection=dg.AssetSelection.assets(*assets),
        partitions_def=partitions,
        # Steps take seconds; a process per step would cost ten seconds of imports each.
        executor_def=dg.in_process_executor,
        tags=dict(RUN_TAGS),
        description=text,
    )
