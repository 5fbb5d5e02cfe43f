"""Several processes that answer at one socket, and the one that starts again those that end.

The supervisor has no model and loads no TensorFlow. All workers accept connections of one listening socket, so that
those that wait are answered by the others when a worker dies. Workers end with the supervisor.
"""

import logging
import multiprocessing
import os
import signal
import socket
import tempfile
import threading
import time
from multiprocessing.connection import wait

from tfllm.serving.prometheus import METRICS

log = logging.getLogger("tfllm.serving")
SOON = 5.0  # seconds; a worker that ends so soon after its start is started again after a second


def supervise(count, answer, host, port, announce):
    """Run answer(sock, ready) in `count` processes until SIGTERM or SIGINT, which they get as SIGTERM, and have ended.

    answer: a function that can be pickled; it calls ready(...) once requests are answered. announce(address): called
    when all workers are ready for the first time. Raises ValueError if one fails before.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with (
        tempfile.TemporaryDirectory(prefix="tfllm-metrics-") as folder,
        socket.create_server((host, port), family=family, backlog=2048) as sock,
    ):
        os.environ[METRICS] = folder
        os.environ.setdefault("TF_NUM_INTRAOP_THREADS", str(max(1, (os.cpu_count() or 1) // count)))
        Supervisor(count, answer, sock).run(announce)


class Supervisor:
    def __init__(self, count, answer, sock):
        self.answer, self.sock, self.stopping = answer, sock, False
        self.workers = []
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, self.stop)
        for _ in range(count):
            self.workers.append(Worker(answer, sock))

    def stop(self, sig=None, frame=None):
        """The own copy of the socket is closed, or connections would still be accepted when all workers have ended."""
        self.stopping = True
        self.sock.close()
        for worker in self.workers:
            worker.process.terminate()

    def run(self, announce):
        announced = False
        while self.workers:
            wait([part for worker in self.workers for part in worker.watched], timeout=0.5)
            for worker in list(self.workers):
                worker.hear()
                if not worker.process.is_alive():
                    self.workers.remove(worker)
                    worker.forget()
                    if not (announced or self.stopping):
                        self.stop()
                        raise ValueError(worker.problem or f"a worker ended with {worker.process.exitcode}")
                    if not self.stopping:
                        self.replace(worker)
            if not announced and not self.stopping and all(worker.ready for worker in self.workers):
                announced = True
                announce(self.sock.getsockname())

    def replace(self, worker):
        fields = {"process": worker.process.pid, "code": worker.process.exitcode, "error": worker.problem}
        log.error("worker ended", extra={"fields": fields})
        if time.monotonic() - worker.begin < SOON:
            time.sleep(1)
        if not self.stopping:
            self.workers.append(Worker(self.answer, self.sock))
            if self.stopping:  # since the line before
                self.workers[-1].process.terminate()


class Worker:
    """A process, and the end of a pipe on which it says that it is ready, or why it cannot be."""

    def __init__(self, answer, sock):
        spawn = multiprocessing.get_context("spawn")  # a forked TensorFlow does not work
        self.begin, self.ready, self.problem = time.monotonic(), False, None
        self.pipe, other = spawn.Pipe(duplex=False)
        self.process = spawn.Process(target=work, args=(answer, sock, other), daemon=True)
        self.process.start()
        other.close()

    @property
    def watched(self):
        return [self.process.sentinel] if self.ready or self.problem else [self.process.sentinel, self.pipe]

    def hear(self):
        try:
            while not self.ready and self.pipe.poll():
                self.problem = self.pipe.recv()
                self.ready = self.problem is None
        except EOFError:
            self.problem = self.problem or "a worker ended before it was ready"

    def forget(self):
        """Take the numbers that only living workers have, such as the length of a queue, out of the metrics."""
        from prometheus_client.multiprocess import mark_process_dead

        self.pipe.close()
        mark_process_dead(self.process.pid)


def work(answer, sock, pipe):
    """The main function of a worker."""
    if hasattr(os, "setsid"):
        os.setsid()  # Ctrl-C in a terminal is for the supervisor
    threading.Thread(target=end_with_parent, daemon=True).start()
    try:
        answer(sock=sock, ready=lambda server: pipe.send(None))
    except (ValueError, OSError) as error:
        pipe.send(str(error))
        raise SystemExit(1) from None


def end_with_parent():
    multiprocessing.parent_process().join()
    os.kill(os.getpid(), signal.SIGTERM)
