"""The models of a service: name -> versions; new versions are loaded and warmed before the old one is dropped."""

import asyncio
import logging
import time
from pathlib import Path

from tfllm.export.versions import versions_of
from tfllm.serving.served_model import ServedModel

log = logging.getLogger("tfllm.serving")


class NotFound(LookupError):
    """No such model, version or label: status 404."""


class Entry:
    """One model: its folder, the loaded versions {number: ServedModel}, and the state of each version that was seen."""

    def __init__(self, name, folder, labels):
        self.name, self.folder, self.labels = name, Path(folder), labels
        self.loaded, self.states, self.created = {}, {}, int(time.time())


class Registry:
    """Models by name. folders: {name: folder with versions 1, 2, ...}. labels: {name: {label: version}}.

    Of each model the newest version is served, and those that a label names.
    """

    def __init__(self, folders, labels=None, trust=False, batch_size=32):
        self.entries = {name: Entry(name, folder, (labels or {}).get(name, {})) for name, folder in folders.items()}
        self.trust, self.batch_size = trust, batch_size

    @property
    def is_ready(self):
        return all(entry.loaded for entry in self.entries.values())

    def entry(self, name):
        if name not in self.entries:
            raise NotFound(f"Servable not found for request: Latest({name})")
        return self.entries[name]

    def find(self, name, version=None, label=None):
        """The ServedModel of a name, of the newest version unless another, or a label, is named. Raises NotFound."""
        entry = self.entry(name)
        if label is not None:
            if label not in entry.labels:
                raise NotFound(f"Unrecognized servable version label: {label}")
            version = entry.labels[label]
        version = max(entry.loaded, default=None) if version is None else int(version)
        if version not in entry.loaded:
            raise NotFound(f"Servable not found for request: Specific({name}, {version})")
        return entry.loaded[version]

    async def refresh(self):
        """Load what is new in the folders, then drop what is replaced. A version that fails leaves the others."""
        for entry in self.entries.values():
            found = versions_of(entry.folder)
            wanted = {*found[-1:], *(version for version in entry.labels.values() if version in found)}
            for version in sorted(wanted - entry.loaded.keys()):
                await self.add(entry, version)
            if entry.loaded.keys() & wanted:
                for version in entry.loaded.keys() - wanted:
                    self.drop(entry, version)

    async def add(self, entry, version):
        path, begin = entry.folder / str(version), time.monotonic()
        before = entry.states.get(version)
        entry.states[version] = "LOADING", ""
        try:
            entry.loaded[version] = await asyncio.get_running_loop().run_in_executor(None, self.made, path)
        except Exception as error:
            entry.states[version] = "END", str(error)
            if entry.states[version] != before:  # it is tried again later: its files may not all be there yet
                fields = {"model": entry.name, "version": version, "error": str(error)}
                log.error("cannot load", extra={"fields": fields})
            return
        entry.states[version] = "AVAILABLE", ""
        fields = {"model": entry.name, "version": version, "seconds": round(time.monotonic() - begin, 2)}
        log.info("loaded", extra={"fields": fields})

    def made(self, path):
        model = ServedModel(path, self.trust)
        model.warm(self.batch_size)
        return model

    def drop(self, entry, version):
        """Requests that have the old version already end with it; new ones do not find it."""
        del entry.loaded[version]
        entry.states[version] = "END", ""
        log.info("dropped", extra={"fields": {"model": entry.name, "version": version}})

    async def watch(self, seconds):
        """Refresh every so many seconds, until cancelled."""
        while True:
            await asyncio.sleep(seconds)
            try:
                await self.refresh()
            except OSError as error:
                log.error("cannot read", extra={"fields": {"error": str(error)}})

    def status(self, name, version=None):
        """TensorFlow Serving's model_version_status."""
        entry = self.entry(name)
        if version is not None and int(version) not in entry.states:
            raise NotFound(f"Could not find version {version} of model {name}")
        wanted = entry.states if version is None else {int(version): entry.states[int(version)]}
        return [
            {"version": str(number), "state": state,
             "status": {"error_code": "UNKNOWN" if problem else "OK", "error_message": problem}}
            for number, (state, problem) in sorted(wanted.items(), reverse=True)
        ]  # fmt: skip
