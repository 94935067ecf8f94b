"""Examples that are run: README.md lists them. `demo/` is `make demo`, `first/` the tour of the project's README."""
