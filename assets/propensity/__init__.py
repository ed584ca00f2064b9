"""Who will buy in the next 30 days."""
