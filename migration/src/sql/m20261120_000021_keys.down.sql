ALTER TABLE governance.api_keys DROP COLUMN provider, DROP COLUMN provider_domain;
