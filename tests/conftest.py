"""What all tests share: two devices, `eager`, and the order of the files."""

from contextlib import contextmanager

import pytest
import tensorflow as tf

LONG = ("test_notebooks.py", "test_readme.py", "test_language_model_road.py", "test_fine_tuning.py", "test_one_road.py")

# Two, so that a MirroredStrategy has replicas; all else is on the first.
tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 2
)


@contextmanager
def eagerly():
    """Nothing but tf.data is compiled: that takes most of the time of a small model that makes few steps."""
    tf.config.run_functions_eagerly(True)
    try:
        yield
    finally:
        tf.config.run_functions_eagerly(False)


@pytest.fixture
def eager():
    with eagerly():
        yield


def pytest_collection_modifyitems(items):
    """Long files first: where several processes share the tests, none is left alone with a long one at the end."""
    items.sort(key=lambda item: item.path.name not in LONG)
