"""Run every benchmark and print one table: ``make bench``."""

import sys

from benchmarks import (
    drift,
    feature_build,
    fitting,
    job_overhead,
    lifetime_value,
    scoring,
    small_files,
)
from benchmarks.ratio import table


def main() -> int:
    """Measure and print; the exit code is 0 for every result."""
    figures = []
    for benchmark in (feature_build, fitting, scoring, lifetime_value, drift, job_overhead, small_files):
        sys.stderr.write(f"{benchmark.__name__}: {(benchmark.__doc__ or '').strip()}\n")
        figures.append(benchmark.measure())
    sys.stdout.write(table(figures))
    return 0


if __name__ == "__main__":
    sys.exit(main())
