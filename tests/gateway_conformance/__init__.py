"""The Gateway API's official conformance suite, run against Fairlead: `make conformance` (needs Go, and port 80).

The suite is a client of a Kubernetes API, deploys its own backends there, and sends requests through gateways. What it
needs of a cluster is here, and no more; the suite and its backends are the official ones, unchanged.

kinds      the kinds of objects there are, those of the Gateway API from its own definitions
store      objects in memory, as an API server would keep them: generations, defaults, conflicts
api        the store over HTTP, as Kubernetes' clients speak it
pods       Deployments as processes, and the EndpointSlices of Services
bridge     every change of the store -> documents, published as `apply --partial` does; statuses back
suite/     the suite as a Go program
__main__   all of it together
"""
