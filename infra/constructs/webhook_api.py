"""The door that other systems knock at."""

import json

import jsii
from aws_cdk import aws_apigateway as rest_api
from aws_cdk import aws_apigatewayv2 as api
from aws_cdk import aws_apigatewayv2_integrations as integrations
from aws_cdk import aws_logs as logs
from constructs import Construct

from infra.constructs.acknowledge import acknowledge
from infra.constructs.python_function import PythonFunction
from infra.stages import Stage

# When, what and how it went; nothing that was sent. Not the path: a document's is its key.
_ACCESS_LOG = {
    "requestId": "$context.requestId",
    "time": "$context.requestTime",
    "source": "$context.identity.sourceIp",
    "route": "$context.routeKey",
    "status": "$context.status",
    "bytes": "$context.responseLength",
    "latency_ms": "$context.responseLatency",
    "error": "$context.integrationErrorMessage",
}


@jsii.implements(api.IAccessLogSettings)
class _AccessLog:
    """One JSON object per request."""

    def __init__(self, log_group: logs.ILogGroup) -> None:
        self._destination = api.LogGroupLogDestination(log_group)

    @property
    def destination(self) -> api.IAccessLogDestination:
        return self._destination

    @property
    def format(self) -> rest_api.AccessLogFormat:
        return rest_api.AccessLogFormat.custom(json.dumps(_ACCESS_LOG))


class WebhookApi(Construct):
    """An HTTP API with access logs and a throttle. Who speaks is checked by the functions."""

    def __init__(self, scope: Construct, id_: str, *, stage: Stage) -> None:
        super().__init__(scope, id_)
        self._api = api.HttpApi(
            self, "Api", api_name=stage.named("webhooks"), create_default_stage=False
        )
        log_group = logs.LogGroup(
            self,
            "Logs",
            log_group_name=f"/aws/apigateway/{stage.named('webhooks')}",
            retention=stage.log_retention,
            removal_policy=stage.logs_removal,
        )
        api.HttpStage(
            self,
            "Stage",
            http_api=self._api,
            stage_name="$default",
            auto_deploy=True,
            detailed_metrics_enabled=True,  # per route: one noisy store must be told from another
            throttle=api.ThrottleSettings(
                rate_limit=stage.requests_per_second, burst_limit=2 * stage.requests_per_second
            ),
            access_log_settings=_AccessLog(log_group),
        )

    @property
    def id(self) -> str:
        """By which CloudWatch knows it."""
        return self._api.api_id

    @property
    def endpoint(self) -> str:
        """``https://…`` without a slash at the end."""
        return self._api.api_endpoint

    def post(self, path: str, function: PythonFunction, *, proof: str) -> None:
        """POST ``path`` goes to ``function``, which asks for ``proof`` of who speaks."""
        self._route(api.HttpMethod.POST, path, function, proof)

    def get(self, path: str, function: PythonFunction, *, proof: str) -> None:
        """GET ``path`` goes to ``function``, which asks for ``proof`` of who speaks."""
        self._route(api.HttpMethod.GET, path, function, proof)

    def _route(
        self, method: api.HttpMethod, path: str, function: PythonFunction, proof: str
    ) -> None:
        routes = self._api.add_routes(
            path=path,
            methods=[method],
            integration=integrations.HttpLambdaIntegration(f"To-{function.folder}", function.alias),
        )
        for route in routes:
            acknowledge(route, "AwsSolutions-APIG4", proof)
