"""The app and somebody who opened its page; a file of tests may have others of the same name."""

import pytest

from app_server import by_brightness, opened_page, root_of_one_model, served_root

network = pytest.fixture(by_brightness)
root = pytest.fixture(root_of_one_model)
app = pytest.fixture(served_root)
visitor = pytest.fixture(opened_page)
