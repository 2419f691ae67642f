"""What a request, a cold start and an idle process cost, against the least that they could cost."""
