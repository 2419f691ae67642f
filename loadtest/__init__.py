"""The load test: fifty developers at work, played by Locust against a running Flycatcher."""
