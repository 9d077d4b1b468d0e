"""Accord keeps WooCommerce stores and their back offices in agreement."""
