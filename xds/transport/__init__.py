"""The grpc.aio edge of xDS, for servers and agents: it drives the sans-IO core and decides nothing of the protocol.

server      XdsServer: one listener from start to drain
services    the discovery services, a row each
streams     one stream: a reader, a writer, a session     conversation   what lasting calls have in common
decoding    bytes -> requests            encoding    responses -> bytes, made once for all who get the same
polling     clients without a stream: unary gRPC, and REST
kept_bytes  what was made once, up to a limit
catalogues  groups and the streams that follow them; waking them when a group moves
households  the streams of one client without ADS; waking those that waited for another
listener    options, addresses, errors that name the address
tls         certificates from files, reloaded without dropping a stream
health      health and reflection
load_reports   Load Reporting (LRS)     load_decoding   reports as facts
csds        Client Status Discovery: the calls     status_answers, client_status   their answers, and a node's rows
identity    which group a node belongs to
limits      what one client may cost
observer    what happens here, for telemetry and events

Where the groups' state comes from is not known here: a server follows its store, an agent follows a server.
"""
