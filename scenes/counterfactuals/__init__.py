"""Changed clips and worlds, whose truth is known as exactly as before."""
