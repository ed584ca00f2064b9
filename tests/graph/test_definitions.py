"""The graph of assets and checks as Dagster loads it, for both businesses."""

import dagster as dg
import pytest
from dagster._core.definitions.assets.graph.asset_graph import AssetGraph
from dagster._core.definitions.dependency import DependencyStructure
from dagster._core.definitions.repository_definition import RepositoryDefinition

from assets.keys import Key
from orchestration import policies
from orchestration.jobs import PREDICT_AND_PUBLISH, PUBLISH, REFRESH, REPLAY, RESCORE, RETRAIN, SCORE
from orchestration.sensors import ERASE_SUBJECTS

FEATURES = ("features", "feat_customer__orders")
SCORES = ("ml", "purchase_propensity__scores")
VALUES = ("ml", "lifetime_value__scores")
REALISED = ("ml", "purchase_propensity__realised")
DRIFTED = ("ml", "purchase_propensity__drift")
PUBLISHED = ("published", "purchase_propensity")
LATEST = ("published", "purchase_propensity_latest")
SNAPSHOT = ("consumers", "snapshot")
CHURNED = ("point_in_time", "pit_customer__churn_status")
SEGMENTED = ("ml", "segments__scores")

# A published number would be false without them: each must stop everything after it.
BLOCKING = (
    (("raw", "order_lines"), "every_row_is_accounted_for"),
    (("raw", "order_lines"), "every_file_is_readable"),
    (("raw", "order_lines"), "sources_are_fresh"),
    (("raw", "events"), "every_row_is_accounted_for"),
    (("features", "feat_customer__browsing"), "nothing_known_after_as_of"),
    (("raw", "customers"), "every_row_is_accounted_for"),
    (("staging", "stg_shop__order_lines"), "keys_are_unique"),
    (("marts", "fct_order_line"), "keys_are_unique"),
    (FEATURES, "keys_are_unique"),
    (FEATURES, "nothing_known_after_as_of"),
    (FEATURES, "required_columns_are_filled"),
    (FEATURES, "rates_lie_between_0_and_1"),
    (FEATURES, "training_rows_of_purchase_propensity_match_contract"),
    (("labels", "lbl_customer__purchase_30d"), "keys_are_unique"),
    (("labels", "lbl_customer__purchase_30d"), "outcomes_are_yes_or_no"),
    (("ml", "purchase_propensity__champion"), "champion_is_calibrated"),
    (SCORES, "scores_match_contract"),
    (SCORES, "cohort_is_scored_once"),
    (SCORES, "mean_probability_is_within_forecast_of_rate"),
    (VALUES, "scores_match_contract"),
    (VALUES, "cohort_has_every_horizon"),
    (VALUES, "amounts_lie_in_their_intervals"),
    (VALUES, "value_is_monotone_in_horizon"),
    (("ml", "lifetime_value__champion"), "backtest_totals_are_within_tolerance"),
    (("published", "lifetime_value"), "amounts_are_not_negative"),
    (PUBLISHED, "keys_are_unique"),
    (PUBLISHED, "probabilities_lie_between_0_and_1"),
    (PUBLISHED, "required_columns_are_filled"),
    (PUBLISHED, "only_the_eligible_have_a_probability"),
    (LATEST, "keys_are_unique"),
    (CHURNED, "keys_are_unique"),
    (CHURNED, "required_columns_are_filled"),
    (FEATURES, "training_rows_of_churn_match_contract"),
    (("labels", "lbl_customer__churn_60d"), "keys_are_unique"),
    (("labels", "lbl_customer__churn_60d"), "outcomes_are_yes_or_no"),
    (("ml", "churn__champion"), "champion_is_calibrated"),
    (("ml", "churn__scores"), "scores_match_contract"),
    (("ml", "churn__scores"), "cohort_is_scored_once"),
    (("ml", "churn__scores"), "mean_probability_is_within_forecast_of_rate"),
    (("published", "churn"), "keys_are_unique"),
    (("published", "churn"), "only_the_eligible_have_a_probability"),
    (("published", "churn"), "only_the_ineligible_have_a_reason"),
    (("published", "churn_latest"), "keys_are_unique"),
    (("published", "churn_latest"), "only_the_eligible_have_a_probability"),
    (SEGMENTED, "cohort_has_one_row_per_scheme"),
    (SEGMENTED, "scores_match_contract"),
    (SEGMENTED, "segment_key_has_one_name"),
    (("ml", "segments__profiles"), "profiles_add_up"),
    (("published", "segments"), "keys_are_unique"),
)
# These need judgement: a refused candidate or an unusual month is no reason to stop publishing.
WARNING = (
    (("ml", "purchase_propensity__evaluation"), "candidate_passes_the_gate"),
    (SCORES, "observed_totals_are_inside_intervals"),
    (SCORES, "stated_uncertainty_matches_backtest"),
    (REALISED, "realised_calibration_is_within_tolerance"),
    (("ml", "lifetime_value__evaluation"), "candidate_passes_the_gate"),
    (("ml", "lifetime_value__evaluation"), "interval_coverage_is_nominal"),
    (("ml", "lifetime_value__realised"), "realised_totals_are_within_tolerance"),
    (DRIFTED, "features_have_not_drifted"),
    (SEGMENTED, "segments_are_large_enough"),
    (SEGMENTED, "segments_are_stable"),
    (("raw", "order_lines"), "row_volume_is_normal"),
    (("raw", "events"), "sources_are_fresh"),
    (("raw", "events"), "every_file_is_readable"),
)
WITHOUT_WAREHOUSE = {("exports", "sample_shop"), ("vault", "redacted_exports")}
# Written as files, not as tables.
NOT_TABLES = {*WITHOUT_WAREHOUSE, SNAPSHOT}


def key(parts: tuple[str, str]) -> dg.AssetKey:
    return dg.AssetKey(list(parts))


def ancestors(graph: AssetGraph, parts: tuple[str, str]) -> set[dg.AssetKey]:
    found: set[dg.AssetKey] = set()
    waiting = [key(parts)]
    while waiting:
        for parent in graph.get(waiting.pop()).parent_keys - found:
            found.add(parent)
            waiting.append(parent)
    return found


def upstream(structure: DependencyStructure, node: str) -> set[str]:
    """The steps that ``node`` waits for."""
    inputs = structure.input_to_upstream_outputs_for_node(node)
    return {output.node.name for outputs in inputs.values() for output in outputs}


def made(graph: AssetGraph) -> list[dg.AssetKey]:
    return sorted(graph.materializable_asset_keys)


def test_every_asset_has_a_description(graph: AssetGraph) -> None:
    silent = [
        each.to_user_string() for each in made(graph) if not (graph.get(each).description or "").strip()
    ]
    assert not silent


def test_every_asset_has_a_group(graph: AssetGraph) -> None:
    assert not [each.to_user_string() for each in made(graph) if graph.get(each).group_name == "default"]


def test_every_check_has_a_description(graph: AssetGraph) -> None:
    silent = [
        f"{each.name} on {each.asset_key.to_user_string()}"
        for each in sorted(graph.asset_check_keys)
        if not (graph.get(each).description or "").strip()
    ]
    assert not silent


@pytest.mark.parametrize(
    ("asset", "check"), BLOCKING, ids=lambda value: ".".join(value) * isinstance(value, tuple)
)
def test_a_check_without_which_a_number_would_be_false_blocks(
    graph: AssetGraph, asset: tuple[str, str], check: str
) -> None:
    check_key = dg.AssetCheckKey(key(asset), check)
    assert check_key in graph.asset_check_keys
    assert graph.get(check_key).blocking


@pytest.mark.parametrize(("asset", "check"), WARNING)
def test_a_check_that_needs_judgement_only_warns(
    graph: AssetGraph, asset: tuple[str, str], check: str
) -> None:
    assert not graph.get(dg.AssetCheckKey(key(asset), check)).blocking


def test_every_table_that_consumers_read_has_a_unique_key_that_is_checked(graph: AssetGraph) -> None:
    published = {each for each in made(graph) if each.path[0] == "published"}
    checked = {each.asset_key for each in graph.asset_check_keys if each.name == "keys_are_unique"}
    assert published
    assert published <= checked


def test_every_asset_that_opens_the_warehouse_is_in_its_pool(loaded: dict[str, RepositoryDefinition]) -> None:
    # DuckDB gives a file to one writing process at a time; the pool runs the steps one after the other.
    for repository in loaded.values():
        for asset_key, asset in repository.assets_defs_by_key.items():
            opens = bool({"warehouse", "dbt"} & asset.required_resource_keys)
            pools = repository.asset_graph.get(asset_key).pools or set()
            assert ("warehouse" in pools) is opens, asset_key
            assert opens is (tuple(asset_key.path) not in WITHOUT_WAREHOUSE), asset_key


def test_the_snapshot_is_downstream_of_everything_from_exports_on(graph: AssetGraph) -> None:
    for later, earlier in (
        (SNAPSHOT, LATEST),
        (SNAPSHOT, PUBLISHED),
        (LATEST, SCORES),
        (PUBLISHED, SCORES),
        (SCORES, ("ml", "purchase_propensity__champion")),
        (SCORES, FEATURES),
        (("ml", "purchase_propensity__evaluation"), ("labels", "lbl_customer__purchase_30d")),
        (SNAPSHOT, ("published", "churn_latest")),
        (("ml", "churn__evaluation"), ("labels", "lbl_customer__churn_60d")),
        (("ml", "churn__evaluation"), CHURNED),
        (("ml", "churn__scores"), CHURNED),
        (("ml", "churn__drift"), CHURNED),
        (FEATURES, ("raw", "order_lines")),
    ):
        assert key(earlier) in ancestors(graph, later), f"{later} does not wait for {earlier}"


def test_the_snapshot_waits_for_every_check_that_blocks(loaded: dict[str, RepositoryDefinition]) -> None:
    # A check blocks what reads its asset: one on a table that nobody reads would be red and stop nothing.
    for repository in loaded.values():
        structure = repository.get_job(PREDICT_AND_PUBLISH).graph.dependency_structure
        before, waiting = set(), ["consumers__snapshot"]
        while waiting:
            node = waiting.pop()
            outputs = upstream(structure, node)
            waiting += [name for name in outputs if name not in before]
            before |= outputs
        for check in repository.asset_graph.asset_check_keys:
            if repository.asset_graph.get(check).blocking:
                made_by = repository.asset_graph.assets_def_for_key(check).node_def.name
                assert made_by in before, f"{check.name} on {check.asset_key.to_user_string()} stops nothing"


def test_every_upstream_asset_is_materializable(graph: AssetGraph) -> None:
    assert set(graph.get_all_asset_keys()) == set(graph.materializable_asset_keys)


def test_the_sample_shop_is_simulated_and_a_real_business_is_not(
    loaded: dict[str, RepositoryDefinition],
) -> None:
    exports = key(("exports", "sample_shop"))
    assert exports in loaded["sample_shop"].asset_graph.get_all_asset_keys()
    assert exports not in loaded["online_retail"].asset_graph.get_all_asset_keys()
    assert exports in ancestors(loaded["sample_shop"].asset_graph, ("raw", "order_lines"))


def test_keys_are_addresses_that_sql_accepts(graph: AssetGraph) -> None:
    for each in made(graph):
        assert len(each.path) == 2, each
        assert Key(*each.path).sql == '"{}"."{}"'.format(*each.path)


def test_the_main_job_makes_everything(loaded: dict[str, RepositoryDefinition]) -> None:
    for repository in loaded.values():
        job = repository.get_job(PREDICT_AND_PUBLISH)
        selected = {each for each in job.asset_layer.selected_asset_keys}
        assert selected == set(repository.asset_graph.materializable_asset_keys)
        assert (job.description or "").strip()


EVALUATION = ("ml", "purchase_propensity__evaluation")
STAGED = ("staging", "stg_shop__order_lines")
LEDGER = ("ml", "checks")
# Of each job one asset of every stage that it makes, in this order: landed, featured, monitored,
# trained, scored, published.
MADE_BY_JOB = {
    PREDICT_AND_PUBLISH: (STAGED, FEATURES, REALISED, EVALUATION, SCORES, SNAPSHOT),
    REFRESH: (STAGED,),
    SCORE: (STAGED, FEATURES, REALISED, SCORES, SNAPSHOT),
    RETRAIN: (EVALUATION, SCORES, SNAPSHOT),
    REPLAY: (FEATURES, REALISED, SCORES),
    RESCORE: (SCORES, SNAPSHOT),
    PUBLISH: (SNAPSHOT,),
}
STAGES = MADE_BY_JOB[PREDICT_AND_PUBLISH]


def jobs_of(repository: RepositoryDefinition) -> dict[str, dg.JobDefinition]:
    return {job.name: job for job in repository.get_all_jobs() if not job.name.startswith("__")}


def test_a_job_runs_the_stages_that_its_description_names(
    loaded: dict[str, RepositoryDefinition],
) -> None:
    for repository in loaded.values():
        jobs = jobs_of(repository)
        # The erasure job has no assets.
        assert set(jobs) == {*MADE_BY_JOB, ERASE_SUBJECTS}
        for name, job in ((name, jobs[name]) for name in MADE_BY_JOB):
            selected = job.asset_layer.selected_asset_keys
            assert tuple(stage for stage in STAGES if key(stage) in selected) == MADE_BY_JOB[name], name
            # Each job that writes a snapshot writes the table of its checks too.
            assert (key(LEDGER) in selected) is (SNAPSHOT in MADE_BY_JOB[name]), name


def test_a_job_has_a_description_and_a_longest_runtime(loaded: dict[str, RepositoryDefinition]) -> None:
    for repository in loaded.values():
        for job in jobs_of(repository).values():
            assert (job.description or "").strip(), job.name
            assert policies.RUN_TAGS.items() <= job.tags.items(), job.name
            # Schedules, sensors and `make replay` launch jobs for an as-of date; an erasure has none.
            assert bool(job.partitions_def) is (job.name != ERASE_SUBJECTS), job.name
            assert job.name == ERASE_SUBJECTS or job.get_partition_keys(None), job.name


def test_every_asset_has_an_owner(graph: AssetGraph) -> None:
    assert not [each.to_user_string() for each in made(graph) if not graph.get(each).owners]


def test_every_schedule_and_sensor_launches_a_job_that_is_there(
    loaded: dict[str, RepositoryDefinition],
) -> None:
    for repository in loaded.values():
        assert {each.name: each.job_name for each in repository.schedule_defs} == {
            "refresh_schedule": REFRESH,
            "score_schedule": SCORE,
        }
        launched = {
            each.name: [target.job_name for target in each.targets] for each in repository.sensor_defs
        }
        assert launched == {
            "exports_landed_sensor": [REFRESH],
            "retrain_triggered_sensor": [RETRAIN],
            "run_failed_sensor": [],
            "checks_failed_sensor": [],
            "capability_failed_sensor": [PREDICT_AND_PUBLISH, SCORE, RETRAIN],
            "erasure_requested_sensor": [ERASE_SUBJECTS],
        }


def test_only_the_alerts_and_the_rest_of_a_failed_run_are_on_by_default(
    loaded: dict[str, RepositoryDefinition],
) -> None:
    for repository in loaded.values():
        automata: list[dg.ScheduleDefinition | dg.SensorDefinition]
        automata = [*repository.schedule_defs, *repository.sensor_defs]
        running = [each.name for each in automata if each.default_status.value == "RUNNING"]
        assert sorted(running) == ["capability_failed_sensor", "checks_failed_sensor", "run_failed_sensor"]


def test_schedules_use_the_time_zone_of_the_business(loaded: dict[str, RepositoryDefinition]) -> None:
    for repository in loaded.values():
        assert [each.execution_timezone for each in repository.schedule_defs] == ["Europe/London"] * 2


def test_partitions_are_mondays_that_end_with_the_data(loaded: dict[str, RepositoryDefinition]) -> None:
    # Online Retail ends on Friday 9 December 2011: the newest as-of date is Monday the 5th.
    partitions = loaded["online_retail"].get_job(PREDICT_AND_PUBLISH).partitions_def
    assert partitions is not None
    keys = partitions.get_partition_keys()
    assert (keys[0], keys[-1]) == ("2010-03-01", "2011-12-05")
    assert len(keys) == 93
