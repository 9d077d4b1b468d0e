"""Fixed addresses for what goes out, for a store or a back office behind a firewall. Optional."""

from aws_cdk import CfnOutput, Fn, RemovalPolicy, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_logs as logs
from constructs import Construct

from infra.stages import Stage

ZONES = 2  # a zone that fails takes no order with it


class NetworkStack(Stack):
    """``vpc``, whose functions reach the internet from the addresses of the output, and nobody
    reaches them. The addresses stay when the stack goes: firewalls name them."""

    def __init__(self, scope: Construct, id_: str, *, stage: Stage) -> None:
        super().__init__(scope, id_, description="Accord: fixed addresses for what goes out")
        addresses = [
            ec2.CfnEIP(self, f"Address{number}", domain="vpc") for number in range(1, ZONES + 1)
        ]
        for address in addresses:
            address.apply_removal_policy(RemovalPolicy.RETAIN)
        self.vpc = ec2.Vpc(
            self,
            "Vpc",
            vpc_name=stage.named("egress"),
            max_azs=ZONES,
            nat_gateways=ZONES,
            nat_gateway_provider=ec2.NatProvider.gateway(
                eip_allocation_ids=[address.attr_allocation_id for address in addresses]
            ),
            subnet_configuration=[
                ec2.SubnetConfiguration(
                    name="Out", subnet_type=ec2.SubnetType.PUBLIC, cidr_mask=28
                ),
                ec2.SubnetConfiguration(
                    name="Functions", subnet_type=ec2.SubnetType.PRIVATE_WITH_EGRESS, cidr_mask=22
                ),
            ],
            # Tables and payloads do not pay their way through the gateways.
            gateway_endpoints={
                "Tables": ec2.GatewayVpcEndpointOptions(
                    service=ec2.GatewayVpcEndpointAwsService.DYNAMODB
                ),
                "Payloads": ec2.GatewayVpcEndpointOptions(
                    service=ec2.GatewayVpcEndpointAwsService.S3
                ),
            },
            restrict_default_security_group=False,  # nothing uses it; it would take one more Lambda
        )
        self.vpc.add_flow_log(
            "Flows",
            destination=ec2.FlowLogDestination.to_cloud_watch_logs(
                logs.LogGroup(
                    self,
                    "FlowLogs",
                    log_group_name=f"/accord/{stage.named('egress')}",
                    retention=stage.log_retention,
                    removal_policy=stage.logs_removal,
                )
            ),
            traffic_type=ec2.FlowLogTrafficType.REJECT,
        )
        CfnOutput(
            self,
            "Addresses",
            value=Fn.join(", ", [address.attr_public_ip for address in addresses]),
            description="Everything that goes to a store or a back office comes from these",
        )
