"""Distances between distributions and the test whether they exceed sampling error."""
