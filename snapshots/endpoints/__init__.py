"""Endpoints apart from configuration, as decisions: what a cluster's assignment becomes when endpoints change. Pure.

    model.py     an endpoint, and the changes that can be made to endpoints
    wanted.py    whether what a change names can be an endpoint at all
    shape.py     endpoints as they stand in a ClusterLoadAssignment
    groups.py    an assignment taken apart by locality, changed, and put together again
    edit.py      an assignment with changes applied, and whether the outcome may be served

How versions of the outcome are kept is the store's affair (store/endpoint_sets.py), who may ask for what the API's.
"""
