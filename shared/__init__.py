"""What every function stands on. It imports no function."""

VERSION = "0.1.0"
