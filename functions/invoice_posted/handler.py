"""The back office posted an invoice: the store's order gets its number and a note.

The message says only that something happened. What was invoiced, is read.
"""

from aws_lambda_powertools import Logger

from accord import bootstrap
from accord.consumer import consumer

lambda_handler = consumer(bootstrap.invoices, logger=Logger())
