"""Small shared values in DynamoDB: ``pk`` the name, ``sk`` ``value``, ``value``, ``version``."""

from typing import TYPE_CHECKING

from accord.errors import StaleVersionError
from accord.ports.state import Control
from accord.state.dynamo import ConditionError, Put, Table

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class DynamoControl(Control):
    """The table ``control``."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._table = Table(client, table)

    def get(self, name: str) -> tuple[str, int] | None:
        """See ``Control.get``."""
        item = self._table.get(name, "value")
        return (item["value"], item["version"]) if item else None

    def put(self, name: str, value: str, *, version: int | None) -> int:
        """See ``Control.put``."""
        new = (version or 0) + 1
        condition = "attribute_not_exists(pk)" if version is None else "#version = :version"
        item: dict[str, str | int] = {"pk": name, "sk": "value", "value": value, "version": new}
        try:
            self._table.write(Put(item, condition, {"version": version or 0}))
        except ConditionError as error:
            raise StaleVersionError(
                f"{name} is no longer at version {version}; read it again"
            ) from error
        return new
