"""The page that shows an evaluation: its sections, tables, gallery and charts, as one HTML file."""
