"""Levels in DynamoDB.

What a back office has (``levels_items``), and the claims on it (``levels_claims``):

- ``pk`` ``I#{erp}#{item}``, ``sk`` ``item``: ``free`` (JSON: text of a number by location),
  ``as_of``, ``basis``, ``taken``, ``held_{store}`` and ``claims``, which grows with every change
  of the rows below.
- the same ``pk``, ``sk`` ``claim#{reserved_at}#{order}``: ``quantity`` of a claim that the back
  office keeps itself. A newer snapshot subtracts all of them that come before it in one condition
  on ``claims``; they are dead from then on, and removed.
- ``pk`` ``O#{order}``, ``sk`` ``demand``: ``erp``, ``needs`` (JSON: [quantity, reserved_at] by
  item), ``took`` (JSON), ``reserved_at``, ``hold``, ``version``; ``expires_at`` once all of it is
  reserved or nothing is claimed, 400 days after the last write.
- ``pk`` ``H#{store}#{hold}``, ``sk`` ``hold``: ``store``, ``hold``, ``erp``, ``needs`` (JSON),
  ``until``, ``version``. Not ``expires_at``: the table would forget it with its goods taken.
- ``pk`` ``X#{erp}``, ``sk`` ``{until}#{store}#{hold}``: ``store`` and ``hold`` of one.
- ``pk`` ``T#{erp}``: touched items, see ``touches``.
- ``pk`` ``R#{erp}``, ``sk`` ``{item}``: ``recipe`` (JSON).

What a store should show (``levels_shown``):

- ``pk`` ``L#{store}#{kind}#{sku}``, ``sk`` ``level``: the level; ``wanted`` and ``sent`` are JSON,
  compressed where it is long; ``rev`` grows with every write but those of ``moved``; ``dirty`` is
  the sort key of its mark; ``windows`` is JSON, [since, until] in seconds since 1970.
- ``pk`` ``D#{store}#{kind}``, ``sk`` ``{parent}/{sku}``: the mark, ``sku``, of one to be sent.

A transaction writes an item's quantity or claims with what they belong to. Conditions are only on
what the writer relied upon, so that claims on one hot item follow one another but never fail.
"""

from typing import TYPE_CHECKING

from accord.ports.levels import Levels
from accord.state.dynamo import Table
from accord.state.levels_claims import DynamoClaims
from accord.state.levels_items import DynamoItems
from accord.state.levels_shown import DynamoShown

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class DynamoLevels(DynamoItems, DynamoClaims, DynamoShown, Levels):
    """The table ``levels``."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        super().__init__(Table(client, table))
