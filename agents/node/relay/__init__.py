"""Serving other agents of the site: one stream up, thousands down. It is the same agent, with one listener more.

A map:
`serving` the listener: xds.transport for one group, with the limits of a server
`downstream` between the one upstream and the agents below: content down, wishes up, and what if it is away
`relay` the parts together, for as long as the agent lives
"""
