"""`python -m cosmo` is the command `cosmo`."""

from cosmo.cli import main

main()
