"""One module per question, one function per question asked of the results file, named by its answer; they return Arrow tables or small values."""
