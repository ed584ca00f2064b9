"""A capability that fails takes no other one down: the rest of the run is made without it."""

from collections.abc import Callable, Iterable, Iterator
from datetime import date
from pathlib import Path

import dagster as dg
import pytest

from orchestration.cli.console_log import console_logger
from orchestration.cli.session import JobOutcome, Session
from orchestration.continuation import CONTINUED, capability_failed_sensor
from orchestration.jobs import SCORE, Stages
from orchestration.settings import Settings

DAY = date(2024, 1, 1)
PARTITIONS = dg.StaticPartitionsDefinition([DAY.isoformat()])
FEATURES, PUBLISHED = "features__made", "published__made"
PROPENSITY, VALUE, CHURN = "ml__purchase_propensity", "ml__lifetime_value", "ml__churn"
GROUPS = {PROPENSITY: "purchase_propensity", VALUE: "lifetime_value", CHURN: "churn"}


class Shop:
    """A job of one step per capability; value is made after propensity. Steps in ``broken`` raise."""

    def __init__(self, session: Session, *, broken: Iterable[str], check_fails: bool = False) -> None:
        self.session, self.broken, self.check_fails = session, {*broken}, check_fails
        self.made: list[str] = []
        self.stages = Stages(
            landed=[], featured=[self._asset(FEATURES, [])], monitored=[], trained=[], refitted_every_run=[],
            scored=[
                self._asset(PROPENSITY, [FEATURES]),
                self._asset(VALUE, [PROPENSITY]),
                self._asset(CHURN, [FEATURES]),
            ],
            published=[self._asset(PUBLISHED, [*GROUPS])],
        )  # fmt: skip
        job = dg.define_asset_job(SCORE, selection=dg.AssetSelection.all(), partitions_def=PARTITIONS)
        self.sensor = capability_failed_sensor(self.stages, dict.fromkeys(CONTINUED, job))
        self.definitions = dg.Definitions(
            assets=self.stages.everything, asset_checks=[self._check()], jobs=[job], sensors=[self.sensor],
            loggers={"console": console_logger}, executor=dg.in_process_executor,
        )  # fmt: skip

    def _asset(self, name: str, deps: list[str]) -> dg.AssetsDefinition:
        @dg.asset(name=name, deps=deps, group_name=GROUPS.get(name, "shared"), partitions_def=PARTITIONS)
        def _made() -> None:
            if name in self.broken:
                raise ValueError(f"{name} has no\nrow")
            self.made.append(name)

        return _made

    def _check(self) -> dg.AssetChecksDefinition:
        @dg.asset_check(asset=CHURN, blocking=True)
        def probabilities_are_finite() -> dg.AssetCheckResult:
            return dg.AssetCheckResult(passed=not self.check_fails)

        return probabilities_are_finite

    def run(self) -> JobOutcome:
        return self.session.run_job(self.definitions, SCORE, as_of=DAY, stages=self.stages)


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Shop]]:
    session = Session.open(Settings(var_dir=tmp_path, size="tiny"))
    with dg.DagsterInstance.ephemeral() as instance:
        monkeypatch.setattr("orchestration.cli.session.recording_instance", lambda _: instance)
        yield lambda *broken, **given: Shop(session, broken=broken, **given)


def test_the_others_are_made_once_and_published_and_the_failure_is_named(
    shop: Callable[..., Shop], capsys: pytest.CaptureFixture[str]
) -> None:
    run = shop(PROPENSITY)
    outcome = run.run()
    assert outcome.is_complete
    assert [str(each) for each in outcome.failed] == [
        f"purchase_propensity: ValueError: {PROPENSITY} has no row (step {PROPENSITY})"
    ]
    assert sorted(run.made) == sorted([FEATURES, CHURN, VALUE, PUBLISHED])
    assert "going on without purchase_propensity\n" in capsys.readouterr().err


def test_a_capability_that_fails_in_the_rest_of_the_run_is_left_out_as_well(
    shop: Callable[..., Shop],
) -> None:
    run = shop(PROPENSITY, VALUE)
    outcome = run.run()
    assert outcome.is_complete
    assert [each.capability for each in outcome.failed] == ["purchase_propensity", "lifetime_value"]
    assert sorted(run.made) == sorted([FEATURES, CHURN, PUBLISHED])


@pytest.mark.parametrize("broken", [(FEATURES,), (PUBLISHED,), (PUBLISHED, CHURN)])
def test_a_failed_step_of_all_capabilities_ends_the_run(
    shop: Callable[..., Shop], broken: tuple[str, ...]
) -> None:
    run = shop(*broken)
    assert not run.run().is_complete
    assert PUBLISHED not in run.made


def test_a_failed_check_of_a_capability_ends_the_run(shop: Callable[..., Shop]) -> None:
    run = shop(PROPENSITY, check_fails=True)
    outcome = run.run()
    assert (outcome.is_complete, outcome.failed) == (False, ())
    assert PUBLISHED not in run.made


def requested(run: Shop, instance: dg.DagsterInstance) -> dg.RunRequest | dg.SkipReason:
    result = run.definitions.resolve_job_def(SCORE).execute_in_process(
        instance=instance, partition_key=DAY.isoformat(), raise_on_error=False
    )
    context = dg.build_run_status_sensor_context(
        sensor_name=run.sensor.name,
        dagster_event=result.get_run_failure_event(),
        dagster_instance=instance,
        dagster_run=result.dagster_run,
    )
    found = run.sensor(context)
    assert isinstance(found, dg.RunRequest | dg.SkipReason)
    return found


def test_the_daemon_launches_the_rest_of_the_run(shop: Callable[..., Shop]) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        request = requested(shop(PROPENSITY), instance)
        assert isinstance(request, dg.RunRequest)
        assert request.asset_selection == [dg.AssetKey(VALUE), dg.AssetKey(PUBLISHED)]
        assert (request.job_name, request.partition_key) == (SCORE, DAY.isoformat())
        assert isinstance(requested(shop(FEATURES), instance), dg.SkipReason)
        assert isinstance(requested(shop(PROPENSITY, check_fails=True), instance), dg.SkipReason)
