"""What a network can do to a connection that TLS and HTTP know nothing of."""

import contextlib
import socket
import threading
import time
from collections.abc import Iterator

HOST = "127.0.0.1"
_DRIP_SECONDS = 0.4
_PIECE_BYTES = 65_536


@contextlib.contextmanager
def silent_listener() -> Iterator[socket.socket]:
    """Listen on a port whose connections are opened by the kernel and then ignored."""
    with socket.create_server((HOST, 0), backlog=128) as listener:
        yield listener


class CountingListener:
    """Counts those who connect."""

    def __init__(self) -> None:
        self._listener = socket.create_server((HOST, 0), backlog=128)
        self._listener.setblocking(False)
        self.url = f"https://{HOST}:{self._listener.getsockname()[1]}"

    def connections(self) -> int:
        """Return how many connected since the last call."""
        count = 0
        with contextlib.suppress(BlockingIOError):
            while True:
                self._listener.accept()[0].close()
                count += 1
        return count

    def close(self) -> None:
        """Listen no more."""
        self._listener.close()


class DrippingProxy:
    """Hands a TCP stream on; what comes back from the server passes a byte at a time while `is_slow`.

    So slow a wire lets bytes trickle in below TLS, where no read of a whole record or message ends.
    """

    def __init__(self, target_port: int, *, is_slow: bool) -> None:
        self.is_slow = is_slow
        self._target_port = target_port
        self._listener = socket.create_server((HOST, 0), backlog=128)
        self.url = f"https://{HOST}:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Listen no more; what is open ends when one of its ends does."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.create_connection((HOST, self._target_port))
            for source, sink, drips in ((client, server, False), (server, client, True)):
                threading.Thread(target=self._pump, args=(source, sink, drips), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket, drips: bool) -> None:
        with contextlib.suppress(OSError):
            while piece := source.recv(_PIECE_BYTES):
                self._hand_on(piece, sink, drips=drips)
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def _hand_on(self, piece: bytes, sink: socket.socket, *, drips: bool) -> None:
        if not (drips and self.is_slow):
            sink.sendall(piece)
            return
        for index in range(len(piece)):
            sink.sendall(piece[index : index + 1])
            time.sleep(_DRIP_SECONDS)
