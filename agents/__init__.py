"""What runs elsewhere: the node agent and the GitOps sync come here. Empty until then."""
