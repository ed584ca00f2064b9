"""Static pages beside the published tables: what a run said, how good it is, and what the data are like."""
