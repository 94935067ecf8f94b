"""Ask a URL and print the answer: `python3 examples/ask.py URL`. Tries for ten seconds while nothing listens yet."""

from __future__ import annotations

import sys
import time
import urllib.error
import urllib.request


def ask(url: str, patience_s: float = 10.0) -> str:
    """The body of the answer. Raises URLError when nothing answers with a 200 in time."""
    deadline_s = time.monotonic() + patience_s
    while True:
        try:
            with urllib.request.urlopen(url, timeout=5) as response:
                return str(response.read().decode(errors="replace"))
        except urllib.error.URLError:
            if time.monotonic() > deadline_s:
                raise
            time.sleep(0.1)


if __name__ == "__main__":
    print(ask(sys.argv[1]).strip())
