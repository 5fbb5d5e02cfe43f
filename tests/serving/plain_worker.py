"""A worker without a model, for processes of tests: each connection is answered with the worker's id, or ends it."""

import os
import signal


class Answer:
    """fails: workers end before they are ready. A connection that sends b"die" ends the worker as `kill -9` does."""

    def __init__(self, fails=False):
        self.fails = fails

    def __call__(self, sock, ready):
        if self.fails:
            raise ValueError("no model here")
        signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
        ready(None)
        while True:
            connection, _ = sock.accept()
            with connection:
                if connection.recv(10) == b"die":
                    os.kill(os.getpid(), signal.SIGKILL)
                connection.sendall(str(os.getpid()).encode())
