"""Model pipelines of a prediction problem: training, calibration, baseline, storage."""
