"""What the local Tryton holds from the start, by name."""

from typing import Final

DATABASE: Final = "accord"
MODULES: Final = (
    "web_shop",
    "sale_shipment_cost",
    "product_kit",
    "product_measurements",
    "production",
    "sale_price_list",
    "account_invoice_stock",
    "stock_package_shipping",
)
"""Activated with what they depend on."""

ADMIN: Final = "admin"
ADMIN_PASSWORD: Final = "loopback-only-admin"
LOGIN: Final = "connector"
PASSWORD: Final = "loopback-only-connector"
"""Not secrets: the server listens on the loopback address and holds invented data."""

COMPANY: Final = "Demo Trading"
WEB_SHOP: Final = "Woo store"
WAREHOUSE: Final = "MAIN"
EAST: Final = "EAST"
"""Code of the second warehouse, which holds stock and ships nothing unless it is told to."""
PAYMENT_TERM: Final = "Due now"
JOURNAL: Final = "Web payments"
CARRIER: Final = "Fast Couriers"
CARRIER_ITEM: Final = "SHIPPING"
SALES_CATEGORY: Final = "Sales"
"""The accounting category of items whose taxes nobody said: of no taxes."""
TAX_ACCOUNT: Final = "6.3.4"
"""Of the generic chart: "Excise And Sales Taxes"."""
CASH_ACCOUNT: Final = "1.1.1"
"""Of the generic chart: "Cash and Cash Equivalents"."""

CURRENCIES: Final = {
    "GBP": ("Pound Sterling", "£", 2),
    "EUR": ("Euro", "€", 2),
    "USD": ("US Dollar", "$", 2),
}
"""Code → name, symbol, digits."""

COUNTRIES: Final = {
    "AE": "United Arab Emirates",
    "AR": "Argentina",
    "AT": "Austria",
    "AU": "Australia",
    "BE": "Belgium",
    "BG": "Bulgaria",
    "BR": "Brazil",
    "CA": "Canada",
    "CH": "Switzerland",
    "CL": "Chile",
    "CN": "China",
    "CY": "Cyprus",
    "CZ": "Czechia",
    "DE": "Germany",
    "DK": "Denmark",
    "EE": "Estonia",
    "ES": "Spain",
    "FI": "Finland",
    "FR": "France",
    "GB": "United Kingdom",
    "GR": "Greece",
    "HK": "Hong Kong",
    "HR": "Croatia",
    "HU": "Hungary",
    "IE": "Ireland",
    "IL": "Israel",
    "IN": "India",
    "IS": "Iceland",
    "IT": "Italy",
    "JP": "Japan",
    "KR": "Korea, Republic of",
    "LI": "Liechtenstein",
    "LT": "Lithuania",
    "LU": "Luxembourg",
    "LV": "Latvia",
    "MT": "Malta",
    "MX": "Mexico",
    "NL": "Netherlands",
    "NO": "Norway",
    "NZ": "New Zealand",
    "PL": "Poland",
    "PT": "Portugal",
    "RO": "Romania",
    "SE": "Sweden",
    "SG": "Singapore",
    "SI": "Slovenia",
    "SK": "Slovakia",
    "TR": "Türkiye",
    "UA": "Ukraine",
    "US": "United States",
    "ZA": "South Africa",
}
"""ISO 3166-1 alpha-2 → name, for the countries that a demo store sells to."""

SUBDIVISIONS: Final[dict[str, tuple[str, dict[str, str]]]] = {
    "US": (
        "state",
        {
            "CA": "California",
            "CO": "Colorado",
            "FL": "Florida",
            "IL": "Illinois",
            "MA": "Massachusetts",
            "NJ": "New Jersey",
            "NY": "New York",
            "OR": "Oregon",
            "PA": "Pennsylvania",
            "TX": "Texas",
            "WA": "Washington",
        },
    ),
    "CA": (
        "province",
        {"AB": "Alberta", "BC": "British Columbia", "ON": "Ontario", "QC": "Quebec"},
    ),
    "AU": (
        "state",
        {"NSW": "New South Wales", "QLD": "Queensland", "VIC": "Victoria"},
    ),
}
"""Country → (Tryton's type of subdivision, code within the country → name)."""
