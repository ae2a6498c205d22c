-- What a question should have rested on and did not, since it was not read by then.

ALTER TABLE turn
	ADD COLUMN IF NOT EXISTS unread TEXT NULL
		COMMENT 'JSON array of the documents that were not read yet, or could not be: {documentId, fileName, status}; NULL: none';
