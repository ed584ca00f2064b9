"""The dbt project as assets: which days to build, and with what variables."""
