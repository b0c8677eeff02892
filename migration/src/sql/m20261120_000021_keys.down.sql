DROP TRIGGER set_wrapping_version ON governance.secrets;
DROP FUNCTION governance.set_wrapping_version();
-- What was wrapped in development was wrapped by key 0, which there was not before.
UPDATE governance.secrets SET wrapping_version = 1 WHERE wrapping_version NOT BETWEEN 1 AND 2147483647;
ALTER TABLE governance.secrets
    DROP CONSTRAINT secrets_wrapped_secret_key_format,
    DROP CONSTRAINT secrets_wrapping_version_not_negative,
    ALTER COLUMN wrapping_version TYPE integer,
    ADD CONSTRAINT secrets_wrapping_version_positive CHECK (wrapping_version > 0);
ALTER TABLE governance.api_keys DROP COLUMN provider, DROP COLUMN provider_domain;
