"""The local ADS server, for the agent's own Envoy and for gRPC processes of the host, and what passes through it.

A map:
`serving` the server: xds.transport on a socket, for one group
`clients` who is connected, which of them is the own Envoy, and what all of them want
`judging` what Envoy has made of one answer of upstream. Pure
`docket` the answers that wait for Envoy's verdict, and until when. Pure
`hearing` has those verdicts, in time, and passes them on
`content` what is served: upstream's word, the disk's, or what was fallen back to. Pure
`passage` between upstream and local clients: content down, wishes and verdicts up
`beside` who else takes part in what passes: a relay
`load_reports` load reports passed on to the server, beside that
`timers` a few timers by name
`identity` who the agent says it is to upstream
"""
