"""`python -m bench [NAME …]`: run the named scenarios, or all; `--list` names them.  Prints `name: value unit`."""

from __future__ import annotations

import argparse
import asyncio
import importlib
import pkgutil

from bench import scenarios
from bench.report import Report


def main() -> None:
    names = sorted(module.name for module in pkgutil.iter_modules(scenarios.__path__))
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure Fairlead.")
    parser.add_argument("names", nargs="*", choices=[[], *names], metavar="NAME", help=", ".join(names))
    parser.add_argument("--list", action="store_true", help="say what there is and stop")
    arguments = parser.parse_args()
    for name in arguments.names or names:
        module = importlib.import_module(f"bench.scenarios.{name}")
        if arguments.list:
            print(f"{name}: {(module.__doc__ or '').splitlines()[0]}")
            continue
        asyncio.run(module.run(Report(name)))


if __name__ == "__main__":
    main()
