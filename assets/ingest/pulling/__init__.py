"""Incremental pulls from databases, REST APIs and remote folders into landed files."""
