"""One module a command, each with a function `command`; `api.cli.table` names them and imports the one that is run."""
