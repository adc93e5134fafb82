"""One reading of answers, equations and constraints, intervals and pairs: what stages and evaluation share."""
