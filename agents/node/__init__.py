"""The node agent: the local xDS server of a gateway, its last known good, its Envoy's life, and its health.

A map:
`command` its own command line; `process` the life of one agent, `assembly` its parts put together
`settings` all that it is told, in one table; `places` what is where in its state directory
`upstream` the one stream up, to the first server or relay that answers as it should
`local` the local xDS server, what passes through it, and Envoy's verdicts
`generations` the last known good on the disk; `last_good` when it is read, written and gone back to; `pinning` has the
    disk know that it was
`envoy` the Envoy beside it: started, watched, drained, taken over
`reports` what it tells the control plane, and what it is asked to do
`relay` the agents that it serves
`status` and `measures` what it says of itself over HTTP; `inspecting`, `doctor`, `resetting` its other actions
`relations` what a body refers to; `lineage` which agent takes its configuration from which
"""
