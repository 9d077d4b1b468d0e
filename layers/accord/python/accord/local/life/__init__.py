"""The lives of orders and customers, simulated: everything random, everything repeatable."""

from accord.local.life.play import Life, Report

__all__ = ["Life", "Report"]
