"""The dbt project as assets: the as-of dates to build, and the variables of each run."""
