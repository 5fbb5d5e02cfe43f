from tfllm.serving.app import application as application
from tfllm.serving.registry import Registry as Registry
from tfllm.serving.served_model import ServedModel as ServedModel
from tfllm.serving.server import serve as serve
from tfllm.serving.service import Limits as Limits
from tfllm.serving.service import Service as Service
