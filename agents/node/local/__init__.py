"""The local ADS server, for the agent's own Envoy and for gRPC processes of the host, and what passes through it.

A map:
`serving` the server: xds.transport on a socket, for one group
`clients` who is connected, which of them is the own Envoy, and what all of them want
`judging` what Envoy has made of one answer of upstream. Pure
`docket` the answers that wait for Envoy's verdict, and until when. Pure
`passage` between upstream and local clients: content down, wishes and verdicts up
`identity` who the agent says it is to upstream
"""
