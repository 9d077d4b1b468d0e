"""A WooCommerce 10.5 store in memory, held against recordings of a real one."""

from accord.local.store.deliveries import delivery, encode, sign
from accord.local.store.orders import catalogue, make_order
from accord.local.store.process import StoreServer

__all__ = ["StoreServer", "catalogue", "delivery", "encode", "make_order", "sign"]
