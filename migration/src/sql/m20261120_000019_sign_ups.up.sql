-- Sign-ups that wait for a link to be followed. Written alike for every address and answered in the background, so that
-- neither the answer nor its time tells whether an address has an account. There is no account before the link was
-- followed, and then it has the password of just that sign-up: nobody can take an address in advance.

CREATE TABLE identity.sign_ups (
    id uuid CONSTRAINT sign_ups_pkey PRIMARY KEY,
    -- Sealed: address, name and the hash of the password. Null once it is of no use any more.
    account_secret bytea,
    -- SHA-256 of the link's token. Null before the letter, and where the address has an account already.
    token_hash bytea CONSTRAINT sign_ups_token_hash_key UNIQUE,
    expires_at timestamptz NOT NULL,
    handled_at timestamptz,
    used_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT sign_ups_expires_after_creation CHECK (expires_at > created_at)
);
CREATE INDEX sign_ups_open_idx ON identity.sign_ups (created_at) WHERE handled_at IS NULL;
CREATE INDEX sign_ups_expires_idx ON identity.sign_ups (expires_at);
CREATE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON identity.sign_ups
    FOR EACH ROW EXECUTE FUNCTION audit.record('account_secret', 'token_hash', 'handled_at');
