"""What is built upon: what is pinned, what is known of it, what is in the image, and what must not be in a commit."""
