"""The files for TensorFlow Serving, Compose, Kubernetes and KServe fit their schemas; each client gets an answer."""

import asyncio
import json
import runpy
import shutil
import subprocess
import threading
from concurrent import futures
from contextlib import contextmanager

import pytest
import tensorflow as tf
import yaml
from google.protobuf import text_format

from tests.serving import made
from tfllm.export import manifest, write_deployment
from tfllm.export.deployment import slug_of

NAME = "Films & more: é"
EXAMPLE = 'it\'s a "dog" $5'


class Plain(tf.Module):
    @tf.function(input_signature=[made.TEXTS])
    def serving_default(self, texts):
        return {"text": tf.strings.lower(texts)}


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """{is batched: folder of a model}; the one that is not has scalars in a signature, and two text inputs."""
    folder = tmp_path_factory.mktemp("models")
    made.written(folder / "tagger", {"example": EXAMPLE})
    plain = Plain()
    tf.saved_model.save(plain, str(folder / "plain" / "1"), signatures=plain.serving_default)
    manifest.write(folder / "plain" / "1", "Plain", {"example": EXAMPLE})
    return {True: folder / "plain", False: folder / "tagger"}


@pytest.fixture(scope="module", params=[True, False], ids=["batched", "not batched"])
def deployed(request, folders):
    """(is batched, folder/deploy)."""
    write_deployment(folders[request.param], NAME)
    return request.param, folders[request.param] / "deploy"


def test_what_exists_is_kept(folders, tmp_path):
    folder = shutil.copytree(folders[False], tmp_path / "tagger", ignore=shutil.ignore_patterns("deploy"))
    files = {path.name for path in write_deployment(folder)}
    assert files == {"models.config", "batching_parameters.txt", "docker-compose.yaml", "kubernetes.yaml",
                     "kserve.yaml", "curl.sh", "client_rest.py", "client_grpc.py"}  # fmt: skip
    (folder / "deploy" / "kserve.yaml").write_text("mine")
    (folder / "deploy" / "curl.sh").unlink()
    assert [path.name for path in write_deployment(folder)] == ["curl.sh"]
    assert (folder / "deploy" / "kserve.yaml").read_text() == "mine"
    manifest.check(folder / "1")
    (folder / "1" / manifest.PLACE).unlink()
    with pytest.raises(ValueError, match=r"has no assets\.extra/manifest\.json"):
        write_deployment(folder)
    with pytest.raises(FileNotFoundError, match="has no 1/saved_model.pb"):
        write_deployment(tmp_path)


def test_the_configs_of_tensorflow_serving(deployed):
    configs = pytest.importorskip("tensorflow_serving.config.model_server_config_pb2")
    is_batched, folder = deployed
    server = text_format.Parse((folder / "models.config").read_text("utf-8"), configs.ModelServerConfig())
    (model,) = server.model_config_list.config
    assert (model.name, model.base_path, model.model_platform) == (NAME, "/models/films-more", "tensorflow")
    assert model.model_version_policy.latest.num_versions == 1
    text = (folder / "batching_parameters.txt").read_text("utf-8")
    assert ("off: TensorFlow Serving cannot put together numbers, which sample takes" in text) != is_batched
    lines = [line.partition("#")[0].split() for line in text.splitlines() if not line.startswith("#")]
    numbers = {"max_batch_size", "batch_timeout_micros", "num_batch_threads", "max_enqueued_batches"}
    assert {line[0] for line in lines} == numbers
    assert all(line[1:3] == ["{", "value:"] and line[3].isdecimal() and line[4:] == ["}"] for line in lines)


def test_docker_compose(deployed):
    compose = pytest.importorskip("compose_pydantic")
    is_batched, folder = deployed
    content = yaml.safe_load((folder / "docker-compose.yaml").read_text("utf-8"))
    compose.ComposeSpecification(**content)
    service = content["services"]["films-more"]
    assert service["volumes"] == ["..:/models/films-more:ro"]
    assert service["image"] == f"tensorflow/serving:{tf.__version__}"
    assert all(port.startswith("127.0.0.1:") for port in service["ports"])
    check_flags(service["command"], is_batched, folder)


def check_flags(flags, is_batched, folder):
    """Each file that a flag names exists where the folder of the model is mounted."""
    names = dict(flag.split("=") for flag in flags)
    files = [value for name, value in names.items() if name.endswith("_file")]
    assert all(file.startswith("/models/films-more/") for file in files)
    assert all((folder.parent / file.removeprefix("/models/films-more/")).is_file() for file in files)
    assert ("--enable_batching" in names) == ("--batching_parameters_file" in names) == is_batched


def test_kubernetes(deployed):
    kubernetes = pytest.importorskip("kubernetes_validate")
    is_batched, folder = deployed
    deployment, service = yaml.safe_load_all((folder / "kubernetes.yaml").read_text("utf-8"))
    for one in (deployment, service):
        kubernetes.validate(one, "1.31", strict=True)
    pod = deployment["spec"]["template"]
    (container,) = pod["spec"]["containers"]
    assert container["readinessProbe"]["httpGet"]["path"] == "/v1/models/Films%20%26%20more%3A%20%C3%A9/metadata"
    assert service["spec"]["selector"] == pod["metadata"]["labels"] == deployment["spec"]["selector"]["matchLabels"]
    assert {port["targetPort"] for port in service["spec"]["ports"]} == {one["name"] for one in container["ports"]}
    assert "livenessProbe" in container and "startupProbe" in container
    check_flags(container["args"], is_batched, folder)

    kserve = yaml.safe_load((folder / "kserve.yaml").read_text("utf-8"))
    assert (kserve["apiVersion"], kserve["kind"]) == ("serving.kserve.io/v1beta1", "InferenceService")
    model = kserve["spec"]["predictor"].pop("model")
    assert model.pop("modelFormat") == {"name": "tensorflow"} and model.pop("protocolVersion") == "v1"
    assert model.pop("storageUri") == "pvc://models/films-more" and kserve["spec"]["predictor"] == {"minReplicas": 1}
    rest = {"spec": {"containers": [model | {"name": "kserve-container"}]}, "metadata": kserve["metadata"]}
    kubernetes.validate({"apiVersion": "v1", "kind": "Pod"} | rest, "1.31", strict=True)  # the rest is a container


@pytest.mark.parametrize("name, slug", [("reviews", "reviews"), ("MT_de-en", "mt-de-en"), ("2 films!", "films"),
                                        ("中文", "model"), ("a" * 39 + "_b", "a" * 39)])  # fmt: skip
def test_names_for_kubernetes(name, slug):
    assert slug_of(name) == slug


# The clients


def expected(is_batched):
    if is_batched:
        return [EXAMPLE.lower()]
    return {"text": [(2 * EXAMPLE).lower()], "length": [len(EXAMPLE)], "words": [EXAMPLE.split()]}


@contextmanager
def served(folder):
    """The address of our own server, in a thread."""
    uvicorn = pytest.importorskip("uvicorn")
    from tfllm.serving.app import application
    from tfllm.serving.registry import Registry
    from tfllm.serving.service import Service

    service = Service(Registry({NAME: folder}))
    server = uvicorn.Server(uvicorn.Config(application(service), port=0, log_config=None, lifespan="off"))
    started = threading.Event()

    async def run():
        await service.registry.refresh()
        serving = asyncio.ensure_future(server.serve())
        while not server.started:
            await asyncio.sleep(0.01)
        started.set()
        await serving
        await service.batcher.close()

    thread = threading.Thread(target=asyncio.run, args=[run()])
    thread.start()
    assert started.wait(60)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()


def test_clients_of_rest(deployed, monkeypatch, capsys):
    is_batched, folder = deployed
    with served(folder.parent) as address:
        monkeypatch.setenv("MODEL_URL", address)
        monkeypatch.setattr("sys.argv", ["client_rest.py"])
        runpy.run_path(str(folder / "client_rest.py"), run_name="__main__")
        assert json.loads(capsys.readouterr().out) == expected(is_batched)
        monkeypatch.setattr("sys.argv", ["client_rest.py", *(["Ab"] if is_batched else ["refused", "x"])])
        if is_batched:
            runpy.run_path(str(folder / "client_rest.py"), run_name="__main__")
            assert json.loads(capsys.readouterr().out) == ["ab"]
        else:
            with pytest.raises(SystemExit, match=r"400: .*a text that is refused"):
                runpy.run_path(str(folder / "client_rest.py"), run_name="__main__")
        if shutil.which("curl"):
            run = subprocess.run(["sh", str(folder / "curl.sh"), address], capture_output=True, text=True, check=True)
            state, _, answer = run.stdout.partition("}{")
            assert "AVAILABLE" in state and json.loads("{" + answer) == {"outputs": expected(is_batched)}


def test_the_client_of_grpc(deployed, monkeypatch, capsys):
    grpc = pytest.importorskip("grpc")
    service = pytest.importorskip("tensorflow_serving.apis.prediction_service_pb2_grpc")
    from tensorflow_serving.apis.predict_pb2 import PredictResponse

    is_batched, folder = deployed
    model = tf.saved_model.load(str(folder.parent / "1"))

    class Answers(service.PredictionServiceServicer):
        def Predict(self, request, context):  # noqa: N802  the name of the protocol
            assert request.model_spec.name == NAME
            inputs = {name: tf.constant(tf.make_ndarray(tensor)) for name, tensor in request.inputs.items()}
            outputs = model.signatures[request.model_spec.signature_name](**inputs)
            return PredictResponse(outputs={name: tf.make_tensor_proto(part) for name, part in outputs.items()})

    server = grpc.server(futures.ThreadPoolExecutor(1))
    service.add_PredictionServiceServicer_to_server(Answers(), server)
    monkeypatch.setenv("MODEL_ADDRESS", f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}")
    monkeypatch.setattr("sys.argv", ["client_grpc.py"])
    server.start()
    try:
        runpy.run_path(str(folder / "client_grpc.py"), run_name="__main__")
    finally:
        server.stop(None)
    answer = json.loads(capsys.readouterr().out)
    assert answer == ({"text": expected(True)} if is_batched else expected(False))
