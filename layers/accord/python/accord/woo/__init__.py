"""The store side: WooCommerce."""
