"""Which group a command means: the one that was named, or the only one there is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from api.errors import InvalidConfig, NotFound

if TYPE_CHECKING:
    from api.management.client import ManagementClient

GroupOption = Annotated[
    str, typer.Option("--group", "-g", metavar="GROUP", help="The group; needed only where there are several.")
]


async def chosen_group(client: ManagementClient, named: str) -> str:
    """Raises NotFound when there is no group at all, InvalidConfig when there are several and none was named."""
    if named:
        return named
    heads = await client.list_groups()
    if not heads:
        raise NotFound("there is no group yet; `fairlead apply DIR` makes one")
    if len(heads) > 1:
        raise InvalidConfig(
            f"there are several groups; name one with --group: {', '.join(head.group for head in heads)}"
        )
    return str(heads[0].group)
