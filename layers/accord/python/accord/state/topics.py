"""The owners' topics in Amazon SNS, whose subscribers get mail.

Source: Amazon SNS API Reference, "Publish": a subject is ASCII, on one line, below 100 characters.
"""

from collections.abc import Mapping
from typing import Any

from accord.errors import Owner, UnsupportedError
from accord.ports.notices import Notices
from accord.state.dynamo import ask, clean

_LONGEST_TEXT = 200_000  # bytes; SNS takes 256 KB


class SnsNotices(Notices):
    """``topics``: owner → ARN."""

    def __init__(self, client: Any, topics: Mapping[str, str]) -> None:
        self._client = client
        self._topics = topics

    def publish(self, owner: Owner, subject: str, text: str) -> None:
        """See ``Notices.publish``. Raises also UnsupportedError: the owner has no topic."""
        arn = self._topics.get(owner)
        if arn is None:
            raise UnsupportedError(f"{owner} has no topic; deploy the alarms stack, then try again")
        body = clean(text).encode()[:_LONGEST_TEXT].decode(errors="ignore")
        ask(self._client.publish, TopicArn=arn, Subject=subject, Message=body)
