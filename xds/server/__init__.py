"""The server: it keeps its groups at the heads of the store, and lets `xds.transport` serve them.

process     from settings to the end: opens the store, starts the parts, drains
assembly    which part is given which             stores      the store that the settings choose
follow      keeps the catalogues at the heads of the store          follow_endpoints   gives them the endpoint sets
coalescing  bounds how often one thing is told
duties      tells when it is ready, collects garbage, reloads
readiness   whether it should get new clients     directory   publishes a directory, again and again
management  the management API's listener
rest        the paths of clients that poll over HTTP                json_encoding      its responses
observer    what happens, beside what the transport tells
reporting   what is observed, to metrics, logs, events and traces   delivery_traces, gauges, load_gauges   its parts
settings    the table of settings                 settings_document   the page about it
taste       what a real Envoy says of a candidate
"""
