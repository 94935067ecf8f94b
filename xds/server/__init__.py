"""The grpc.aio edge of xDS: it drives the sans-IO core and decides nothing about the protocol.

server      XdsServer: one listener from start to drain
services    the discovery services, a row each
streams     one stream: a reader, a writer, a session     conversation   what lasting calls have in common
decoding    bytes -> requests            encoding    responses -> bytes, made once for all who get the same
polling     clients without a stream: unary gRPC, and REST   rest, json_encoding   its paths, and its responses
kept_bytes  what was made once, up to a limit
catalogues  groups and the streams that follow them; waking them when a group moves
households  the streams of one client without ADS; waking those that waited for another
follow      keeps the catalogues at the heads of the store          follow_endpoints   gives them the endpoint sets
coalescing  bounds how often one thing is told     retrying   how long to wait before trying again
listener    options, addresses, errors that name the address
tls         certificates from files, reloaded without dropping a stream
health      health and reflection
load_reports   Load Reporting (LRS)     load_decoding, load_gauges   reports as facts, and load as metrics
csds        Client Status Discovery: the calls     status_answers, client_status   their answers, and a node's rows
identity    which group a node belongs to
limits      what one client may cost
observer    what happens at the edge, for telemetry and events

The process that it lives in:

process     from settings to the end: opens the store, starts the parts, drains
assembly    which part is given which             stores      the store that the settings choose
duties      tells when it is ready, collects garbage, reloads       signals     SIGTERM, SIGINT, SIGHUP as events
readiness   whether it should get new clients; the ready file       directory   publishes a directory, again and again
management  the management API's listener         http        /healthz, /readyz, /metrics
reporting   what is observed, to metrics, logs, events and traces   delivery_traces, gauges   its parts
settings    one table of settings                 settings_sources, setting_types, settings_document   its forms
"""
