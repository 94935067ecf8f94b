"""Pure checks over compiled resources: no I/O, no clock.

checks           the tuple of all checks of a whole set, and how their concerns become findings
duplicates       two documents, or two resources, of one name
references       names that a resource needs and nobody defines (warnings)
size             resources that are too large
budgets          what a publication may come to as a whole, and how much it may add or remove
hosts            the virtual hosts in a message; it takes the message, so that authoring runs on each what follows
domains          a domain twice in one route configuration
shadowing        which of several routes can never be asked; shadowed_routes: those of a virtual host
"""

from snapshots.checks.checks import CHECKS, check

__all__ = ["CHECKS", "check"]
