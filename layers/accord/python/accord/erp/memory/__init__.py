"""An in-memory back office with the promises of a real one: for tests, simulation and scale."""
