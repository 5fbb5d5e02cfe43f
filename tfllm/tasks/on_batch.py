"""Keras' methods of one batch, for texts: `train_on_batch`, `test_on_batch`, `predict_on_batch`."""

from tfllm.tasks import user_data


class OnBatch:
    """Mixin, named before a keras.Model that has `batches`, `records` and a default `compile`, as a Task."""

    def train_on_batch(self, x, y=None, sample_weight=None, class_weight=None, return_dict=False):
        """As in Keras. Texts in any form that `fit` takes become one batch."""
        x = user_data.materialize(x)
        if not user_data.is_keras_data(x, with_targets=True):
            if class_weight is not None:
                raise ValueError("class_weight needs `fit`, or batches of numbers: give texts a sample_weight")
            (x, y, sample_weight), class_weight = self.one_batch(x, y, sample_weight), None
        return super().train_on_batch(x, y, sample_weight, class_weight, return_dict)

    def test_on_batch(self, x, y=None, sample_weight=None, return_dict=False):
        """As `train_on_batch`."""
        x = user_data.materialize(x)
        if not user_data.is_keras_data(x, with_targets=True):
            x, y, sample_weight = self.one_batch(x, y, sample_weight)
        return super().test_on_batch(x, y, sample_weight, return_dict)

    def predict_on_batch(self, x):
        """As in Keras; texts are handled as by `predict`."""
        x = user_data.materialize(x)
        return super().predict_on_batch(x) if user_data.is_keras_data(x) else self.predict(x)

    def one_batch(self, x, y=None, sample_weight=None):
        """Texts -> (inputs, targets, weights) of all their rows. Compiles an uncompiled task."""
        if not self.compiled:
            self.compile()
        result = self.batches(self.records(x, y, sample_weight), batch_size=2**31, shapes=1)
        return next(iter(result.dataset))
