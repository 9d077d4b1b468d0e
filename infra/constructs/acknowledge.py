"""Exceptions from the rules that are checked at synth, each with its reason."""

from aws_cdk import Acknowledgment, Validations
from constructs import IConstruct


def acknowledge(where: IConstruct, rule: str, reason: str) -> None:
    """``rule`` does not hold at ``where`` or below it. A rule about wildcards names the one meant,
    ``AwsSolutions-IAM5[Resource::*]``; without it nothing is acknowledged."""
    Validations.of(where).acknowledge(Acknowledgment(id=rule, reason=reason))
