"""What node agents tell servers, and what they are asked to do: `v1/nodes.proto` and its shapes.

Both ends use it, so it knows neither. A report is advice for people and gates, never authority over configuration.

report      the shapes of a report, in parts that are told apart
orders      what an operator may ask of a node, and how it ends
conversion  shapes to messages and back, bounded
printable   text of others as it may be shown
limits      what either side may cost the other
"""
