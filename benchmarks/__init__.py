"""What things cost against what they would cost at best: ratios taken in one run, never a timed test."""
