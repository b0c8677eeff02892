-- A key says how its creator came in when it was made: an organization that enforces single sign-on lets in only those
-- keys that were made through its own provider.
ALTER TABLE governance.api_keys
    ADD COLUMN provider varchar(50),
    ADD COLUMN provider_domain varchar(255),
    ADD CONSTRAINT api_keys_domain_has_provider CHECK (provider_domain IS NULL OR provider IS NOT NULL);

-- The key of the environment is named in the wrapped key itself: its bytes 1 to 4. So whatever wraps it anew, the number
-- is right; in development it is 0.
ALTER TABLE governance.secrets
    DROP CONSTRAINT secrets_wrapping_version_positive,
    ALTER COLUMN wrapping_version TYPE bigint,
    ADD CONSTRAINT secrets_wrapping_version_not_negative CHECK (wrapping_version >= 0),
    ADD CONSTRAINT secrets_wrapped_secret_key_format
        CHECK (octet_length(wrapped_secret_key) > 5 AND get_byte(wrapped_secret_key, 0) = 1);
CREATE FUNCTION governance.set_wrapping_version() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    NEW.wrapping_version := ('x' || encode(substr(NEW.wrapped_secret_key, 2, 4), 'hex'))::bit(32)::bigint;
    RETURN NEW;
END
$$;
CREATE TRIGGER set_wrapping_version BEFORE INSERT OR UPDATE OF wrapped_secret_key, wrapping_version
    ON governance.secrets FOR EACH ROW EXECUTE FUNCTION governance.set_wrapping_version();
