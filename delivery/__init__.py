"""How a release comes to a cluster: ``python -m delivery.deploy`` and what it needs, for people and CI alike."""
