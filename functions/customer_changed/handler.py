"""A customer changed, on either side: both sides agree again, field by field.

Store and back office are read, so the order in which they told does not matter.
"""

from aws_lambda_powertools import Logger

from accord import bootstrap
from accord.consumer import consumer

lambda_handler = consumer(bootstrap.customers, logger=Logger())
