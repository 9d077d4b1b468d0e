"""A store gave money back: a credit note and the money out, under its order's lease.

The store tells of no refund. Whoever reads the order finds those that the books do not have yet.
"""

from aws_lambda_powertools import Logger

from accord import bootstrap
from accord.consumer import consumer

lambda_handler = consumer(bootstrap.orders_of, logger=Logger())
