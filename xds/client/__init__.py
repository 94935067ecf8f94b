"""The sans-IO core of a client of ADS, incremental: what to ask an upstream for, and what its answers change.

wants          what all local clients want together, counted by member
mirror         one upstream stream: requests out, answers in, and what of the upstream's state is held
following      one type of it: what was asked for, what was answered
verdicts       which answers wait for a verdict, and what of what is held was never accepted
lifetimes      until when what lives for a time only is held, if nobody renews it
verifying      what an answer must be like to be taken at all
answers        the nouns: what the edge decoded, and what is made of it
telling        `system_version_info` of a server that tells revisions
"""
