"""Independent calculations side by side: one thread for each core, and one core for each calculation."""

import os
from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager

from threadpoolctl import threadpool_limits


@contextmanager
def cores() -> Iterator[Executor]:
    """An executor with a thread for each core that this process may use.

    Threads share the training rows, which worker processes would copy, and numpy and scikit-learn release the
    interpreter's lock while they calculate. Inside, OpenMP and BLAS have one thread each: the histograms of a
    boosting iteration take less than a millisecond, so that two threads cost half as much again in waiting
    and finish no sooner, and the last digits of sums would depend on the number of cores.

    Leaving the block waits for every calculation.
    """
    # macOS has no affinity.
    number = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    with ThreadPoolExecutor(max_workers=number, initializer=threadpool_limits, initargs=(1,)) as pool:
        yield pool
