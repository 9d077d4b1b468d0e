"""Odoo 16 to 19, hosted by whomever."""
