-- Documents keep the order in which they were put into conversations and datasets.

ALTER TABLE session_document
	ADD COLUMN IF NOT EXISTS place BIGINT NOT NULL DEFAULT 0
		COMMENT 'rises in the order in which they came; 0: by document';

ALTER TABLE dataset_document
	ADD COLUMN IF NOT EXISTS place BIGINT NOT NULL DEFAULT 0
		COMMENT 'rises in the order in which they came; 0: by document';
