"""Serving: exported SavedModels answer over HTTP. Needs `tensorflow` and the extra `serve`; loads no Keras."""
