"""Follows branches of git repositories and publishes what it finds. `fairlead gitops`; docs/gitops.md.

A map, in the order of one pass:
`sources` what is followed, as the settings file says it; `settings` reads that file.
`schedule` when to look again. Pure.
`git_process` the parent's side of a worker process that speaks git; `git_messages` what the two say to each other.
`worker` that process: all bytes that a stranger's repository sends are read there, within limits, and nowhere else.
`repository` a bare store, its fetches;
`trees` a commit's documents, and what in a tree is not read. Nothing is checked out.
`reference` the same of a repository on this disk, for `fairlead plan --against`.
`signatures` whether a commit is from somebody who may. Runs in the worker.
`ownership` whose documents they say they are. Pure.
`judgement` what to do about a commit, given what the server serves. Pure: all state that matters is in the revisions.
`source_loop` one source from one look to the next; `following` its revision on the way to the gateways;
`server` what it asks of the management API.
`status` what people see of it; `commit_statuses` tells it where the repository is hosted, `hosts` in whose words;
`webhooks` what others may knock with; `process` the life of the whole.
"""
