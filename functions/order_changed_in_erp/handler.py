"""An order was changed in the back office: the store's follows, or a person is asked.

The message says only that something happened. Whether it was cancelled, shortened or credited,
is read.
"""

from aws_lambda_powertools import Logger

from accord import bootstrap
from accord.consumer import consumer

lambda_handler = consumer(bootstrap.erp_changes, logger=Logger())
