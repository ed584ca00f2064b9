"""``make erase`` from the command to the bytes, and the run after it."""

import json

import pytest

from assets.privacy.pii_scan import scan
from assets.sample_shop.world.customers import contacts_of, customers_of
from assets.sample_shop.world.shop import SIZES
from tests.journey.conftest import copied
from tests.journey.world import LATEST, Place, RunResult


@pytest.fixture(scope="module")
def place(first_run: tuple[Place, RunResult], tmp_path_factory: pytest.TempPathFactory) -> Place:
    return copied(first_run, tmp_path_factory.mktemp("erasure") / "var")


def run_command(place: Place, module: str, customer: str = "") -> RunResult:
    process = place.start("-m", f"orchestration.cli.privacy.{module}", CUSTOMER=customer)
    output, _ = process.communicate(timeout=900)
    return RunResult(code=process.returncode, output=output)


@pytest.fixture(scope="module")
def somebody(place: Place) -> str:
    return str(place.kept("select min(customer_id) as it from raw.order_lines")["it"].item())


@pytest.fixture(scope="module")
def personal(somebody: str) -> list[str]:
    """Values that may be in no file after the erasure."""
    customers = customers_of(SIZES["tiny"])
    (row,) = contacts_of(customers)[customers["customer_id"] == somebody].to_dict("records")
    return [somebody, row["email"], row["phone"]]


def is_gone(place: Place, personal: list[str]) -> bool:
    # The truth folder belongs to the simulation; no real shop has it.
    found = scan([place.var_dir], personal, beside=[place.folder / "truth"])
    assert found.files > 500
    assert found.hits == {}
    return len(place.published(f"select * from {LATEST}")) == 332


def test_an_erased_customer_is_gone_from_every_byte(place: Place, somebody: str, personal: list[str]) -> None:
    before = json.loads(run_command(place, "export_subject", somebody).output)
    assert {"email": personal[1]} in before["vault"]["customers"]
    assert {"order_lines", "customers", "consents"} <= before["delivered"].keys()
    assert "purchase_propensity_latest" in before["published"]
    assert scan([place.var_dir], personal, beside=[place.folder / "truth"]).hits
    erased = run_command(place, "erase", somebody)
    assert erased.code == 0, erased.output
    assert "1 erased" in erased.output
    assert is_gone(place, personal)


def test_the_next_run_does_not_restore_the_erased_customer(
    place: Place, somebody: str, personal: list[str]
) -> None:
    again = place.run()
    assert again.code == 0, again.output
    assert is_gone(place, personal)
    proof = place.published("select * from published.erasure_log")
    assert proof["finished_at"].notna().all()
    assert proof["erasure_id"].nunique() == 1
    assert {"raw.order_lines", "features.feat_customer__rfm", "vault"} <= set(proof["table_name"])
    landed = place.kept("select * from raw.load_log")
    assert (
        landed["rows_in"] == landed["rows_loaded"] + landed["rows_rejected"] + landed["rows_left_out"]
    ).all()
    nothing = json.loads(run_command(place, "export_subject", somebody).output)
    assert nothing == {"delivered": {}, "vault": {}, "published": {}}


def test_customers_in_the_request_file_are_erased_and_the_file_is_deleted(place: Place) -> None:
    requests = place.folder / "erasure_requests.csv"
    requests.write_text("customer_id\nC100020\nC100021\n")
    erased = run_command(place, "erase")
    assert erased.code == 0, erased.output
    assert "2 erased" in erased.output
    assert not requests.exists()
    nobody = run_command(place, "erase")
    assert nobody.code == 2
    assert "name the customer: make erase CUSTOMER=" in nobody.output
