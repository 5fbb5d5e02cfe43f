"""JSON schemas of request bodies and of answers, for the OpenAPI page."""

TEXT = {"oneOf": [{"type": "string"}, {"type": "object", "required": ["b64"], "properties": {"b64": {
    "type": "string", "contentEncoding": "base64"}}, "additionalProperties": False}]}  # fmt: skip
NUMBER = {"type": "number"}
INSTANCE = {"oneOf": [{"type": "string"}, {"type": "object", "additionalProperties": TEXT}]}
ERROR = {"type": "object", "required": ["error"], "properties": {"error": {}}}


def body(properties, required=()):
    schema = {"type": "object", "properties": properties, "required": list(required)}
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


PREDICT = body({"signature_name": {"type": "string"}, "instances": {"type": "array", "items": INSTANCE},
                "inputs": {"oneOf": [{"type": "array", "items": TEXT}, {"type": "object"}]}})  # fmt: skip
TENSOR = {"type": "object", "required": ["name", "shape", "datatype", "data"], "properties": {
    "name": {"type": "string"}, "shape": {"type": "array", "items": {"type": "integer"}},
    "datatype": {"type": "string"}, "data": {"type": "array"}}}  # fmt: skip
INFER = body({"id": {"type": "string"}, "inputs": {"type": "array", "items": TENSOR},
              "parameters": {"type": "object"}}, ["inputs"])  # fmt: skip
SAMPLED = {"max_tokens": {"type": "integer"}, "temperature": NUMBER, "top_p": NUMBER, "seed": {"type": "integer"},
           "n": {"type": "integer"}, "stream": {"type": "boolean"}}  # fmt: skip
STRINGS = {"oneOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}
MODEL = {"model": {"type": "string"}}
COMPLETION = body(MODEL | {"prompt": STRINGS} | SAMPLED, ["model", "prompt"])
MESSAGE = {"type": "object", "required": ["role", "content"], "properties": {
    "role": {"type": "string", "enum": ["system", "user", "assistant"]}, "content": {"type": "string"}}}  # fmt: skip
CHAT = body(MODEL | {"messages": {"type": "array", "items": MESSAGE}} | SAMPLED, ["model", "messages"])
EMBEDDING = body(MODEL | {"input": STRINGS, "encoding_format": {"type": "string"}}, ["model", "input"])
RESPONSES = {
    status: {"description": why, "content": {"application/json": {"schema": ERROR}}}
    for status, why in {
        400: "the request is wrong", 401: "no valid API key", 404: "no such model", 405: "another method",
        413: "the body is too long", 429: "too many texts wait", 503: "the service is stopping",
        504: "the time limit is over",
    }.items()
}  # fmt: skip


def with_names(page, names):
    """The OpenAPI page with the names of the models where a path or a body has one."""
    for path in page["paths"].values():
        for operation in path.values():
            for parameter in operation.get("parameters", ()):
                if parameter["name"] == "name":
                    parameter["schema"]["enum"] = names
            content = operation.get("requestBody", {}).get("content", {})
            properties = content.get("application/json", {}).get("schema", {}).get("properties", {})
            if "model" in properties:
                properties["model"] = {"type": "string", "enum": names}
    return page
