"""A report as a document: JSON, PDF, XLSX and CSV."""
