from tfllm.export.deployment import write_deployment as write_deployment
from tfllm.export.saved_model import export as export
