-- Documents that answers rest on, the datasets they are gathered in, their text in segments with
-- an inverted index, and the work that is done in the background.

CREATE TABLE IF NOT EXISTS document (
	id		BIGINT NOT NULL COMMENT 'rises with time',
	tenant		BIGINT NOT NULL COMMENT 'of the owner',
	owner		BIGINT NOT NULL COMMENT 'whose document it is',
	file_name	VARCHAR(255) NOT NULL COMMENT 'as its owner calls it',
	type		ENUM('txt', 'md', 'html', 'pdf', 'docx', 'image') NOT NULL
			COMMENT 'how it is read; an image is kept, and has no text',
	media_type	VARCHAR(127) NOT NULL COMMENT 'what it is handed out as: text/plain',
	url		VARCHAR(2048) NULL
			COMMENT 'where it is fetched from; NULL: it was uploaded',
	size		BIGINT NOT NULL COMMENT 'bytes; before it is fetched, what its owner said',
	status		ENUM('pending', 'ready', 'failed') NOT NULL
			COMMENT 'pending: it is still to be fetched or read',
	error		VARCHAR(255) NULL COMMENT 'why it failed; NULL: it did not',
	segments	INT NOT NULL DEFAULT 0 COMMENT 'number of its segments',
	tokens		BIGINT NOT NULL DEFAULT 0 COMMENT 'their length in index tokens together',
	created_ms	BIGINT NOT NULL COMMENT 'when it was added',
	PRIMARY KEY (id),
	KEY document_owner (owner),
	CONSTRAINT document_tenant FOREIGN KEY (tenant) REFERENCES tenant (id),
	CONSTRAINT document_owner FOREIGN KEY (owner) REFERENCES user (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_nopad_bin COMMENT='files of users';

CREATE TABLE IF NOT EXISTS document_part (
	document	BIGINT NOT NULL COMMENT 'whose content it is',
	n		INT NOT NULL COMMENT 'order, from 0',
	body		MEDIUMBLOB NOT NULL COMMENT 'bytes of the file, at most 1 MiB',
	PRIMARY KEY (document, n),
	CONSTRAINT document_part_document FOREIGN KEY (document) REFERENCES document (id)
	    ON DELETE CASCADE
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_nopad_bin
	COMMENT='files as they came, in parts, so that every host has them';

CREATE TABLE IF NOT EXISTS segment (
	document	BIGINT NOT NULL COMMENT 'whose text it is',
	n		INT NOT NULL COMMENT 'order, from 0',
	text		MEDIUMTEXT NOT NULL COMMENT 'a few paragraphs; this is searched',
	tokens		INT NOT NULL COMMENT 'length in index tokens',
	PRIMARY KEY (document, n),
	KEY segment_length (document, n, tokens),
	CONSTRAINT segment_document FOREIGN KEY (document) REFERENCES document (id)
	    ON DELETE CASCADE
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_nopad_bin
	COMMENT='text of documents in pieces that answers can rest on';

-- No foreign key: millions of rows, each of which would be looked up on its way in.
CREATE TABLE IF NOT EXISTS segment_posting (
	document	BIGINT NOT NULL COMMENT 'of the segment',
	h		BIGINT NOT NULL COMMENT 'first 64 bits of the token\'s hash',
	segment		INT NOT NULL COMMENT 'number in the document in which it stands',
	tf		SMALLINT NOT NULL COMMENT 'how often, at most 255',
	PRIMARY KEY (document, h, segment)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_nopad_bin
	COMMENT='inverted index of segment.text';

CREATE TABLE IF NOT EXISTS dataset (
	id		BIGINT NOT NULL COMMENT 'rises with time',
	tenant		BIGINT NOT NULL COMMENT 'of the owner',
	owner		BIGINT NOT NULL COMMENT 'whose dataset it is',
	name		TEXT NOT NULL COMMENT 'for display',
	created_ms	BIGINT NOT NULL COMMENT 'when it was added',
	PRIMARY KEY (id),
	KEY dataset_owner (owner),
	CONSTRAINT dataset_tenant FOREIGN KEY (tenant) REFERENCES tenant (id),
	CONSTRAINT dataset_owner FOREIGN KEY (owner) REFERENCES user (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_nopad_bin
	COMMENT='documents gathered under a name';

CREATE TABLE IF NOT EXISTS dataset_document (
	dataset		BIGINT NOT NULL COMMENT 'that gathers',
	document	BIGINT NOT NULL COMMENT 'what is gathered',
	PRIMARY KEY (dataset, document),
	KEY dataset_document_document (document),
	CONSTRAINT dataset_document_dataset FOREIGN KEY (dataset) REFERENCES dataset (id)
	    ON DELETE CASCADE,
	CONSTRAINT dataset_document_document FOREIGN KEY (document) REFERENCES document (id)
	    ON DELETE CASCADE
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_nopad_bin
	COMMENT='which documents are in which datasets';

CREATE TABLE IF NOT EXISTS session_document (
	session		BIGINT NOT NULL COMMENT 'whose answers rest on it',
	document	BIGINT NOT NULL COMMENT 'what they rest on',
	PRIMARY KEY (session, document),
	KEY session_document_document (document),
	CONSTRAINT session_document_session FOREIGN KEY (session) REFERENCES session (id),
	CONSTRAINT session_document_document FOREIGN KEY (document) REFERENCES document (id)
	    ON DELETE CASCADE
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_nopad_bin
	COMMENT='which documents the answers of a conversation rest on';

-- Times are by the clock of the database, since hosts compare them.
CREATE TABLE IF NOT EXISTS job (
	id		BIGINT NOT NULL COMMENT 'rises with time',
	kind		VARCHAR(16) NOT NULL COMMENT 'what is to be done: read (a document)',
	ref		BIGINT NOT NULL COMMENT 'to what',
	holder		BIGINT NOT NULL DEFAULT 0 COMMENT 'random id of who does it; 0: nobody yet',
	until_ms	BIGINT NOT NULL DEFAULT 0
			COMMENT 'others leave it alone until then',
	tries		INT NOT NULL DEFAULT 0 COMMENT 'how often it was begun',
	lost		INT NOT NULL DEFAULT 0
			COMMENT 'how often who did it was not heard of again',
	created_ms	BIGINT NOT NULL COMMENT 'when it was asked for',
	PRIMARY KEY (id),
	UNIQUE KEY job_ref (kind, ref),
	KEY job_until (until_ms, id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_nopad_bin
	COMMENT='work for the background; what is done has no row';
