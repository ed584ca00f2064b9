"""What must be true before a number may be published."""
