"""Score rows of an eligible cohort and their reason codes."""
