"""`fairlead completion`: the script that a shell needs."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer
from typer.completion import get_completion_script  # type: ignore[attr-defined]  # it has no public place

from api.cli.application import COMPLETE_VARIABLE
from api.cli.output import write_lines

EXAMPLES = (
    'eval "$(fairlead completion bash)"',
    "fairlead completion zsh > ~/.zfunc/_fairlead",
    "fairlead completion fish > ~/.config/fish/completions/fairlead.fish",
)


class Shell(StrEnum):
    """Shells that have completion."""

    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"


def command(context: typer.Context, shell: Annotated[Shell, typer.Argument(help="Which shell.")]) -> None:
    """Print the completion script for a shell."""
    script = get_completion_script(prog_name="fairlead", complete_var=COMPLETE_VARIABLE, shell=shell.value)
    write_lines([script])
