"""An in-memory back office with the promises of a real one: for tests, simulation and scale."""

from accord.erp.memory.adapter import Memory as Adapter

__all__ = ["Adapter"]
