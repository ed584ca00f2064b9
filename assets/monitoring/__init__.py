"""What the owner should know before and after predictions are made."""
