"""The daemon erases the customers in the file of requests once, and no log names them."""

from pathlib import Path

import dagster as dg
from dagster._core.scheduler.instigation import TickStatus

from assets.privacy.pii_scan import scan
from tests.journey.conftest import copied
from tests.journey.daemon import Watch
from tests.journey.world import Place, RunResult

ERASING = "erasure_requested_sensor"


def test_the_daemon_erases_the_customers_in_the_file_of_requests(
    first_run: tuple[Place, RunResult], tmp_path: Path
) -> None:
    place = copied(first_run, tmp_path / "var")
    person = str(place.kept("select min(customer_id) as who from raw.customers")["who"][0])
    requests = place.folder / "erasure_requests.csv"
    requests.write_text(f"customer_id\n{person}\n")
    watch = Watch(place, tmp_path)
    with watch.daemon(ERASING):
        watch.until(lambda: any(run.is_finished for run in watch.runs("erase_subjects")), seconds=300)
        watch.until(lambda: any(tick.status == TickStatus.SKIPPED for tick in watch.ticks(ERASING)))
    (run,) = watch.runs("erase_subjects")
    assert run.status == dg.DagsterRunStatus.SUCCESS
    assert not requests.exists()
    assert place.kept("select count(*) as n from ml.erasure_log")["n"][0] > 0
    assert person not in set(place.published("select customer_id from published.churn")["customer_id"])
    assert scan([tmp_path], [person], beside=[place.folder / "truth"]).hits == {}
