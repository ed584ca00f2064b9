"""One declaration serves every supervised model: fit, calibrate, judge, promote, score."""
