"""Measurements: a load generator, the servers it is pointed at, and scenarios.  `python -m bench [NAME …]`.

The figures, with the day and the machine they were taken on, are in RESULTS.md.

report      how a figure is printed
children    programs that speak lines of JSON, each in a process of its own
serve       a server as a child, with a store in memory
bare        the same for a bare grpc.aio loop, to compare with
fairlead    a whole server as its users start it, with an etcd embedded
documents   what authors publish to it
routes      HTTPRoutes in a directory, in several layouts; asking: requests to the Envoy that serves them
gateways    a server of gateways, and node_agent: an agent of one of them; counting: bytes on the wire between them
spans       a receiver of traces, to see where the time of a change goes
load        a load generator as a child: its target is an address, so another control plane can be put in our place
peer        that load on another control plane, and its figures
scenarios   one module each; `run(report)`
"""
