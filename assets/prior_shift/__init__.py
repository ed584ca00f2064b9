"""Forecast of the log-odds shift that moves the whole cohort in one period: season, trading days, trend."""
