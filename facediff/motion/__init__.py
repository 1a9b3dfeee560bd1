"""What moves in a face, free of whose face it is: coefficients, expressions, drivers."""
