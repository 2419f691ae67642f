"""What every function stands on. It imports no function."""

VERSION = "0.2.0"
