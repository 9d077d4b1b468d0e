"""The state ports, in DynamoDB and in memory."""
