"""CloudFront and a firewall in front of the API. Optional; an HTTP API has no firewall of its own.

The API's own address stays reachable, and every function asks for proof as before: the firewall
keeps noise off, it does not take the signatures' place. So no rule of it looks into bodies: a
product's description is HTML, and a delivery that is refused counts against the store's webhook.
"""

from aws_cdk import CfnOutput, Duration, Environment, Stack
from aws_cdk import aws_cloudfront as cloudfront
from aws_cdk import aws_cloudfront_origins as origins
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_wafv2 as waf
from constructs import Construct

from infra.constructs.acknowledge import acknowledge
from infra.stages import Stage

REGION = "us-east-1"  # where CloudFront's firewalls have to be
_BURST_S = 300


class FrontStack(Stack):
    """A distribution for ``api_host``, the name in the sync stack's WebhookUrl."""

    def __init__(self, scope: Construct, id_: str, *, stage: Stage, api_host: str) -> None:
        super().__init__(
            scope,
            id_,
            env=Environment(region=REGION),
            description="Accord: CloudFront and a firewall in front of the API",
        )
        firewall = self._firewall(stage)
        distribution = cloudfront.Distribution(
            self,
            "Front",
            comment=stage.named("front"),
            default_behavior=cloudfront.BehaviorOptions(
                origin=origins.HttpOrigin(
                    api_host,
                    protocol_policy=cloudfront.OriginProtocolPolicy.HTTPS_ONLY,
                    origin_ssl_protocols=[cloudfront.OriginSslPolicy.TLS_V1_2],
                    read_timeout=Duration.seconds(30),
                ),
                allowed_methods=cloudfront.AllowedMethods.ALLOW_ALL,
                cache_policy=cloudfront.CachePolicy.CACHING_DISABLED,
                # The signature's headers, and the body as it is; not the host, which is the API's.
                origin_request_policy=(
                    cloudfront.OriginRequestPolicy.ALL_VIEWER_EXCEPT_HOST_HEADER
                ),
                viewer_protocol_policy=cloudfront.ViewerProtocolPolicy.HTTPS_ONLY,
                compress=False,
            ),
            web_acl_id=firewall.attr_arn,
            log_bucket=self._logs(),
            minimum_protocol_version=cloudfront.SecurityPolicyProtocol.TLS_V1_2_2021,
        )
        acknowledge(
            distribution,
            "AwsSolutions-CFR4",
            "Without a domain of one's own CloudFront's certificate decides; stores speak TLS 1.2",
        )
        acknowledge(distribution, "AwsSolutions-CFR1", "A store may be hosted in any country")
        CfnOutput(
            self,
            "FrontUrl",
            value=f"https://{distribution.distribution_domain_name}",
            description="In the place of the API's address: webhooks.delivery_url of each store",
        )

    def _firewall(self, stage: Stage) -> waf.CfnWebACL:
        return waf.CfnWebACL(
            self,
            "Firewall",
            name=stage.named("front"),
            scope="CLOUDFRONT",
            default_action=waf.CfnWebACL.DefaultActionProperty(allow={}),
            visibility_config=_seen(stage.named("front")),
            rules=[
                waf.CfnWebACL.RuleProperty(
                    name="known-bad-addresses",
                    priority=0,
                    override_action=waf.CfnWebACL.OverrideActionProperty(none={}),
                    statement=waf.CfnWebACL.StatementProperty(
                        managed_rule_group_statement=(
                            waf.CfnWebACL.ManagedRuleGroupStatementProperty(
                                vendor_name="AWS", name="AWSManagedRulesAmazonIpReputationList"
                            )
                        )
                    ),
                    visibility_config=_seen("known-bad-addresses"),
                ),
                waf.CfnWebACL.RuleProperty(
                    name="too-many",
                    priority=1,
                    action=waf.CfnWebACL.RuleActionProperty(block={}),
                    statement=waf.CfnWebACL.StatementProperty(
                        # One address gets what all of them together get of the API.
                        rate_based_statement=waf.CfnWebACL.RateBasedStatementProperty(
                            aggregate_key_type="IP",
                            evaluation_window_sec=_BURST_S,
                            limit=stage.requests_per_second * _BURST_S,
                        )
                    ),
                    visibility_config=_seen("too-many"),
                ),
            ],
        )

    def _logs(self) -> s3.Bucket:
        logs = s3.Bucket(
            self,
            "Logs",
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            enforce_ssl=True,
            encryption=s3.BucketEncryption.S3_MANAGED,
            object_ownership=s3.ObjectOwnership.OBJECT_WRITER,  # CloudFront writes with an ACL
            lifecycle_rules=[s3.LifecycleRule(expiration=Duration.days(90))],
        )
        acknowledge(logs, "AwsSolutions-S1", "It holds logs itself")
        return logs


def _seen(name: str) -> waf.CfnWebACL.VisibilityConfigProperty:
    return waf.CfnWebACL.VisibilityConfigProperty(
        cloud_watch_metrics_enabled=True, metric_name=name, sampled_requests_enabled=False
    )
