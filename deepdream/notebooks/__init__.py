"""Dreams that are seen growing in a Jupyter notebook."""
