"""The application of a service: TensorFlow Serving's REST, KServe's version 2, OpenAI's; health, metrics, a page.

All ask the same `Service`. Bodies are read here and not by FastAPI, so that their size is limited before they are in
memory, and errors keep the form of the interface.
"""

import logging
import time
from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.responses import FileResponse, PlainTextResponse
from starlette.exceptions import HTTPException

from tfllm.serving import kserve, openai_api, schemas, tensorflow_serving
from tfllm.serving.batching import Full
from tfllm.serving.http import STATUS, Left, TooLarge, failure
from tfllm.serving.service import Draining

log = logging.getLogger("tfllm.serving")
OPEN = ("/v2/health", "/metrics", "/monitoring", "/ui", "/docs", "/openapi.json")  # answered without a key
PAGE = Path(__file__).with_name("page.html")


def application(service, page=False, origins=()):
    """The ASGI application of a Service. page: serve a page to try the models at /ui. origins: allowed by CORS."""
    app = FastAPI(title="tfllm", description="Text in, text out", version="1", redoc_url=None)
    if origins:
        from starlette.middleware.cors import CORSMiddleware

        app.add_middleware(CORSMiddleware, allow_origins=list(origins), allow_methods=["*"], allow_headers=["*"])
    observed(app, service)
    for interface in (tensorflow_serving, kserve, openai_api):
        interface.add_routes(app, service)
    app.openapi = lambda: schemas.with_names(type(app).openapi(app), list(service.registry.entries))
    if page:
        app.get("/ui", include_in_schema=False)(lambda: FileResponse(PAGE, media_type="text/html"))
    return app


def observed(app, service):
    """Keys, draining, error forms, logs and metrics: around every request."""

    @app.middleware("http")
    async def around(request: Request, call):
        begin, path = time.monotonic(), request.url.path
        is_open = path.startswith(OPEN)
        if not is_open and not service.is_allowed(request.headers.get("authorization")):
            response = failure(path, "a valid API key is needed: Authorization: Bearer KEY", 401)
        elif service.draining and not is_open:
            response = failure(path, "the service is stopping", 503)
        else:
            try:
                response = await call(request)
            except Exception as error:
                log.exception("failed", extra={"fields": {"path": path}})
                response = failure(path, f"internal error: {type(error).__name__}", 500)
        seconds = time.monotonic() - begin
        fields = getattr(request.state, "fields", {})
        if "model" in fields:
            service.metrics.request(fields["model"], response.status_code, seconds)
        if not is_open:
            fields = {"method": request.method, "path": path, "status": response.status_code,
                      "ms": round(1000 * seconds, 1)} | fields  # fmt: skip
            log.info("request", extra={"fields": fields})
        return response

    async def known(request, error):
        headers = {"Retry-After": "1"} if isinstance(error, Full | Draining) else None
        return failure(request.url.path, str(error), STATUS[type(error)], headers)

    for kind in STATUS:
        app.exception_handler(kind)(known)

    @app.exception_handler(TooLarge)
    async def too_large(request, error):
        return failure(request.url.path, str(error), 413, {"Connection": "close"})

    @app.exception_handler(Left)
    async def left(request, error):
        return PlainTextResponse("", 499)

    @app.exception_handler(HTTPException)
    async def http(request, error):
        return failure(request.url.path, str(error.detail), error.status_code, error.headers)

    @app.get("/metrics", include_in_schema=False)
    @app.get("/monitoring/prometheus/metrics", include_in_schema=False)
    async def metrics():
        return PlainTextResponse(service.metrics.text(), media_type="text/plain; version=0.0.4")
