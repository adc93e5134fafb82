"""What all pages of the project share: one base template, inline SVG, and the rule that texts of rows are inert."""
