"""Whole lives of very many orders, in shards, while everything goes wrong that can; then all heals
and is compared."""
