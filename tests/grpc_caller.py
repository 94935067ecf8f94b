"""A gRPC client as a program of its own: `python -m tests.grpc_caller xds:///name` asks who is there, again and again.

Where names are resolved, the environment says (GRPC_XDS_BOOTSTRAP). Prints one line a call: the answer, or `! ` and
the status. Ends with its standard input. Nothing of Fairlead is imported: it is any client.
"""

from __future__ import annotations

import sys
import threading

import grpc

METHOD = "/test.Who/Ask"
PAUSE_S = 0.002
DEADLINE_S = 20.0  # longer than a client waits for a resource that does not come


def main(target: str) -> None:
    ended = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), ended.set()), daemon=True).start()
    with grpc.insecure_channel(target) as channel:
        ask = channel.unary_unary(METHOD)
        while not ended.wait(PAUSE_S):
            try:
                print(ask(b"", timeout=DEADLINE_S).decode(), flush=True)
            except grpc.RpcError as error:
                print(f"! {error.code().name}: {error.details()}".replace("\n", " "), flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
