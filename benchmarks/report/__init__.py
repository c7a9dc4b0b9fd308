"""Pages, tables and figures of reports."""
