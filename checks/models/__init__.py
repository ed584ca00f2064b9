"""Checks of models and their published scores."""
