"""An item or a product changed: the side that owns the catalogue leads, the other one follows."""

from aws_lambda_powertools import Logger

from accord import bootstrap
from accord.consumer import consumer

lambda_handler = consumer(bootstrap.product_flow, logger=Logger())
