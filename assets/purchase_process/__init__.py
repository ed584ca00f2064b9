"""BG/NBD, a model of how customers order and leave: histories, likelihood, expectations."""
