-- A refresh token names its session and is sealed by the server, so any that was traded before is recognised, and not
-- only the last one. The last one is kept for the moments in which two windows of one person may trade it at once.

DROP INDEX identity.sessions_previous_token_hash_key;
ALTER TABLE identity.sessions ADD COLUMN traded_at timestamptz;
