"""Telemetry, declared in one place and fed from observations; the core never imports it.

tracing   spans by OpenTelemetry, exported by OTLP when an endpoint is configured; off costs one comparison
metrics   every instrument, and the Prometheus text of /metrics
logs      JSON lines on standard error, with revision, group, node and trace
"""
