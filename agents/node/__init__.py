"""The node agent: the local xDS server of a gateway, its last known good, its Envoy's life, and its health."""
