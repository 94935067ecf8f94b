"""The stages as columns of a sheet: what depends on what is found out by itself, and a change costs what does.

results      what all stages came to, and what of it changed since somebody asked
backends     what is known of backends, and the policies that are about them
routes       what routes attach to, and their rules with all references looked up
hosting      HTTP: routes by hostname, virtual hosts, route configurations, what is never asked for
listening    Envoy listeners, with the proxies of other routes
leading      the clusters that something leads to, their endpoints, and secrets
telling      statuses

A stage is a function of one key, without memory of its own; the class around a few of them holds their columns. What
one gives to another's keys, or to the results, goes through a follower of its column.
"""
