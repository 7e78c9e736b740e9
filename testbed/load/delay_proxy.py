"""A TCP proxy on 127.0.0.1 that holds back what the server sends.

Run it with `python -m testbed.load.delay_proxy LISTEN TARGET MS`.

It passes the bytes through as they are, TLS included, so that the far side is the real server. Each chunk is delayed on
its own from the moment at which it came: an answer of several chunks is late once, and connections do not wait for
each other.
"""

import asyncio
import contextlib
import sys

_HOST = "127.0.0.1"
_CHUNK_BYTES = 65536
_Chunk = tuple[float, bytes]


async def _forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while chunk := await reader.read(_CHUNK_BYTES):
            writer.write(chunk)
            await writer.drain()
    writer.close()


async def _collect(reader: asyncio.StreamReader, queue: "asyncio.Queue[_Chunk]", delay_seconds: float) -> None:
    chunk = b"."
    while chunk:
        try:
            chunk = await reader.read(_CHUNK_BYTES)
        except OSError:
            chunk = b""
        await queue.put((asyncio.get_running_loop().time() + delay_seconds, chunk))


async def _deliver(queue: "asyncio.Queue[_Chunk]", writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while True:
            due_seconds, chunk = await queue.get()
            await asyncio.sleep(due_seconds - asyncio.get_running_loop().time())
            if not chunk:
                break
            writer.write(chunk)
            await writer.drain()
    writer.close()


async def serve(listen_port: int, target_port: int, delay_seconds: float) -> None:
    """Serve until cancelled."""

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            far_reader, far_writer = await asyncio.open_connection(_HOST, target_port)
        except OSError:
            writer.close()
            return
        queue: asyncio.Queue[_Chunk] = asyncio.Queue()
        await asyncio.gather(
            _forward(reader, far_writer), _collect(far_reader, queue, delay_seconds), _deliver(queue, writer)
        )

    server = await asyncio.start_server(connected, _HOST, listen_port)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]) / 1000))
