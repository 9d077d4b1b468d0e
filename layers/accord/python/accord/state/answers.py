"""What was answered to a request, so that the same one again gets the same.

Kept by Powertools' idempotency, in the table ``levels``: ``pk`` ``Q#{store}#{request id}``, ``sk``
``answer#{hash of the id}``,
``status``, ``data`` (the answer as JSON), ``validation`` (hash of what was asked), ``expires_at``.
A partition for each request: all of a store's shoppers in one would be too many.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools.utilities.idempotency import (
    DynamoDBPersistenceLayer,
    IdempotencyConfig,
    idempotent_function,
)
from aws_lambda_powertools.utilities.idempotency.exceptions import (
    IdempotencyAlreadyInProgressError,
    IdempotencyInconsistentStateError,
    IdempotencyPersistenceLayerError,
    IdempotencyValidationError,
)
from aws_lambda_powertools.utilities.typing import LambdaContext

from accord.errors import BusyError, DisagreementError, UnavailableError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

Json = dict[str, Any]


class DynamoAnswers:
    """Answers that are good for ``kept_s`` seconds. For one request at a time."""

    def __init__(self, client: "DynamoDBClient", table: str, *, kept_s: int) -> None:
        self._kept_s = kept_s
        self._layer = DynamoDBPersistenceLayer(
            table,
            key_attr="pk",
            sort_key_attr="sk",
            expiry_attr="expires_at",
            boto3_client=client,
        )

    def once(
        self,
        store: str,
        request: Mapping[str, Any],
        make: Callable[[], Json],
        context: LambdaContext,
    ) -> Json:
        """What ``make`` answers, or what it did when the request of this ``id`` first came.

        What ``make`` raises is not kept. A run that broke off is forgotten when its time is up.

        Raises:
            DisagreementError: that request asked for something else.
            BusyError: it is being answered at this moment.
            UnavailableError: the table does not answer.
        """
        config = IdempotencyConfig(
            event_key_jmespath="id",
            payload_validation_jmespath="asked",
            raise_on_no_idempotency_key=True,
            expires_after_seconds=self._kept_s,
            hash_function="sha256",
            lambda_context=context,
        )
        self._layer.static_pk_value = f"Q#{store}#{request['id']}"

        def made(*, request: Mapping[str, Any]) -> Json:  # noqa: ARG001 - Powertools reads it
            return make()

        asked = {"id": request["id"], "asked": {k: v for k, v in request.items() if k != "id"}}
        once = idempotent_function(
            made,
            data_keyword_argument="request",
            persistence_store=self._layer,
            config=config,
            key_prefix="answer",
        )
        try:
            answer: Json = once(request=asked)
        except IdempotencyValidationError as error:
            raise DisagreementError(
                f"the request {request['id']} asked for something else before"
            ) from error
        except (IdempotencyAlreadyInProgressError, IdempotencyInconsistentStateError) as error:
            raise BusyError(f"the request {request['id']} is being answered") from error
        except IdempotencyPersistenceLayerError as error:
            raise UnavailableError(f"the answers of {store} cannot be kept: {error}") from error
        return answer
