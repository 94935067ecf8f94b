"""Endpoints apart from configuration, as decisions: what a cluster's assignment becomes when endpoints change. Pure.

    model.py     an endpoint, and the changes that can be made to endpoints
    wanted.py    whether what a change names can be an endpoint at all
    shape.py     endpoints as they stand in a ClusterLoadAssignment
    state.py     an assignment read, copied for each change, and written again
    edit.py      changes applied, and whether the outcome may be served
    batch.py     several callers' changes as one new version

How versions of the outcome are kept is the store's affair (store/endpoint_sets.py), who may ask for what the API's.
"""
