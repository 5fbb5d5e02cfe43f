"""What all tests share: two devices, `eager`, and the time that a test may take (timing.py)."""

from contextlib import contextmanager

import pytest
import tensorflow as tf

from tests.timing import FILE, Timing

# Two, so that a MirroredStrategy has replicas; all else is on the first.
tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 2
)


def pytest_addoption(parser):
    parser.addoption("--record-durations", action="store_true", help="write tests/durations.json when the run ends")


def pytest_configure(config):
    config.pluginmanager.register(Timing(FILE if config.getoption("--record-durations") else None))


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
