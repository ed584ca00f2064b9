"""What the lifecycle knows of a supervised prediction problem: tables, inputs, outcomes and criteria."""

from datetime import timedelta

from assets.features.requirements import required_orders
from assets.lifecycle.cohort import Exclusion
from assets.lifecycle.gate import Comparison
from assets.lifecycle.report.grade import FALLBACK
from assets.lifecycle.spec import CanaryScore, Outcome, Spec, TableSpec
from assets.lifecycle.store.schemas import CONSENT_COLUMNS
from assets.supervised.data.dataset import DAILY_ORDERS
from assets.supervised.fitting.fitted_store import MODEL_TYPES
from assets.supervised.problem import PredictionProblem
from assets.supervised.scoring.score_rows import KEY_TYPES, SCORE_TYPES

COMPARED = Comparison(metric="recalibrated_log_loss", label="log loss after recalibration")
# A quarter: enough dates for one odd month not to decide, and few enough to describe today's model.
REALISED_WINDOW = timedelta(weeks=13)
CODE = ("supervised", "purchase_process", "prior_shift", "features", "metrics")


def spec_of(problem: PredictionProblem) -> Spec:
    """The declaration of the capability that answers ``problem``."""
    consent = next((each.table for each in problem.exclusions if _holds_consent(each)), None)
    return Spec(
        name=problem.name,
        question=problem.question,
        owner=problem.owner,
        subject=problem.entity_id,
        cohort=consent,
        consent_purpose=problem.consent_purpose,
        tables=(_table_of(problem),),
        trained_from=(*problem.sources, problem.label, DAILY_ORDERS),
        scored_from=problem.sources,
        # Three outcome windows of history, as Segment asks for.
        requires=(required_orders(customers=problem.least_customers, days=3 * problem.horizon_days),),
        improved_by=problem.improved_by,
        outcomes=(Outcome(table=problem.label, matures_days=problem.horizon_days),),
        compared=COMPARED,
        fallback_grade=FALLBACK,
        code=CODE,
        model_types=MODEL_TYPES,
        spec_hash=problem.spec_hash,
        seed=problem.seed,
        realised_window=REALISED_WINDOW,
        canary_score=CanaryScore(column="probability", interval=("prob_lo", "prob_hi")),
        descriptions={problem.scores.name: _description_of(problem)},
    )


def _table_of(problem: PredictionProblem) -> TableSpec:
    return TableSpec(
        key=problem.scores,
        key_columns=KEY_TYPES,
        rows_per_person=({"target": problem.target, "horizon_days": problem.horizon_days},),
        columns={**SCORE_TYPES, **problem.passthrough_columns},
        published=(problem.name, f"{problem.name}_latest"),
    )


def _description_of(problem: PredictionProblem) -> str:
    return (
        f"One row per {problem.entity} and as-of date: calibrated probability of {problem.target} within "
        f"{problem.horizon_days} days, interval, rank and reason codes."
    )


def _holds_consent(exclusion: Exclusion) -> bool:
    return set(CONSENT_COLUMNS) <= {name for name, _ in exclusion.passthrough_columns}
