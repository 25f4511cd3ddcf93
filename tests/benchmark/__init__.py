"""How fast: `make bench`. Every figure is measured in one run, side by side; nothing is asserted."""
