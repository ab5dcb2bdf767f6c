"""Plots and pages of what a pump did: in the terminal, as PNG, CSV and one offline HTML page."""
