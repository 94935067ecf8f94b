"""What `fairlead init --gitops` writes: a repository for `fairlead gitops`, with a directory for each environment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from api.cli.starting import SCHEMA_FILE, Start, starting_files

ENVIRONMENTS = ("staging", "production")
EXAMPLE_URL = "https://git.example.com/shop/edge.git"
WORKFLOW_FILE = ".github/workflows/fairlead.yaml"

_README = """\
# {name}: what the gateways serve

`staging` and `production` hold the documents of one environment each. What is merged is served:
`fairlead gitops --config gitops.toml` follows this repository, with its URL in `gitops.toml`.

- Before a merge: `fairlead validate production`, and `fairlead plan production --against origin/main`.
  The workflow in `.github/workflows` does both for each pull request.
- To promote from staging to production, copy the documents and merge that. `fairlead.yaml` stays where it is:
  it says whose they are.

      cp staging/routes.yaml production/

- To undo, revert the commit and merge that. `fairlead rollback` is faster, and stops the sync until
  `fairlead sync resume`.
"""
_SETTINGS = """\
# Whoever runs `fairlead gitops --config gitops.toml` keeps this where it runs. Say the URL of this repository.
"""
_SOURCE = """
[[source]]
name = "{name}-{environment}"
url = "{url}"
branch = "main"
path = "{environment}"
workspace = "{name}"
group = "{group}"
# token_file = "/run/secrets/git-token"
"""
_WORKFLOW = """\
# What a pull request to a repository of documents is checked by, before people look at it. It needs no server.
# Findings appear as annotations on the lines that they are of, the plans on the page of the run.
name: fairlead
on: [pull_request]
permissions:
  contents: read
jobs:
  check:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
        with:
          fetch-depth: 0 # the branch that a plan is compared with
      - uses: actions/setup-python@v5
        with:
          python-version: "3.12"
      - run: pip install fairlead
      - name: What is wrong is told on its line
        run: |
          fairlead validate staging -o github
          fairlead validate production -o github
      - name: What merging would change
        shell: bash # with pipefail
        env:
          TARGET: origin/${{ github.base_ref }}
        run: |
          fairlead plan staging --against "$TARGET" | tee -a "$GITHUB_STEP_SUMMARY"
          fairlead plan production --against "$TARGET" | tee -a "$GITHUB_STEP_SUMMARY"
"""


def repository_files(start: Start) -> dict[str, bytes]:
    """The files, by their paths from the top. `start` is each environment's; its group gets the environment's name."""
    files = {
        "README.md": _README.format(name=start.name),
        "gitops.toml": _SETTINGS + "".join(_source(start, each) for each in ENVIRONMENTS),
        WORKFLOW_FILE: _WORKFLOW,
    }
    written = {path: text.encode() for path, text in files.items()}
    for environment in ENVIRONMENTS:
        written |= _environment(replace(start, group=group_of(start, environment)), environment)
    return written


def group_of(start: Start, environment: str) -> str:
    """The gateways of an environment."""
    return f"{start.group}-{environment}"


def _source(start: Start, environment: str) -> str:
    group = group_of(start, environment)
    return _SOURCE.format(name=start.name, environment=environment, group=group, url=EXAMPLE_URL)


def _environment(start: Start, directory: str) -> Mapping[str, bytes]:
    """One schema at the top is enough for all."""
    files = starting_files(start, schema=f"../{SCHEMA_FILE}")
    schema = files.pop(SCHEMA_FILE)
    return {SCHEMA_FILE: schema, **{f"{directory}/{name}": content for name, content in files.items()}}
