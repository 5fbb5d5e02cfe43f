"""Prometheus metrics of a service, under the names of TensorFlow Serving and of Text Generation Inference."""

import os

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

METRICS = "PROMETHEUS_MULTIPROC_DIR"  # where workers share metrics, read by prometheus_client when it is imported
SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256)


class Measured(Gauge):
    """A gauge of a function that is called after each batch, so that other workers can report the last number."""

    def set_function(self, function):
        self.function = function

    def measure(self):
        self.set(self.function())


class Metrics:
    """TensorFlow Serving: request_count, request_latency (microseconds). TGI: tgi_queue_size, tgi_batch_current_size,
    tgi_request_duration, tgi_request_queue_duration, tgi_batch_inference_duration (seconds).

    Each of several workers reports the sums of all."""

    def __init__(self):
        self.registry = CollectorRegistry()
        own = {"registry": self.registry}
        self.requests = Counter(":tensorflow:serving:request_count", "requests", ["model_name", "status"], **own)
        self.latency = Histogram(
            ":tensorflow:serving:request_latency", "microseconds of a request", ["model_name", "API"],
            buckets=[1e6 * size for size in SECONDS], **own,
        )  # fmt: skip
        self.duration = Histogram("tgi_request_duration", "seconds of a request", buckets=SECONDS, **own)
        self.waited = Histogram("tgi_request_queue_duration", "seconds in the queue", buckets=SECONDS, **own)
        self.inference = Histogram("tgi_batch_inference_duration", "seconds of a batch", buckets=SECONDS, **own)
        self.first = Histogram("tgi_time_to_first_token", "seconds to the first streamed text", buckets=SECONDS, **own)
        self.batch = Histogram("tgi_batch_current_size", "texts of a batch", buckets=SIZES, **own)
        self.queue = Measured("tgi_queue_size", "texts that wait", multiprocess_mode="livesum", **own)
        self.characters = Counter("tfllm_generated_characters", "characters of written text", **own)

    def request(self, model, status, seconds):
        self.requests.labels(model, status).inc()
        self.latency.labels(model, "REST").observe(1e6 * seconds)
        self.duration.observe(seconds)

    def batched(self, signature, rows, waited, seconds):
        self.batch.observe(rows)
        self.waited.observe(max(waited, 0))
        self.inference.observe(seconds)
        self.queue.measure()

    def text(self):
        self.queue.measure()
        if METRICS not in os.environ:
            return generate_latest(self.registry)
        registry = CollectorRegistry()
        MultiProcessCollector(registry)
        return generate_latest(registry)
