ALTER TABLE identity.sessions DROP COLUMN traded_at;
CREATE UNIQUE INDEX sessions_previous_token_hash_key ON identity.sessions (previous_token_hash)
    WHERE previous_token_hash IS NOT NULL;
