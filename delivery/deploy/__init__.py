"""How a release comes to a cluster: ``python -m delivery.deploy``, for people and CI alike."""
