"""A business's validated YAML, and the data contracts of its raw tables."""
