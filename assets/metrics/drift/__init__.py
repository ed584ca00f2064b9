"""Drift of features and scores: histograms, distances, their sampling error and the stored reference."""
