"""TensorFlow Serving's REST interface: status, metadata, predict. https://www.tensorflow.org/tfx/serving/api_rest"""

from fastapi import Request
from fastapi.responses import JSONResponse

from tfllm.serving import openai_forms, payloads, schemas
from tfllm.serving.http import content_of, note, until_left


def add_routes(app, service):
    registry = service.registry

    async def predict(request: Request, name: str, version: int | None = None, label: str | None = None):
        model = registry.find(name, version, label)
        note(request, name)
        content = await content_of(request, service)
        signature, columns, scalars, by_rows = payloads.predict_request(content, model)
        note(request, name, len(columns[0]))
        outputs = await until_left(request, service.answer(signature, columns, scalars))
        return JSONResponse(payloads.predict_response(outputs, by_rows))

    async def metadata(name: str, version: int | None = None, label: str | None = None):
        model = registry.find(name, version, label)
        signatures = {key: payloads.signature_def(one) for key, one in sorted(model.definitions.items())}
        return {
            "model_spec": {"name": name, "signature_name": "", "version": str(model.version)},
            "metadata": {"signature_def": {
                "@type": "type.googleapis.com/tensorflow.serving.SignatureDefMap", "signature_def": signatures,
            }},
            "about": model.about,
        }  # fmt: skip

    async def status(name: str, version: int | None = None, label: str | None = None):
        if label is not None:
            version = registry.find(name, label=label).version
        entry = registry.entry(name)
        own = openai_forms.described(name, entry.created) if version is None else {}
        return {"model_version_status": registry.status(name, version)} | own

    for part in ("", "/versions/{version}", "/labels/{label}"):
        base = "/v1/models/{name}" + part
        app.post(base + ":predict", openapi_extra=schemas.PREDICT, responses=schemas.RESPONSES)(predict)
        app.get(base + "/metadata", responses=schemas.RESPONSES)(metadata)
        app.get(base, responses=schemas.RESPONSES)(status)
