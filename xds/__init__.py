"""Who is served.

protocol   the sans-IO core: subscriptions, sessions, plans, ordering
server     the grpc.aio edge: streams, sharing of encoded responses, admission, drain; the composition root
fleet      connected nodes: what each was sent, acknowledged, rejected
bootstrap  what a client starts with: who it is, and where the server is
"""
