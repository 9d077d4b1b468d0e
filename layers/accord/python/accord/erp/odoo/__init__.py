"""Odoo 16 to 19, hosted by whomever."""

from accord.erp.odoo.adapter import Odoo as Adapter

__all__ = ["Adapter"]
