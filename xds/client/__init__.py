"""The sans-IO core of a client of ADS, incremental: what to ask an upstream for, and what its answers change.

wants          what all local clients want together, counted by member
mirror         one upstream stream: requests out, answers in, and what of the upstream's state is held
following      one type of it: what was asked for, what was answered
verdicts       which answers wait for a verdict, and what of what is held was never accepted
lifetimes      until when what lives for a time only is held, if nobody renews it
verifying      what an answer must be like to be taken at all
answers        the nouns: what the edge decoded, and what is made of it
telling        `system_version_info` of a server that tells revisions

Revisions never go back, whoever is upstream. Three numbers see to that, each of all types together:
- what an answer is *of* (`revision`) raises the floor at once, for some of that revision is held from then on;
- what its teller *vouches* for (`complete`) must reach the floor as it was when the stream began, or the answer may
  change nothing: a server has all of what it tells; a relay that is halfway has a part, and says of which revision it
  has all. On one stream the teller goes forward only, so there the floor of the beginning is enough;
- what the client of the mirror may vouch for itself (`Mirror.complete`) rises with the answer after which no more of
  the revision is to come, which upstream says.
One number for each type instead would not do: a relay hears nothing of types that a revision leaves as they are, so
their numbers would stay behind, and one that has everything would be refused by whoever had something newer of another.

To change nothing means: nothing that was told before is changed or removed, and nothing comes that was known not to
exist. A name that was never known here is no step back, and a relay of which nobody asked for it before may be the
first to tell it: refusing that would be a false alarm for as long as nothing else changes.
"""
