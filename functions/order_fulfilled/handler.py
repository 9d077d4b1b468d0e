"""The back office shipped: the store's order gets tracking, status and a note.

The message says only that something happened. What was shipped, is read.
"""

from aws_lambda_powertools import Logger

from accord import bootstrap
from accord.consumer import consumer

lambda_handler = consumer(bootstrap.fulfilment, logger=Logger())
