"""Questions about marked regions of pictures and videos."""
