"""The contract lies beside the tests, so pytest must be told to explain its assertions too."""

import pytest

pytest.register_assert_rewrite(
    "tests.erp.catalogue",
    "tests.erp.client_contract",
    "tests.erp.comparison",
    "tests.erp.contract",
    "tests.erp.life",
)
