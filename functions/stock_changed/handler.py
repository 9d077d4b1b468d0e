"""What a store may sell is another number: the store gets it, in batches.

The message says only that there are such numbers. Which, is read.
"""

from aws_lambda_powertools import Logger

from accord import bootstrap
from accord.consumer import consumer

lambda_handler = consumer(bootstrap.stock_flow, logger=Logger())
