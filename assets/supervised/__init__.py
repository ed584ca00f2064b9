"""Supervised prediction problems: declaration, training, evaluation and scoring."""
