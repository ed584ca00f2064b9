"""Calculations run side by side, each on one core, and an error reaches the caller."""

from threading import Barrier

import pytest
from threadpoolctl import threadpool_info

from assets.cores import cores


def test_two_calculations_run_at_the_same_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {0, 1})
    both = Barrier(2, timeout=10)
    with cores() as pool:
        calls = [pool.submit(both.wait) for _ in range(2)]
    assert {call.result() for call in calls} == {0, 1}


def test_a_calculation_has_one_thread_of_openmp_and_blas() -> None:
    import sklearn.ensemble  # noqa: F401, PLC0415 - loads both libraries

    with cores() as pool:
        found = pool.submit(threadpool_info).result()
    assert {each["user_api"] for each in found} == {"blas", "openmp"}
    assert {each["num_threads"] for each in found} == {1}


def test_an_error_reaches_the_caller() -> None:
    with pytest.raises(ZeroDivisionError), cores() as pool:
        pool.submit(lambda: 1 // 0).result()
