"""Converts weights of recurrent layers from cuDNN's layout to that of Keras' cells.

`CuDNNLSTM` and `CuDNNGRU` of Keras 2 and `tf.compat.v1` stored, for each gate, the matrix W of W x with the units as
rows in one block of memory, and two biases. Keras' cells use x W, and one bias (LSTM) or two (a GRU that resets after
the matrix). The order of the gates is the same: i f c o, and z r h.
"""

import numpy as np

GATES = {4: "LSTM", 3: "GRU"}


def keras_layout(kernel, recurrent, bias):
    """kernel [D, gates · U], recurrent [U, gates · U] and bias of one layer, in either layout -> in Keras'.

    The shape of the bias shows the layout: [8U] is CuDNNLSTM, [6U] CuDNNGRU; [4U] and [2, 3U] are Keras' own and not
    changed. Raises ValueError for any other, such as the GRU that resets before the matrix, [3U].
    """
    units = recurrent.shape[0]
    gates = recurrent.shape[1] // units
    if bias.shape == {4: (4 * units,), 3: (2, 3 * units)}.get(gates):
        return kernel, recurrent, bias
    if gates not in GATES or bias.shape != (2 * gates * units,):
        raise ValueError(
            f"recurrent {recurrent.shape} and bias {bias.shape} do not belong to a supported LSTM or GRU: expected "
            f"bias ({4 * units},) or ({8 * units},) for an LSTM, (2, {3 * units}) or ({6 * units},) for a GRU"
        )
    kernel = np.hstack([block.reshape(units, -1).T for block in np.hsplit(kernel, gates)])
    recurrent = np.hstack([block.T for block in np.hsplit(recurrent, gates)])
    bias = bias.reshape(2, -1)
    return kernel, recurrent, bias.sum(0) if gates == 4 else bias
