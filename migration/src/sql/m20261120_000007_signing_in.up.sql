-- What safe sign-in needs beside accounts and sessions: letters that wait to be sent, the step between password and
-- second factor, requests to reset a password, and when a session last proved who holds it.

-- Sealed, since letters carry links that open accounts. A row is removed once the mail server took the letter.
CREATE TABLE platform.mails (
    id uuid CONSTRAINT mails_pkey PRIMARY KEY,
    letter bytea NOT NULL,
    attempts integer NOT NULL DEFAULT 0 CONSTRAINT mails_attempts_not_negative CHECK (attempts >= 0),
    due_at timestamptz NOT NULL DEFAULT now(),
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX mails_due_idx ON platform.mails (due_at);

-- Dangerous changes need a recent proof.
ALTER TABLE identity.sessions ADD COLUMN authenticated_at timestamptz NOT NULL DEFAULT now();
UPDATE identity.sessions SET authenticated_at = created_at;

-- Somebody gave the right password and owes the second factor.
CREATE TABLE identity.sign_in_challenges (
    id uuid CONSTRAINT sign_in_challenges_pkey PRIMARY KEY,
    user_id uuid NOT NULL CONSTRAINT sign_in_challenges_user_fkey REFERENCES identity.users ON DELETE CASCADE,
    token_hash bytea NOT NULL CONSTRAINT sign_in_challenges_token_hash_key UNIQUE,
    attempts integer NOT NULL DEFAULT 0 CONSTRAINT sign_in_challenges_attempts_not_negative CHECK (attempts >= 0),
    expires_at timestamptz NOT NULL,
    used_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT sign_in_challenges_expires_after_creation CHECK (expires_at > created_at)
);
CREATE INDEX sign_in_challenges_user_idx ON identity.sign_in_challenges (user_id) WHERE used_at IS NULL;
CREATE INDEX sign_in_challenges_expires_idx ON identity.sign_in_challenges (expires_at);

-- Written alike for every address, and worked on in the background: so the answer takes the same time whether there is
-- an account or not. The address is sealed, and forgotten once the request is handled.
CREATE TABLE identity.password_reset_requests (
    id uuid CONSTRAINT password_reset_requests_pkey PRIMARY KEY,
    email_secret bytea,
    handled_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX password_reset_requests_open_idx ON identity.password_reset_requests (created_at) WHERE handled_at IS NULL;
CREATE INDEX password_reset_requests_created_idx ON identity.password_reset_requests (created_at);

-- A user has one authenticator at most, and one that is being set up.
CREATE UNIQUE INDEX mfa_factors_confirmed_key ON identity.mfa_factors (user_id, kind) WHERE confirmed_at IS NOT NULL;
CREATE UNIQUE INDEX mfa_factors_unconfirmed_key ON identity.mfa_factors (user_id, kind) WHERE confirmed_at IS NULL;

CREATE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON identity.sign_in_challenges
    FOR EACH ROW EXECUTE FUNCTION audit.record('attempts');
CREATE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON identity.password_reset_requests
    FOR EACH ROW EXECUTE FUNCTION audit.record('email_secret', 'handled_at');
