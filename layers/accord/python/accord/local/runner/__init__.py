"""The synthesised template, run on this machine: its functions as processes, AWS as moto."""

from accord.local.runner.stack import LocalStack
from accord.local.runner.synth import assembly

__all__ = ["LocalStack", "assembly"]
