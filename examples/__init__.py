"""Examples that are run: `demo/` is `make demo`, `first/` the README's tour, `shop/` is in Gateway API documents."""
