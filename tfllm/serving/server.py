"""Run a service: load the models, listen, stop without losing a request."""

import asyncio
import logging
import signal

import uvicorn

from tfllm.serving.app import application
from tfllm.serving.registry import Registry
from tfllm.serving.service import Service

log = logging.getLogger("tfllm.serving")


class Server(uvicorn.Server):
    """SIGTERM and SIGINT: not ready at once, and new requests are refused; after `grace` seconds, in which load
    balancers notice, the socket is closed, requests in flight are finished, and the process ends with 0. A second
    signal ends it at once."""

    def __init__(self, config, service, grace):
        super().__init__(config)
        self.service, self.grace = service, grace

    def handle_exit(self, sig, frame):
        if self.service.draining:
            self.should_exit = self.force_exit = True
            return
        self.service.draining = True
        log.info("stopping", extra={"fields": {"signal": signal.Signals(sig).name}})
        asyncio.get_running_loop().call_later(self.grace, self.end)

    def end(self):
        self.should_exit = True


async def serve(folders, limits, *, host, port, labels=None, trust=False, keys=(), origins=(), page=False, poll=5.0,
                grace=1.0, log_text=False, ready=None, sock=None):  # fmt: skip
    """Serve until a signal. folders: {name: folder}. poll: seconds between looks for new versions, 0 for never.

    ready(server): called when requests are answered. sock: one that listens, instead of host and port.
    Raises ValueError if a model cannot be loaded at the start.
    """
    registry = Registry(folders, labels, trust, limits.batch_size)
    await registry.refresh()
    for name, entry in registry.entries.items():
        if not entry.loaded:
            problems = [problem for _, problem in entry.states.values() if problem]
            raise ValueError(problems[0] if problems else f"{entry.folder} has no version of {name}: 1/saved_model.pb")
    service = Service(registry, limits, keys, log_text)
    config = uvicorn.Config(application(service, page, origins), host=host, port=port, log_config=None,
                            access_log=False, lifespan="off", timeout_keep_alive=30)  # fmt: skip
    server = Server(config, service, grace)
    watching = asyncio.ensure_future(registry.watch(poll)) if poll else None
    try:
        starting = asyncio.ensure_future(announced(server, ready)) if ready else None
        await server.serve([sock] if sock else None)
        if starting:
            starting.cancel()
    finally:
        if watching:
            watching.cancel()
    await service.batcher.close()


async def announced(server, ready):
    while not server.started:
        await asyncio.sleep(0.01)
    ready(server)
