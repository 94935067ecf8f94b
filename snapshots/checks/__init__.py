"""Pure checks over compiled resources: no I/O, no clock.

checks           the tuple of all checks of a whole set, and how their concerns become findings
duplicates       two documents, or two resources, of one name
references       names that a resource needs and nobody defines (warnings)
size             resources that are too large
domains          a domain twice in one route configuration: needs the message, so authoring runs it on each
"""

from snapshots.checks.checks import CHECKS, check

__all__ = ["CHECKS", "check"]
