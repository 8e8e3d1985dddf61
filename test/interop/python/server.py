"""An echo server of the library websockets: prints the port it listens on. /deflate has compression."""

import asyncio

import websockets


async def echo(socket, *_):
    async for message in socket:
        await socket.send(message)


async def main():
    options = {"subprotocols": ["echo.v2", "echo.v1"], "max_size": 2**24}
    plain = await websockets.serve(echo, "127.0.0.1", 0, compression=None, **options)
    deflate = await websockets.serve(echo, "127.0.0.1", 0, compression="deflate", **options)
    ports = [server.sockets[0].getsockname()[1] for server in (plain, deflate)]
    print("listening on %d and %d" % tuple(ports), flush=True)
    await asyncio.Future()


asyncio.run(main())
