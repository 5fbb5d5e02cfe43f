"""KServe's open inference protocol, version 2, over REST: health, metadata, infer."""

from fastapi import Request
from fastapi.responses import JSONResponse

from tfllm.serving import payloads, schemas
from tfllm.serving.http import content_of, note, until_left


def add_routes(app, service):
    registry = service.registry

    @app.get("/v2/health/live")
    async def live():
        return {"live": True}

    @app.get("/v2/health/ready", responses=schemas.RESPONSES)
    async def ready():
        return JSONResponse({"ready": service.is_ready}, 200 if service.is_ready else 503)

    @app.get("/v2")
    async def server():
        return {"name": "tfllm", "version": "1", "extensions": []}

    @app.get("/v2/models/{name}", responses=schemas.RESPONSES)
    async def model(name: str):
        return payloads.infer_metadata(registry.find(name), name, sorted(registry.entry(name).loaded))

    @app.get("/v2/models/{name}/ready", responses=schemas.RESPONSES)
    async def model_ready(name: str):
        is_ready = bool(registry.entry(name).loaded) and not service.draining
        return JSONResponse({"name": name, "ready": is_ready}, 200 if is_ready else 503)

    async def infer(request: Request, name: str, version: int | None = None):
        found = registry.find(name, version)
        content = await content_of(request, service)
        signature, columns, scalars = payloads.infer_request(content, found)
        note(request, name, len(columns[0]))
        outputs = await until_left(request, service.answer(signature, columns, scalars))
        own = {"id": content["id"]} if isinstance(content.get("id"), str) else {}
        return JSONResponse(own | payloads.infer_response(outputs, name, found.version))

    for part in ("", "/versions/{version}"):
        app.post("/v2/models/{name}" + part + "/infer", openapi_extra=schemas.INFER, responses=schemas.RESPONSES)(infer)
