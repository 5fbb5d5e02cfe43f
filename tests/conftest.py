"""What all tests share: two devices, `eager`, a quick Adam, and the time that a test may take (timing.py)."""

from contextlib import contextmanager

import keras
import pytest
import tensorflow as tf

from tests.timing import FILE, Timing
from tfllm.private_api import weight_index

# Two, so that a MirroredStrategy has replicas; all else is on the first.
tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 2
)


def in_one_operation(update):
    """Adam's update by TensorFlow's operation for it, where nothing is traced.

    Keras makes it of twenty: half of the time that a small model takes for an eager step. Traced, it is Keras' own.
    """

    def update_step(self, gradient, variable, learning_rate):
        if not tf.executing_eagerly() or self.amsgrad or variable.dtype != tf.float32:
            return update(self, gradient, variable, learning_rate)
        i, step = weight_index(self, variable), float(self.iterations.numpy()) + 1
        tf.raw_ops.ResourceApplyAdam(
            var=variable.handle, m=self._momentums[i].value.handle, v=self._velocities[i].value.handle,
            beta1_power=self.beta_1**step, beta2_power=self.beta_2**step, lr=tf.cast(learning_rate, tf.float32),
            beta1=self.beta_1, beta2=self.beta_2, epsilon=self.epsilon, grad=tf.convert_to_tensor(gradient),
        )  # fmt: skip

    return update_step


keras.optimizers.Adam.update_step = in_one_operation(keras.optimizers.Adam.update_step)


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
