"""Who is served.

protocol   the sans-IO core: subscriptions, sessions, plans, ordering
transport  the grpc.aio edge: streams, sharing of encoded responses, admission, drain
server     the server process: follows the store, composition root
fleet      connected nodes: what each was sent, acknowledged, rejected
bootstrap  what a client starts with: who it is, and where the server is
"""
