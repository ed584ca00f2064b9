"""Report of a replay: published predictions beside matured outcomes, date by date."""
