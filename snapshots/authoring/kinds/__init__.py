"""The kinds of documents as typed models: what may be written in each, with its defaults and limits.

model            what all models share, and the field types that several kinds use
references       how one object names another
http_route, grpc_route, layer4_routes, filters     routes
gateway          GatewayClass, Gateway, ListenerSet
policies         BackendTLSPolicy, ReferenceGrant
kubernetes       Service, EndpointSlice, Secret, ConfigMap, Namespace: manifests as people have them
backend          Backend, our own: where a service lives outside Kubernetes
table            all of them: (API group, kind) -> model, versions, rules

Models say what one field may hold; what several fields must agree on is in the rules beside them.
Source: Gateway API v1.6 (experimental channel), Kubernetes v1.
"""
