"""Answers to files of any length on Ray Data: on all machines of a cluster, resumable after any interruption.

The records get numbers and are written to FOLDER/.records as Parquet, which the workers read; each worker loads the
SavedModel once. The answers are FOLDER/*.json, a line each, in no order, with the number of their "record", from 0. Ray
Data notes in FOLDER/.done what is answered, so that the same command goes on with the rest. On a cluster all machines
must see these folders and that of the model.
"""

import itertools
import json
import os
import shutil
from pathlib import Path

PART = 10_000  # records of a file of FOLDER/.records
BLOCK = 1 << 20  # bytes of records or answers that are written, and noted as answered, together


def predict(path, name, sources, folder, field=None, batch_size=64, workers=None, restart=False, scalars=None,
            trust=False, part=PART):  # fmt: skip
    """Write the answers to all records of the files `sources` into `folder`; returns the number of records.

    path: a SavedModel's folder. name: of a signature. workers: at most so many, default one a core of the cluster that
    RAY_ADDRESS names, or of this machine. The others are as in `batch_inference.predict`. Raises ImportError without
    Ray, ValueError for a signature that draws random numbers, and for a folder with the answers of another job.
    """
    ray = imported()
    from tfllm.serving import batch_inference
    from tfllm.serving.served_model import ServedModel

    model = ServedModel(path, trust)
    signature = model.signature(name)
    if signature.is_random:
        raise ValueError(
            f"{signature.name} draws random numbers by the order of texts, which is not kept: leave --ray out"
        )
    what, note = batch_inference.job(model, signature, sources, field, scalars), Path(folder) / ".job.json"
    folder = Path(folder).resolve()
    if restart and note.exists():
        shutil.rmtree(folder)
    known = json.loads(note.read_text("utf-8")) if note.exists() else None
    if known and known["job"] != json.loads(json.dumps(what)):
        raise ValueError(f"{folder} is of another input, model or options: --restart begins anew")
    if not known:
        folder.mkdir(exist_ok=True)
        count = stage(batch_inference.records(sources, signature, field), signature.texts, folder / ".records", part)
        known = {"job": what, "records": count, "finished": False}
        note.write_text(json.dumps(known), "utf-8")  # from here on, the same command goes on
    if not known["finished"]:
        answer(ray, folder, (str(Path(path).resolve()), signature.name, scalars, trust), batch_size, workers)
        note.write_text(json.dumps(known | {"finished": True}), "utf-8")
    return known["records"]


def answer(ray, folder, arguments, batch_size, workers):
    """Answer what is in folder/.records and not in folder/.done. arguments: of an Answerer."""
    cores = os.cpu_count() or 1
    local = {} if os.environ.get("RAY_ADDRESS") else {"num_cpus": cores + 2}  # two of Ray's own operators need one too
    ray.init(ignore_reinit_error=True, log_to_driver=False, logging_level="ERROR", **local)
    context = ray.data.DataContext.get_current()
    context.target_min_block_size, context.target_max_block_size = BLOCK // 4, BLOCK
    context.checkpoint_config = ray.data.checkpoint.CheckpointConfig(
        "record", str(folder / ".done"), delete_checkpoint_on_success=False
    )
    parts = sum(1 for _ in (folder / ".records").iterdir())
    pool = ray.data.ActorPoolStrategy(min_size=1, max_size=workers or max(1, int(ray.cluster_resources()["CPU"]) - 2))
    records = ray.data.read_parquet(str(folder / ".records"), override_num_blocks=parts)
    answers = records.map_batches(
        Answerer, fn_constructor_args=arguments, batch_size=batch_size, batch_format="pyarrow", compute=pool, num_cpus=1
    )
    answers.write_json(str(folder), mode="append")


def imported():
    try:
        import ray
        import ray.data.checkpoint
    except ImportError:
        raise ImportError("--ray needs Ray Data: pip install 'tfllm[ray]'") from None
    return ray


def stage(records, names, folder, size):
    """Write numbered records, tuples of bytes or an error, as folder/N.parquet: the columns record, error, text_NAME.

    size: records of a file. Returns the number of records.
    """
    import pyarrow as pa
    from pyarrow.parquet import write_table

    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    numbered, count = enumerate(records), 0
    while rows := list(itertools.islice(numbered, size)):
        wrong = [str(row) if isinstance(row, Exception) else None for _, row in rows]
        table = {"record": pa.array([i for i, _ in rows], pa.int64()), "error": pa.array(wrong, pa.string())}
        for k, name in enumerate(names):
            column = [None if error else row[k] for (_, row), error in zip(rows, wrong, strict=True)]
            table[f"text_{name}"] = pa.array(column, pa.binary())
        write_table(pa.table(table), folder / f"{count}.parquet")
        count += len(rows)
    return count


class Answerer:
    """A worker: a table of records -> a table of records and their answers, as JSON text of the outputs."""

    def __init__(self, path, name, scalars, trust):
        os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")
        from tfllm.serving.served_model import ServedModel

        self.model = ServedModel(path, trust)
        self.signature = self.model.signature(name)
        self.scalars = self.signature.read_scalars(scalars or {})

    def __call__(self, table):
        import pyarrow as pa

        from tfllm.serving.batch_inference import batch

        rows = table.to_pylist()
        good = [row for row in rows if row["error"] is None]
        texts = [tuple(row[f"text_{name}"] for name in self.signature.texts) for row in good]
        answers = batch(self.signature, texts, self.scalars) if good else []
        found = {row["record"]: answer for row, answer in zip(good, answers, strict=True)}
        keys = ("error", *self.signature.outputs)
        result = [{"record": row["record"]} | dict.fromkeys(keys) | found.get(row["record"], {"error": row["error"]})
                  for row in rows]  # fmt: skip
        return pa.Table.from_pylist(result)
