"""A business's YAML file and the data contracts of its raw tables, validated."""
