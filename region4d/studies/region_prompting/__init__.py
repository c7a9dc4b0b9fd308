"""Studies of pointing: the same questions, with regions shown in several ways."""
