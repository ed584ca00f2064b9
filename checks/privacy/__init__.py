"""Checks of consent, holdout and personal data outside the vault."""
