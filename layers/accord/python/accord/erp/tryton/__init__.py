"""Tryton 8.2, the open ERP that also runs on one machine."""
