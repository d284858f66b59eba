"""wsproto over plain sockets: "server", or "client", told URLs to go to. With its only extension, permessage-deflate."""

import socket
import sys
import threading
from urllib.parse import urlsplit

from wsproto import ConnectionType, WSConnection
from wsproto.events import (
    AcceptConnection,
    BytesMessage,
    CloseConnection,
    Ping,
    Request,
    TextMessage,
)
from wsproto.extensions import PerMessageDeflate
from wsproto.frame_protocol import CloseReason

from parrot import BINARY_FRAGMENTS, TEXT_FRAGMENTS, close_arguments, hear, opened, tell


def converse(tcp, role, url=None):
    ws = WSConnection(role)
    deflate = PerMessageDeflate()
    closed = None
    end = (1006, "")
    parts = []

    def send(*events):
        tcp.sendall(b"".join(ws.send(event) for event in events))

    def fragments(kind, contents):
        return [kind(data=data, message_finished=i == len(contents) - 1) for i, data in enumerate(contents)]

    def answer(kind, message):
        if message == "!fragments":
            send(*fragments(TextMessage, TEXT_FRAGMENTS), *fragments(BytesMessage, BINARY_FRAGMENTS))
        elif kind is TextMessage and message.startswith("!close"):
            code, reason = close_arguments(message) or (CloseReason.NO_STATUS_RCVD, "")
            send(CloseConnection(code=code, reason=reason))
        else:
            send(kind(data=message))

    if url is not None:
        send(Request(host=url.netloc, target=url.path or "/", extensions=[deflate]))
    with tcp:
        while True:
            try:
                data = tcp.recv(65536)
            except OSError:
                data = b""
            if not data:
                break
            ws.receive_data(data)
            for event in ws.events():
                if isinstance(event, Request):
                    send(AcceptConnection(extensions=[deflate]))
                    closed = opened("permessage-deflate" if deflate.enabled() else "")
                elif isinstance(event, AcceptConnection):
                    closed = opened("permessage-deflate" if deflate.enabled() else "")
                elif isinstance(event, (TextMessage, BytesMessage)):
                    parts.append(event.data)
                    if event.message_finished:
                        kind = TextMessage if isinstance(event, TextMessage) else BytesMessage
                        message = ("" if kind is TextMessage else b"").join(parts)
                        parts.clear()
                        answer(kind, message)
                elif isinstance(event, Ping):
                    send(event.response())
                elif isinstance(event, CloseConnection):
                    end = (event.code, event.reason or "")
                    if ws.state.name == "REMOTE_CLOSING":
                        send(event.response())
                    if role is ConnectionType.SERVER:
                        tcp.shutdown(socket.SHUT_WR)
    if closed is not None:
        closed(*end)


def visit(line):
    url = urlsplit(line)
    tcp = socket.create_connection((url.hostname, url.port))
    converse(tcp, ConnectionType.CLIENT, url)


if sys.argv[1] == "client":
    hear(lambda line: threading.Thread(target=visit, args=(line,), daemon=True).start())
    threading.Event().wait()
else:
    listening = socket.create_server(("127.0.0.1", 0))
    tell(port=listening.getsockname()[1])
    hear()
    while True:
        tcp, _ = listening.accept()
        threading.Thread(target=converse, args=(tcp, ConnectionType.SERVER), daemon=True).start()
