"""Jobs of one business, launched by a person, a schedule or a sensor."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

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

DESCRIPTIONS: Mapping[str, str] = {
    PREDICT_AND_PUBLISH: "Everything for one as-of date: load the exports, build features, train and "
    "evaluate a candidate, promote or refuse it, score with the champion, publish. Use the newest date.",
    REFRESH: "Load the delivered exports, build staging and marts, report which capabilities the data "
    "supports. Trains and publishes nothing.",
    SCORE: "The weekly run: load, build features, compare published scores with observed outcomes, score "
    "with the champion, refit lifetime value and segments, publish. Does not train purchase_propensity "
    "and churn; fails if one of them has no champion yet.",
    RETRAIN: "Train and evaluate a candidate for one as-of date, promote or refuse it, score with the "
    "champion, publish. Needs the features of that date: launch score first.",
    REPLAY: "One past as-of date: build its features, compare published scores with observed outcomes, "
    "score with the champion of that date. Loads and publishes nothing; `make replay` runs many dates.",
    RESCORE: "Score one as-of date again with the current champion and publish; part of `make rollback`.",
    PUBLISH: "Publish the tables of the warehouse again: contracts, results of checks, snapshot file.",
}

# Their steps run in no fixed order.
_LEARNING = "comparing with outcomes, training, evaluating"
STAGES: Mapping[str, str] = {
    "landed": "loading exports",
    "featured": "building features",
    "monitored": _LEARNING,
    "trained": _LEARNING,
    "refitted_every_run": _LEARNING,
    "scored": "scoring",
    "published": "publishing",
}

Assets = Sequence[dg.AssetsDefinition]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stages:
    """All assets of one business by stage, upstream first.

    Attributes:
        landed: Exports, raw tables, staging and marts, the usability report.
        featured: Features and labels by as-of date.
        monitored: Realised performance and drift.
        trained: Evaluation and champion of the capabilities that are retrained on a trigger.
        refitted_every_run: Lifetime value and segments: fitted in every run, promoted by their own gate.
        scored: Scores and the control tables.
        published: The published tables, the results of checks and the snapshot.
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
        """All assets, in the order of the stages."""
        return [asset for stage in fields(self) for asset in getattr(self, stage.name)]

    @property
    def names_by_step(self) -> dict[str, str]:
        """What the stage of each step does, by the name of the step, in the order of the stages."""
        return {
            asset.node_def.name: words for stage, words in STAGES.items() for asset in getattr(self, stage)
        }

    def assets_to_retrain(self, capability: str) -> list[dg.AssetKey]:
        """Assets of a retraining of ``capability``.

        Its models and scores, the scores that read these, and the shared assets.
        """
        fitted = (*self.trained, *self.refitted_every_run)
        others = {group for asset in fitted for group in asset.group_names_by_key.values()} - {capability}
        made = (*self.trained, *self.scored, *self.published)
        own = [
            key for asset in made for key, group in asset.group_names_by_key.items() if group not in others
        ]
        readers = [key for asset in self.scored for key in asset.keys if asset.asset_deps[key] & set(own)]
        return list(dict.fromkeys((*own, *readers)))


def jobs_of(
    stages: Stages, partitions: dg.PartitionsDefinition[str]
) -> dict[str, UnresolvedAssetJobDefinition]:
    """Return every job by name; each is launched for one as-of date."""
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
    return {
        name: dg.define_asset_job(
            name,
            selection=dg.AssetSelection.assets(*each),
            partitions_def=partitions,
            # Steps take seconds; a process per step would cost ten seconds of imports each.
            executor_def=dg.in_process_executor,
            tags=dict(RUN_TAGS),
            description=DESCRIPTIONS[name],
        )
        for name, each in assets.items()
    }
