"""What the family takes home: the queue to print."""
