"""What a long-running process of ours needs: addresses, HTTP for probes, signals, a file that says it is ready."""
