-- A key says how its creator came in when it was made: an organization that enforces single sign-on lets in only those
-- keys that were made through its own provider.
ALTER TABLE governance.api_keys
    ADD COLUMN provider varchar(50),
    ADD COLUMN provider_domain varchar(255),
    ADD CONSTRAINT api_keys_domain_has_provider CHECK (provider IS NOT NULL OR provider_domain IS NULL);
