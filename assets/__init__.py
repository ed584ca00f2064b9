"""Everything the pipeline knows how to make, one folder per capability."""
