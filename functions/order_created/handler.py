"""A store has a new order: it becomes one sales order of the back office.

Created and updated may come in either order, together, or one alone: both do everything that is
due, under the order's lease.
"""

from aws_lambda_powertools import Logger

from accord import bootstrap
from accord.consumer import consumer

lambda_handler = consumer(bootstrap.orders_of, logger=Logger())
