"""The built-in sample business: a shop simulated from a truth we chose, so that recovery can be tested."""
