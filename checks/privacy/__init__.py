"""Checks of the promise that personal values lie in the vault and nowhere else."""
