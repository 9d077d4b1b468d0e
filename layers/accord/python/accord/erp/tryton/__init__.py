"""Tryton 8.2, the open ERP that also runs on one machine."""

from accord.erp.tryton.adapter import Tryton as Adapter

__all__ = ["Adapter"]
