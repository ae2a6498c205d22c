-- What logged-in chats keep of their own: what a conversation is about, and what a question holds
-- beside its text.

ALTER TABLE session
	ADD COLUMN IF NOT EXISTS abstract TEXT NOT NULL DEFAULT ''
		COMMENT 'what it is about, in the words of its owner',
	ADD COLUMN IF NOT EXISTS module TINYINT NOT NULL DEFAULT 1
		COMMENT '1: plain chat; 2: answers from documents',
	ADD COLUMN IF NOT EXISTS type ENUM('chat', 'spark_dataset_chat', 'spark_documents_chat')
		NOT NULL DEFAULT 'chat' COMMENT 'what its answers rest on',
	ADD COLUMN IF NOT EXISTS dataset BIGINT NULL
		COMMENT 'the dataset its answers rest on; NULL: none',
	ADD COLUMN IF NOT EXISTS model BIGINT NULL
		COMMENT 'the model that its owner chose last; NULL: none was chosen';

ALTER TABLE turn
	ADD COLUMN IF NOT EXISTS content_type ENUM('text', 'image', 'document') NOT NULL
		DEFAULT 'text' COMMENT 'what the question holds beside its text',
	ADD COLUMN IF NOT EXISTS file_url TEXT NULL
		COMMENT 'address of that image or document; NULL: none';
