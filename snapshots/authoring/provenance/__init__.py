"""Where each value of what is served comes from: the line of the document that says it. Worked out when somebody asks.

origins          one resource -> for each of its values the place of what says it
frames           parts of a resource and the objects that they come from; tables: which field says which
listener_frames, guard_frames, route_frames, backend_frames         how the parts of each type are found
words            what Envoy says of a resource -> the field that it means
authored         the documents again, with the place of everything in them

Nothing is recorded while documents are compiled: that would cost every publish what one question needs. The names of
what is generated, and what stands in it, lead back to the objects; tables lead from field to field.
"""
