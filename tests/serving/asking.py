"""Requests to an application in this process."""

import asyncio

import httpx

from tfllm.serving.app import application
from tfllm.serving.service import Limits, Service


def ask(registry, *requests, service=None, **options):
    """The answers to [(method, path, options)] of one application."""

    async def all_of_them():
        one = service or Service(registry, Limits(latency=0.001, max_bytes=5000))
        transport = httpx.ASGITransport(application(one, **options), raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            result = [await client.request(method, path, **given) for method, path, given in requests]
        await one.batcher.close()
        return result

    return asyncio.run(all_of_them())


def post(registry, path, content):
    (answer,) = ask(
        registry, ("POST", path, {"json": content} if not isinstance(content, bytes) else {"content": content})
    )
    return answer
