"""A client of the library websockets: python3 client.py SCENARIO URL [ARGUMENT].

Every scenario fails with a traceback, or prints what it saw as JSON. Written for websockets 10 and later.
"""

import asyncio
import json
import random
import socket
import sys
from urllib.parse import urlsplit

import websockets
from websockets.exceptions import ConnectionClosed, InvalidHandshake
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory

try:
    from websockets.client import ClientProtocol
except ImportError:  # its name up to version 10
    from websockets.client import ClientConnection as ClientProtocol
try:
    from websockets.uri import parse_uri
except ImportError:
    parse_uri = None

LIMIT = 1024 * 1024  # of the server, in bytes
LENGTHS = [0, 1, 2, 7, 125, 126, 127, 128, 65_535, 65_536, 65_537, 200_000]
TEXTS = ["", "a", "grüß dich", "𝄞 clef", "\x00\x7f\u0080\u07ff\u0800\uffff\U0010ffff", "é" * 70_000]


def connect(url, **options):
    return websockets.connect(url, max_size=None, **{"compression": None, "ping_interval": None, **options})


def extensions_of(ws):
    """What was agreed on, as the client's own objects show it."""
    return [repr(extension) for extension in (ws.extensions if hasattr(ws, "extensions") else ws.protocol.extensions)]


async def echo_all(ws):
    rng = random.Random(6455)
    for text in TEXTS:
        await ws.send(text)
        assert await ws.recv() == text
    for length in LENGTHS:
        data = rng.randbytes(length)
        await ws.send(data)
        assert await ws.recv() == data
        text = "".join(rng.choices("abcdefgh {}:\"", k=length))
        await ws.send(text)
        assert await ws.recv() == text


async def messages(url):
    """Text and binary of all length forms, then many on their way at once, which come back in order."""
    async with connect(url) as ws:
        await echo_all(ws)
        rng = random.Random(1)
        sent = [rng.randbytes(rng.randrange(2000)) if rng.random() < 0.5 else "t" * rng.randrange(2000) for _ in range(500)]

        async def send_all():
            for message in sent:
                await ws.send(message)

        sending = asyncio.ensure_future(send_all())
        for message in sent:
            assert await ws.recv() == message
        await sending
    return {"code": ws.close_code}


async def fragments(url):
    """Messages in fragments, of text cut between characters and of bytes, empty fragments among them."""
    rng = random.Random(2)
    async with connect(url, compression="deflate" if "deflate" in url else None) as ws:
        for parts in [["a", "b"], ["", "x", ""], ["grüß", " ", "dich"] * 100, [""] * 50, [b"", b"\xff" * 70_000, b""]]:
            await ws.send(parts)
            whole = type(parts[0])().join(parts)
            assert await ws.recv() == whole

        async def slowly():
            for _ in range(20):
                # Lets other tasks send: a ping goes out in the middle of the message.
                await (await ws.ping())
                yield rng.randbytes(rng.randrange(5000))

        rng = random.Random(3)
        await ws.send(slowly())
        rng = random.Random(3)
        assert await ws.recv() == b"".join(rng.randbytes(rng.randrange(5000)) for _ in range(20))
    return {"code": ws.close_code}


async def pings(url):
    """Pings are answered with what they carry; the server's own are answered by the library."""
    async with connect(url) as ws:
        for payload in ["", "x", "p" * 125, b"\x00\xff"]:
            await asyncio.wait_for(await ws.ping(payload), 10)
        await ws.send("ping from-the-server")
        assert await ws.recv() == "pong from-the-server"
    return {"code": ws.close_code}


async def limits(url):
    """A message may be as large as the limit, and not a byte larger, whole or in fragments."""
    data = bytes(LIMIT)
    async with connect(url) as ws:
        await ws.send(data)
        assert await ws.recv() == data
    codes = []
    for too_much in (bytes(LIMIT + 1), [bytes(LIMIT // 2), bytes(LIMIT // 2), b"!"], "é" * (LIMIT // 2) + "!"):
        async with connect(url) as ws:
            try:
                await ws.send(too_much)
                await ws.recv()
            except ConnectionClosed as closed:
                codes.append(closed.rcvd.code)
    return {"codes": codes}


async def closing(url):
    """The client closes: with each kind of code, and without one."""
    seen = []
    for code, reason in [(1000, ""), (1001, "going"), (1011, "unexpected"), (3000, "r" * 123), (4999, "grüß dich")]:
        ws = await connect(url)
        await ws.close(code, reason)
        seen.append([ws.close_code, ws.close_reason])
    return {"seen": seen}


async def closed(url):
    """The server closes: with each kind of code, and without a handshake."""
    seen = []
    for command in ["close", "close 1001 going", "close 1012 restart", "close 4001 grüß dich", "terminate"]:
        async with connect(url) as ws:
            await ws.send(command)
            try:
                await ws.recv()
            except ConnectionClosed as closed:
                seen.append([closed.rcvd.code, closed.rcvd.reason] if closed.rcvd else None)
    return {"seen": seen}


async def deflate(url, argument):
    """permessage-deflate with the given parameters: what is agreed on, and that everything comes back."""
    parameters = json.loads(argument)
    factory = ClientPerMessageDeflateFactory(**parameters, compress_settings={"memLevel": 5})
    async with connect(url, compression=None, extensions=[factory]) as ws:
        await echo_all(ws)
        # What repeats from message to message is where a window that slid wrongly would show.
        sentence = "the same sentence again and again, " * 300
        for turn in range(50):
            await ws.send(f"{turn} {sentence}")
            assert await ws.recv() == f"{turn} {sentence}"
        agreed = extensions_of(ws)
    return {"agreed": agreed, "code": ws.close_code}


async def subprotocols(url):
    """What is agreed on for each list that is offered."""
    agreed = []
    for offered in (["v1.echo", "v2.echo"], ["v0.echo", "v1.echo"], ["other"]):
        async with connect(url, subprotocols=offered) as ws:
            agreed.append(ws.subprotocol)
    return {"agreed": agreed}


async def refused(url):
    """The status with which a handshake is refused."""
    try:
        async with connect(url):
            return {"status": 101}
    except InvalidHandshake as error:
        return {"status": getattr(error, "status_code", None) or error.response.status_code}


async def idle(url, argument):
    """Says nothing until so many pings have come; the library answers them by itself. Then it still works."""
    count = 0
    enough = asyncio.Event()

    def note():
        nonlocal count
        count += 1
        if count >= int(argument):
            enough.set()

    async with connect(url) as ws:
        if hasattr(ws, "read_frame"):  # the client of version 10
            read_frame = ws.read_frame

            async def reading(max_size):
                frame = await read_frame(max_size)
                if frame.opcode == 9:
                    note()
                return frame

            ws.read_frame = reading
        else:
            process_event = ws.process_event

            def processing(event):
                if getattr(event, "opcode", None) == 9:
                    note()
                process_event(event)

            ws.process_event = processing
        await ws.send("before")
        assert await ws.recv() == "before"
        await enough.wait()
        await ws.send("after")
        assert await ws.recv() == "after"
    return {"code": ws.close_code}


async def many(url):
    """A hundred connections at once, each with its own conversation."""

    async def one(number):
        async with connect(url) as ws:
            for turn in range(20):
                await ws.send(f"{number}.{turn}")
                assert await ws.recv() == f"{number}.{turn}"

    await asyncio.gather(*(one(number) for number in range(100)))
    return {}


def blocking(url):
    """The library's pure protocol over a plain blocking socket: not an event loop in sight."""
    uri = urlsplit(url)
    protocol = ClientProtocol(parse_uri(url) if parse_uri else websockets.uri.parse_uri(url))
    sock = socket.create_connection((uri.hostname, uri.port))
    events = []

    def flush():
        for data in protocol.data_to_send():
            sock.sendall(data) if data else sock.shutdown(socket.SHUT_WR)

    def next_event():
        while not events:
            data = sock.recv(65_536)
            protocol.receive_data(data) if data else protocol.receive_eof()
            events.extend(protocol.events_received())
            flush()
            assert data or events, "the connection ended"
        return events.pop(0)

    protocol.send_request(protocol.connect())
    flush()
    assert next_event().status_code == 101
    rng = random.Random(4)
    for length in LENGTHS:
        data = rng.randbytes(length)
        protocol.send_binary(data)
        flush()
        assert next_event().data == data
        protocol.send_text(b"begin ", fin=False)
        protocol.send_ping(b"between")
        protocol.send_continuation(b"end", fin=True)
        flush()
        got = [next_event(), next_event()]
        assert sorted((int(frame.opcode), bytes(frame.data)) for frame in got) == [(1, b"begin end"), (10, b"between")]
    protocol.send_close(3333, "enough")
    flush()
    frame = next_event()
    while sock.recv(65_536):
        pass
    return {"answer": int.from_bytes(frame.data[:2], "big")}


def main():
    scenario = globals()[sys.argv[1]]
    result = scenario(*sys.argv[2:])
    if asyncio.iscoroutine(result):
        result = asyncio.run(asyncio.wait_for(result, 60))
    print(json.dumps({"version": websockets.__version__ if hasattr(websockets, "__version__") else "", **result}))


main()
