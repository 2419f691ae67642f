"""What takes a commit to a release and to a cluster."""
