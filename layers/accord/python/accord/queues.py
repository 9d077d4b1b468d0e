"""The FIFO queues of changes, one per event, in SQS.

The receiver sends through this, so it imports the standard library and ``accord.aws`` only.
"""

import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING

from accord.errors import UnsupportedError

if TYPE_CHECKING:
    from accord.aws import AwsClient
    from accord.model.change import Change
    from accord.ports.queues import Queues


class SqsQueues:
    """``urls``: event → queue URL, of those that this function may send to."""

    def __init__(self, client: "AwsClient", urls: Mapping[str, str]) -> None:
        self._client = client
        self._urls = urls

    def put(self, change: "Change", *, sending: str) -> None:
        """See ``Queues.put``. Raises also RateLimitedError, RejectedError, UnsupportedError."""
        self.put_raw(change.event, change.group, change.to_json(), sending)

    def put_raw(self, event: str, group: str, body: str, sending: str) -> None:
        """``put`` of a change that is its message already; ``group`` is ``Change.group``.

        ``sending`` may be of any length. Raises: as ``put``.
        """
        url = self._urls.get(event)
        if url is None:
            raise UnsupportedError(f"no queue for {event}; grant it to the function that sends it")
        self._client.send_message(
            queue_url=url,
            body=body,
            group=_group(group),
            deduplication_id=hashlib.sha256(sending.encode(errors="surrogatepass")).hexdigest(),
        )


def _group(ref: str) -> str:
    """The message group: ``ref`` itself where SQS takes it, else its hash.

    Source: SendMessage, "MessageGroupId": up to 128 letters, digits and punctuation, all ASCII.
    """
    if len(ref) <= 128 and ref.isascii() and ref.isprintable() and " " not in ref:
        return ref
    return hashlib.sha256(ref.encode(errors="surrogatepass")).hexdigest()


if TYPE_CHECKING:
    # Not a base class: importing the port would cost the receiver the dataclasses.
    _: type[Queues] = SqsQueues
