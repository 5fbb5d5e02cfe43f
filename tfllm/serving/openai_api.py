"""OpenAI's interface: completions, chat completions, embeddings, the list of models."""

import asyncio

from fastapi import Request
from fastapi.responses import JSONResponse, StreamingResponse

from tfllm.serving import openai_forms, schemas
from tfllm.serving.batching import Full
from tfllm.serving.http import STATUS, content_of, note, until_left
from tfllm.serving.served_model import BadRequest
from tfllm.serving.service import TooLate
from tfllm.serving.writers import Writer


def add_routes(app, service):
    registry = service.registry

    def asked(request, content):
        name = content.get("model")
        if not isinstance(name, str):
            raise BadRequest("model must be the name of a model: see /v1/models")
        note(request, name)
        return name, registry.find(name)

    @app.get("/v1/models")
    async def models():
        data = [openai_forms.described(name, entry.created) for name, entry in registry.entries.items()]
        return {"object": "list", "data": data}

    @app.post("/v1/completions", openapi_extra=schemas.COMPLETION, responses=schemas.RESPONSES)
    async def completions(request: Request):
        content = await content_of(request, service)
        name, model = asked(request, content)
        prompts = openai_forms.texts_of(content.get("prompt", ""), "prompt")
        return await written(request, content, name, model, prompts, "prompt")

    @app.post("/v1/chat/completions", openapi_extra=schemas.CHAT, responses=schemas.RESPONSES)
    async def chat(request: Request):
        content = await content_of(request, service)
        name, model = asked(request, content)
        prompts = [openai_forms.history(content.get("messages"), model.about.get("facts", {}))]
        return await written(request, content, name, model, prompts, "messages")

    async def written(request, content, name, model, prompts, kind):
        scalars, most, n, stream = openai_forms.read(content, kind)
        writers = [
            Writer(model, service.answer, prompt, seeded(scalars, i), most)
            for prompt in prompts for i in range(n)
        ]  # fmt: skip
        form = openai_forms.Answer(name, kind == "messages")
        if stream:
            return StreamingResponse(events(writers, form), media_type="text/event-stream")
        texts = await until_left(request, gathered(writers))
        service.metrics.characters.inc(sum(map(len, texts)))
        return JSONResponse(form.whole(texts))

    async def events(writers, form):
        try:
            for i, writer in enumerate(writers):
                async for chunk in service.streamed(writer.chunks()):
                    yield openai_forms.event(form.chunk(i, chunk))
                yield openai_forms.event(form.chunk(i, "", "stop"))
            yield "data: [DONE]\n\n"
        except (BadRequest, Full, TooLate, RuntimeError) as error:  # the status is sent: errors are events
            yield openai_forms.event(openai_forms.error(str(error), STATUS.get(type(error), 500)))

    @app.post("/v1/embeddings", openapi_extra=schemas.EMBEDDING, responses=schemas.RESPONSES)
    async def embeddings(request: Request):
        content = await content_of(request, service)
        name, model = asked(request, content)
        texts = openai_forms.texts_of(content.get("input", []), "input")
        signature = model.signature()
        if "embedding" not in signature.outputs:
            raise BadRequest(f"model {name!r} gives no embeddings")
        outputs = await until_left(request, service.answer(signature, [texts], {}))
        form = content.get("encoding_format") or "float"
        return JSONResponse(openai_forms.embeddings(outputs["embedding"], name, form))


def seeded(scalars, i):
    """The scalars of choice i: choices of one prompt differ by their seed."""
    return scalars | {"seed": scalars.get("seed", 0) + i} if i else scalars


async def gathered(writers):
    return await asyncio.gather(*(writer.text() for writer in writers))
