"""Benchmarks: costs as ratios to a reference cost in the same run, never a timed test."""
