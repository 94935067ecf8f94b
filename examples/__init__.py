"""Examples that are run: `demo/` is `make demo`, `first/` is the README's tour."""
