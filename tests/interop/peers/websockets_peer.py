"""The websockets library: "server", or "client", told URLs to go to."""

import asyncio
import sys

import websockets

from parrot import BINARY_FRAGMENTS, TEXT_FRAGMENTS, close_arguments, hear, opened, tell


async def talk(socket):
    # Its older connections have the extensions themselves, its newer ones a protocol that has them.
    extensions = getattr(socket, "extensions", None) or getattr(getattr(socket, "protocol", None), "extensions", [])
    closed = opened(", ".join(extension.name for extension in extensions))
    try:
        async for message in socket:
            if message == "!fragments":
                await socket.send(TEXT_FRAGMENTS)
                await socket.send(BINARY_FRAGMENTS)
            elif isinstance(message, str) and message.startswith("!close"):
                await socket.close(*close_arguments(message))
            else:
                await socket.send(message)
    except websockets.ConnectionClosed:
        pass
    closed(socket.close_code, socket.close_reason)


async def visit(url):
    async with websockets.connect(url) as socket:
        await talk(socket)


async def main():
    if sys.argv[1] == "client":
        loop = asyncio.get_running_loop()
        hear(lambda url: asyncio.run_coroutine_threadsafe(visit(url), loop))
        await asyncio.Future()
    else:
        async with websockets.serve(talk, "127.0.0.1", 0) as server:
            tell(port=list(server.sockets)[0].getsockname()[1])
            hear()
            await asyncio.Future()


asyncio.run(main())
