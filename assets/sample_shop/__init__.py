"""Simulated sample business with known true parameters, so that tests can check their recovery."""
