"""Prices are others in the back office: the store gets them, in batches, and takes its time."""

from aws_lambda_powertools import Logger

from accord import bootstrap
from accord.consumer import consumer

lambda_handler = consumer(bootstrap.price_flow, logger=Logger())
