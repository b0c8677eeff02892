DROP INDEX identity.mfa_factors_unconfirmed_key, identity.mfa_factors_confirmed_key;
DROP TABLE identity.password_reset_requests, identity.sign_in_challenges;
ALTER TABLE identity.sessions DROP COLUMN authenticated_at;
DROP TABLE platform.mails;
