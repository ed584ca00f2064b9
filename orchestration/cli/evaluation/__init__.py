"""Commands that evaluate models on history and publish nothing."""
