"""Faults to put into generated rows, as values: what breaks, and from which orbit to which.

Each acts on the pulses before they are read out, so that hits are changed where it was put and nowhere else.
Ancillary rows are as many as without faults, and sent at the same times, unless their FPGA is lost or no hit
is left. Faults compose in any order: what adds hits comes before what moves them, and that before what loses
them, so a dead cell stays dead through a burst.
"""

from cosmo.generator.faults.acting import check_together, parts_of, with_faults
from cosmo.generator.faults.additions import Burst, NoisyCell
from cosmo.generator.faults.clock import ShiftedT0
from cosmo.generator.faults.fault import Fault, Span
from cosmo.generator.faults.losses import DeadCell, DeadChamber, LostFpga, RateDrop
from cosmo.generator.faults.text import parse

__all__ = [
    "Burst",
    "DeadCell",
    "DeadChamber",
    "Fault",
    "LostFpga",
    "NoisyCell",
    "RateDrop",
    "ShiftedT0",
    "Span",
    "check_together",
    "parse",
    "parts_of",
    "with_faults",
]
