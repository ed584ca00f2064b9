"""Export files of the simulated shop, with injected faults."""
