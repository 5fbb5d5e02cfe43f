"""What all interfaces share: reading a request within limits, the form of errors, clients that leave."""

import asyncio

from fastapi.responses import JSONResponse

from tfllm.serving import openai_forms, payloads
from tfllm.serving.batching import Full
from tfllm.serving.registry import NotFound
from tfllm.serving.served_model import BadRequest
from tfllm.serving.service import Draining, TooLate

STATUS = {BadRequest: 400, NotFound: 404, Full: 429, Draining: 503, TooLate: 504}
OPENAI = ("/v1/completions", "/v1/chat/completions", "/v1/embeddings")


class TooLarge(Exception):
    """The body of a request is longer than the limit: status 413."""


class Left(Exception):
    """The client has closed the connection; nobody reads the answer."""


def failure(path, message, status, headers=None):
    """An error in the form of the interface that the path belongs to."""
    content = openai_forms.error(message, status) if path in OPENAI else {"error": message}
    return JSONResponse(content, status, headers)


async def content_of(request, service):
    """The JSON object of a request. Raises TooLarge, BadRequest."""
    limit, parts, size = service.limits.max_bytes, [], 0
    declared = request.headers.get("content-length", "")
    async for part in request.stream():
        size += len(part)
        if max(size, int(declared) if declared.isdigit() else 0) > limit:
            raise TooLarge(f"the body is longer than {limit} bytes")
        parts.append(part)
    content = payloads.body(b"".join(parts))
    if service.log_text:
        request.state.fields = getattr(request.state, "fields", {}) | {"body": content}
    return content


async def until_left(request, work):
    """The result of a coroutine, which is cancelled if the client closes the connection. Raises Left."""
    task = asyncio.ensure_future(work)
    gone = asyncio.ensure_future(disconnected(request))
    try:
        await asyncio.wait({task, gone}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise Left
        return task.result()
    finally:
        for one in (task, gone):
            one.cancel()


async def disconnected(request):
    """Ends when the client has closed the connection. The body must have been read."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


def note(request, name, rows=None):
    fields = {"model": name} | ({} if rows is None else {"rows": rows})
    request.state.fields = getattr(request.state, "fields", {}) | fields
