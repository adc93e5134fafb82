"""`cultivar comment`: one comment on a pull or merge request, kept up to date."""
