"""Lifecycle of every capability: evaluate, promote, score, monitor, retrain."""
