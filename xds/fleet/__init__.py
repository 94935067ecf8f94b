"""Who is connected, what each was sent, what it acknowledged, and what it rejected in which words.  design.md, "Words".

The edge reports streams and a session's observations; people and rollouts ask. A node's revision is the newest one it
has in *every* type it subscribes to. Endpoints that change within a revision leave nobody behind it; who rejects them
rejects, until it takes what is newer and refuses nothing that is still served. What is counted is kept up to date with
each observation, so asking for a group's counts or a revision's progress costs nothing per node. No I/O and no clock
here: times (`now_s`, Unix) are given. Who listens for changes is not known here either.

status    what is told: NodeStatus, TypeStatus, Rejection, GroupCounts, Progress
fleet     Fleet: what is reported, what is asked
notes     how an observation changes what is known of a type
telling   a member as it is told
members   tallies, streams, members and one census per group

reports   what agents report of nodes: the last word on each
standing  what a report says of a node below a relay, as a stream to count it by

load        load reports as facts: what clients say of their traffic, and what is told of it
loads       Loads: reports added up per group, cluster and locality, bounded
load_books  the rows behind it
"""

from api.nodes.printable import printable
from xds.fleet.fleet import Fleet
from xds.fleet.loads import Loads
from xds.fleet.notes import MESSAGE_LIMIT, NAMES_LIMIT
from xds.fleet.status import GroupCounts, NodeState, NodeStatus, Progress, Rejection, TypeStatus

__all__ = [
    "MESSAGE_LIMIT",
    "NAMES_LIMIT",
    "Fleet",
    "GroupCounts",
    "Loads",
    "NodeState",
    "NodeStatus",
    "Progress",
    "Rejection",
    "TypeStatus",
    "printable",
]
