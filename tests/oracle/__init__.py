"""A second, independent account of what COSMO computes: plain, slow, and readable in one sitting.

Written from the specification only. It uses the standard library and nothing of `cosmo`, so that an
agreement between the two says something. `rows` reads one line, `timeslicer` cuts lines into slices,
`summary` counts them.
"""
