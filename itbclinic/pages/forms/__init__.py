"""What a person types on the catalogue's, the clinic's, the audit log's and the imports' pages."""
