"""Drift of features and scores against the champion's training window."""
