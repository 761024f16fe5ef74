"""Trains the networks and bakes their results into data/results.duckdb. Imports neither streamlit nor the explorer."""
