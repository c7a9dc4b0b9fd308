"""What `region4d lift` reads, offers and writes."""
