"""Each nonce once: the table ``control``, ``pk`` ``nonce:{store}:{nonce}``, ``sk`` ``value``."""

import datetime as dt
from typing import TYPE_CHECKING

from accord.state.dynamo import ConditionError, Put, Table

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_KEPT = dt.timedelta(minutes=15)  # a request is believed from five minutes before to five after


class DynamoNonces:
    """What makes a signed request good for one time only."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._table = Table(client, table)

    def use(self, store: str, nonce: str, *, now: dt.datetime) -> bool:
        """Whether nobody used it before; it is used from now on. One conditional write.

        Of a write that was sent twice because its answer was lost, the second finds the first: the
        request is then turned away, and the store sells on.
        """
        item: dict[str, str | int] = {
            "pk": f"nonce:{store}:{nonce}",
            "sk": "value",
            "expires_at": int((now + _KEPT).timestamp()),
        }
        try:
            self._table.write(Put(item, "attribute_not_exists(pk)"))
        except ConditionError:
            return False
        return True
