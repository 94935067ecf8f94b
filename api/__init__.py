"""How people and programs speak to Fairlead.

errors       the error tree: wire status and exit code live on the class
telemetry    traces, metrics and logs, declared in one place
envoy        the Envoy API: descriptors in a private pool, type URLs, JSON form, field rules
management   the management API: proto, service, client
cli          the `fairlead` command
"""
