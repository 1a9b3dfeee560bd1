"""Many clips in one run: what is to be made, who makes it, and what became of it. Knows no face and no model.

What makes a clip comes from ``facediff.batch.tasks``, as two functions: one that says what a job depends on, and one
that renders it. The latter runs in worker processes and is named there, so it must be a function of a module.
"""
