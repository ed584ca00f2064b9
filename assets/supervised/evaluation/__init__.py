"""Walk-forward evaluation of a candidate against the baseline and the champion."""
