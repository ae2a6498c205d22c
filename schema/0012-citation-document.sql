-- Which document a citation shows text of, so that the text goes when the document does. Rows that
-- are there get it as new ones do: from their bodies. What is no id of ours there is nobody's.

ALTER TABLE citation
	ADD COLUMN IF NOT EXISTS document BIGINT
		AS (IF(JSON_VALID(body) AND
		    JSON_TYPE(JSON_EXTRACT(body, '$.documentId')) = 'INTEGER' AND
		    CHAR_LENGTH(JSON_VALUE(body, '$.documentId')) < 19,
		    CAST(JSON_VALUE(body, '$.documentId') AS SIGNED), NULL)) PERSISTENT
		COMMENT 'that it shows text of; NULL: of none';
ALTER TABLE citation
	ADD INDEX IF NOT EXISTS citation_document (document);
