"""What every peer does: see parrot.ts, which says it for all languages."""

import itertools
import json
import os
import sys
import threading

TEXT_FRAGMENTS = ["one message, ", "", "mögliche ", "in fragments"]
BINARY_FRAGMENTS = [bytes([1, 2]), bytes([3]), bytes([0, 255])]

_ids = itertools.count(1)
_lock = threading.Lock()


def tell(**fact):
    with _lock:
        sys.stdout.write(json.dumps(fact) + "\n")
        sys.stdout.flush()


def opened(extensions):
    """Tells that a connection is open. Returns what tells how it ended."""
    id = next(_ids)
    tell(id=id, opened={"extensions": extensions})
    return lambda code, reason: tell(id=id, closed={"code": code, "reason": reason})


def close_arguments(message):
    """What "!close" and "!close 4001 some words" say: a list of a code and a reason, or of nothing."""
    words = message.split(" ", 2)[1:]
    return [int(words[0]), words[1]] if words else []


def hear(on_line=lambda line: None):
    """Hands over each line that comes, in a thread. Ends the process when no more can come."""

    def listen():
        for line in sys.stdin:
            on_line(line.strip())
        os._exit(0)

    threading.Thread(target=listen, daemon=True).start()
