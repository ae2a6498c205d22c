-- Imported call records, which answers cite, and the postings they are found by: an inverted index
-- in plain rows, since InnoDB's full text knows no Chinese words and other engines' rows do not
-- replicate.

CREATE TABLE IF NOT EXISTS call_record (
	id		BIGINT NOT NULL COMMENT 'rises with time',
	tenant		BIGINT NOT NULL COMMENT 'whose record it is',
	ref		VARCHAR(190) NOT NULL
			COMMENT 'the importer\'s id: the same ref again replaces the record',
	summary		MEDIUMTEXT NOT NULL COMMENT 'what the call was about; this is searched',
	start_ms	BIGINT NOT NULL COMMENT 'begin of the call',
	duration	BIGINT NOT NULL COMMENT 'seconds',
	callnumber	VARCHAR(190) NULL COMMENT 'who called',
	callednumber	VARCHAR(190) NULL COMMENT 'who was called',
	labels		TEXT NULL COMMENT 'separated by |',
	tokens		BIGINT NOT NULL COMMENT 'length in index tokens',
	terms		MEDIUMTEXT NOT NULL
			COMMENT 'its postings, to take them back: JSON [[hash, times], ...]',
	created_ms	BIGINT NOT NULL COMMENT 'when it was imported',
	PRIMARY KEY (id),
	UNIQUE KEY call_record_ref (tenant, ref),
	CONSTRAINT call_record_tenant FOREIGN KEY (tenant) REFERENCES tenant (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_nopad_bin
	COMMENT='telephone calls that answers may cite';

CREATE TABLE IF NOT EXISTS call_posting (
	tenant		BIGINT NOT NULL COMMENT 'of the record',
	h		BIGINT NOT NULL COMMENT 'first 64 bits of the token\'s hash',
	call_record	BIGINT NOT NULL COMMENT 'in which it stands',
	tf		SMALLINT NOT NULL COMMENT 'how often, at most 255',
	PRIMARY KEY (tenant, h, call_record)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_nopad_bin
	COMMENT='inverted index of call_record.summary';

CREATE TABLE IF NOT EXISTS call_stats (
	tenant		BIGINT NOT NULL COMMENT 'whose records these are',
	records		BIGINT NOT NULL COMMENT 'how many',
	tokens		BIGINT NOT NULL COMMENT 'their length together',
	PRIMARY KEY (tenant),
	CONSTRAINT call_stats_tenant FOREIGN KEY (tenant) REFERENCES tenant (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_nopad_bin
	COMMENT='what ranking needs to know of a tenant\'s call records as a whole';
