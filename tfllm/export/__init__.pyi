from tfllm.export.saved_model import export as export
