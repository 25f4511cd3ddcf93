"""COSMO: live data-quality monitor for a telescope of drift-tube chambers."""
